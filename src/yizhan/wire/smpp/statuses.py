"""command_status: every name of SMPP 3.4, and what a client does about it (section 5.1.3; carriers, "Status")."""

from enum import IntEnum

from yizhan.model.outcome import Outcome


class Status(IntEnum):
    """The specification's ESME_… codes, without that prefix."""

    ROK = 0x00
    RINVMSGLEN = 0x01
    RINVCMDLEN = 0x02
    RINVCMDID = 0x03
    RINVBNDSTS = 0x04
    RALYBND = 0x05
    RINVPRTFLG = 0x06
    RINVREGDLVFLG = 0x07
    RSYSERR = 0x08
    RINVSRCADR = 0x0A
    RINVDSTADR = 0x0B
    RINVMSGID = 0x0C
    RBINDFAIL = 0x0D
    RINVPASWD = 0x0E
    RINVSYSID = 0x0F
    RCANCELFAIL = 0x11
    RREPLACEFAIL = 0x13
    RMSGQFUL = 0x14
    RINVSERTYP = 0x15
    RINVNUMDESTS = 0x33
    RINVDLNAME = 0x34
    RINVDESTFLAG = 0x40
    RINVSUBREP = 0x42
    RINVESMCLASS = 0x43
    RCNTSUBDL = 0x44
    RSUBMITFAIL = 0x45
    RINVSRCTON = 0x48
    RINVSRCNPI = 0x49
    RINVDSTTON = 0x50
    RINVDSTNPI = 0x51
    RINVSYSTYP = 0x53
    RINVREPFLAG = 0x54
    RINVNUMMSGS = 0x55
    RTHROTTLED = 0x58
    RINVSCHED = 0x61
    RINVEXPIRY = 0x62
    RINVDFTMSGID = 0x63
    RX_T_APPN = 0x64
    RX_P_APPN = 0x65
    RX_R_APPN = 0x66
    RQUERYFAIL = 0x67
    RINVOPTPARSTREAM = 0xC0
    ROPTPARNOTALLWD = 0xC1
    RINVPARLEN = 0xC2
    RMISSINGOPTPARAM = 0xC3
    RINVOPTPARAMVAL = 0xC4
    RDELIVERYFAILURE = 0xFE
    RUNKNOWNERR = 0xFF


# The peer takes too much at a time: wait and send the same again; no failure of the message.
THROTTLING = frozenset({Status.RTHROTTLED, Status.RMSGQFUL})

# The bind itself is gone or was never there: the link starts anew, the part was not taken.
UNBOUND = frozenset({Status.RINVBNDSTS})

_BUSY = frozenset({Status.RSYSERR, Status.RX_T_APPN, Status.RSUBMITFAIL, Status.RDELIVERYFAILURE, Status.RUNKNOWNERR})

# The carrier has something against us, not against the number: another channel may take the message.
_BARRED = frozenset(
    {
        Status.RINVSRCADR,
        Status.RINVSRCTON,
        Status.RINVSRCNPI,
        Status.RINVSERTYP,
        Status.RINVSYSTYP,
        Status.RINVPRTFLG,
        Status.RINVREGDLVFLG,
        Status.RINVESMCLASS,
        Status.RINVDSTTON,
        Status.RINVDSTNPI,
        Status.RINVDFTMSGID,
        Status.RINVREPFLAG,
        Status.RINVCMDID,
        Status.RINVCMDLEN,
        Status.RINVOPTPARSTREAM,
        Status.ROPTPARNOTALLWD,
        Status.RINVPARLEN,
        Status.RMISSINGOPTPARAM,
        Status.RINVOPTPARAMVAL,
        Status.RX_P_APPN,
        Status.RX_R_APPN,
        Status.RINVSCHED,
        Status.RINVEXPIRY,
    }
)


def word_of(status: int) -> str:
    """The specification's name, or the number in hexadecimal for a vendor's."""
    try:
        return Status(status).name
    except ValueError:
        return f"0x{status:08X}"


def outcome_of(status: int) -> Outcome:
    """What the answer to a submit means for the part, throttling and a lost bind set aside.

    A vendor's status (from 0x400 on, or one that the specification reserves) is taken as the channel's own refusal.
    """
    if status == Status.ROK:
        return Outcome.TAKEN
    if status in _BUSY or status in THROTTLING or status in UNBOUND:
        return Outcome.BUSY
    if status in _BARRED or status not in Status._value2member_map_:
        return Outcome.BARRED
    return Outcome.REFUSED
