"""The operations of the LinkWS family, one row each (contract, section 4).

Everything that depends on an operation's name (routes, SOAP bodies, the WSDL, the help page, which checks apply and
which codes answer) is derived from these rows, so that one more operation is one more row.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Action(Enum):
    """What the gateway does for a call; ``front`` maps each to one function of ``flow``."""

    SUBMIT = "submit"
    SUBMIT_EACH = "submit_each"  # several messages in one call, each a submission of its own
    BALANCE = "balance"
    BLOCKED = "blocked"  # the numbers that get nothing from the account
    REPLIES = "replies"
    REPORTS = "reports"
    FAILURES = "failures"
    CHANGE_PASSWORD = "change_password"  # noqa: S105  a verb, not a secret
    CHANGE_PROFILE = "change_profile"
    REGISTER = "register"
    CLOSE = "close"
    CHARGE_UP = "charge_up"
    MAKE_ACCOUNT = "make_account"
    GIVE_CREDIT = "give_credit"
    GREET = "greet"
    NOTHING = "nothing"  # MMS and voice: in the WSDL, and always -2, since this gateway carries text only


class ResultType(StrEnum):
    """XML schema type of the answer (contract, section 4)."""

    STRING = "string"
    INT = "int"


class Dialect(Enum):
    """Which of the two code sets an operation answers with (contract, section 5)."""

    INTL = "intl"  # the manual's pair: -20 to -23
    PLAIN = "plain"  # the rest of the family: -1, -3 and -8 in their place


class PasswordForm(Enum):
    """What a client puts into ``Pwd`` (contract, section 3)."""

    MD5_STRICT = "md5_strict"  # 32 hex digits, anything else is -23
    MD5 = "md5"  # 32 hex digits, anything else is a wrong password
    PLAIN = "plain"  # the password itself; its MD5 is accepted too


class Pace(Enum):
    """Which minimum interval between two answered calls applies (contract, section 5, row 9)."""

    NONE = "none"
    QUERY = "query"
    REPORT = "report"


class Success(Enum):
    """What a submitting operation answers when the call is accepted; programs test for exactly that."""

    ID = "id"  # the submission's id
    ZERO = "zero"
    ONE = "one"  # or the id, for an account that is set so


_ACCOUNT = ("CorpID", "Pwd")
_ACCOUNT_LOGIN = ("corpid", "pwd")
_AGENT_LOGIN = ("loginname", "loginpwd")


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the family: its name as the WSDL spells it, and everything that follows from it."""

    name: str
    parameters: tuple[str, ...]
    action: Action
    result: ResultType
    dialect: Dialect
    password: PasswordForm
    pace: Pace = Pace.NONE
    success: Success = Success.ID
    login: tuple[str, str] = _ACCOUNT_LOGIN  # the parameters, in lower case, that name the account and its password
    numeric: tuple[str, ...] = ()  # parameters of type xsd:int, required in the WSDL
    closed: bool = False  # answers -2 until ``policy.open_operations`` names it

    @property
    def submits(self) -> bool:
        """Whether the call carries messages, so that rows 10 to 19 of the contract's table apply."""
        return self.action in (Action.SUBMIT, Action.SUBMIT_EACH)


_MESSAGE = (*_ACCOUNT, "Mobile", "Content", "Cell", "SendTime")
_PROFILE = ("CorpName", "LinkMan", "Tel", "Mobile", "Email", "Memo")
_AGENT = ("LoginName", "LoginPwd")
_PICTURE = ("Base64Content", "Title", "ExtCode", "SendTime")


def _plain(
    name: str,
    parameters: tuple[str, ...],
    action: Action,
    result: ResultType = ResultType.STRING,
    *,
    pace: Pace = Pace.NONE,
    success: Success = Success.ID,
    login: tuple[str, str] = _ACCOUNT_LOGIN,
    numeric: tuple[str, ...] = (),
    closed: bool = False,
) -> Operation:
    """A row of the rest of the family: the plain password, and no -20 to -23."""
    return Operation(
        name, parameters, action, result, Dialect.PLAIN, PasswordForm.PLAIN, pace, success, login, numeric, closed
    )


FAMILY: tuple[Operation, ...] = (
    Operation(
        name="IntlSend",
        parameters=_MESSAGE,
        action=Action.SUBMIT,
        result=ResultType.STRING,
        dialect=Dialect.INTL,
        password=PasswordForm.MD5_STRICT,
    ),
    Operation(
        name="GetBalance",
        parameters=_ACCOUNT,
        action=Action.BALANCE,
        result=ResultType.STRING,
        dialect=Dialect.INTL,
        password=PasswordForm.MD5,
        pace=Pace.QUERY,
    ),
    _plain("Send", _MESSAGE, Action.SUBMIT, ResultType.INT, success=Success.ZERO),
    _plain("BatchSend", _MESSAGE, Action.SUBMIT, ResultType.INT, success=Success.ONE),
    _plain("Send2", _MESSAGE, Action.SUBMIT),
    _plain("BatchSend2", _MESSAGE, Action.SUBMIT),
    _plain("SelSum", _ACCOUNT, Action.BALANCE, ResultType.INT, pace=Pace.QUERY),
    _plain("Get", _ACCOUNT, Action.REPLIES, pace=Pace.QUERY),
    _plain("GetReportSMS", _ACCOUNT, Action.REPORTS, pace=Pace.REPORT),
    _plain("GetReportFail", (*_ACCOUNT, "cell"), Action.FAILURES, pace=Pace.REPORT),
    _plain("NotSend", _ACCOUNT, Action.BLOCKED, pace=Pace.QUERY),
    _plain("UpdPwd", (*_ACCOUNT, "NewPwd"), Action.CHANGE_PASSWORD, ResultType.INT),
    _plain("UpdReg", (*_ACCOUNT, *_PROFILE), Action.CHANGE_PROFILE, ResultType.INT),
    _plain("Reg", (*_ACCOUNT, *_PROFILE), Action.REGISTER, ResultType.INT, closed=True),
    _plain("UnReg", _ACCOUNT, Action.CLOSE, ResultType.INT, closed=True),
    _plain("ChargeUp", (*_ACCOUNT, "CardNo", "CardPwd"), Action.CHARGE_UP, ResultType.INT, closed=True),
    _plain(
        "AgentMakeAccount",
        (*_AGENT, *_PROFILE, "CorpID", "Pass"),
        Action.MAKE_ACCOUNT,
        login=_AGENT_LOGIN,
        closed=True,
    ),
    _plain(
        "AgentChangeAccount",
        (*_AGENT, "CorpID", "SmsBalance", "MmsBalance"),
        Action.GIVE_CREDIT,
        login=_AGENT_LOGIN,
        numeric=("SmsBalance", "MmsBalance"),
        closed=True,
    ),
    _plain("BatchContentSms", (*_ACCOUNT, "JsonString"), Action.SUBMIT_EACH),
    _plain("HelloWorld", (), Action.GREET),
    _plain("SendMMS", (*_ACCOUNT, "Mobile", *_PICTURE), Action.NOTHING),
    _plain("SendMMS2", (*_ACCOUNT, "Mobile", *_PICTURE), Action.NOTHING),
    _plain("BatchSendMMS", (*_ACCOUNT, "Mobiles", *_PICTURE), Action.NOTHING),
    _plain("BatchSendMMS2", (*_ACCOUNT, "Mobiles", *_PICTURE), Action.NOTHING),
    _plain("GetMMS", _ACCOUNT, Action.NOTHING),
    _plain("BalanceMMS", _ACCOUNT, Action.NOTHING),
    _plain("GetReportMMS", _ACCOUNT, Action.NOTHING),
    _plain("GetReportFailMMS", (*_ACCOUNT, "cell"), Action.NOTHING),
    _plain("ChargeUpMMS", (*_ACCOUNT, "CardNo", "CardPwd"), Action.NOTHING),
    _plain("VoiceNotify", (*_ACCOUNT, "Mobile", "verify_code", "vtpl_id", "show_num"), Action.NOTHING),
)

_BY_NAME = {operation.name.lower(): operation for operation in FAMILY}


def find_operation(name: str) -> Operation | None:
    """The operation called ``name`` in any case, or None."""
    return _BY_NAME.get(name.lower())
