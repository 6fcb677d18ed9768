"""What the SMSC delivers: receipts and handset replies, within a window, until they are acknowledged."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from yizhan.kit.clock import BEIJING
from yizhan.model.submission import Encoding
from yizhan.sim.smsc.chance import Chance
from yizhan.sim.smsc.scenario import Receipts
from yizhan.wire.segment import split
from yizhan.wire.smpp.codec import Pdu
from yizhan.wire.smpp.receipts import STATES
from yizhan.wire.smpp.table import MESSAGE_STATE, RECEIPTED_MESSAGE_ID, Command
from yizhan.wire.smpp.texts import UCS2, UDHI

_RECEIPT = 0x04
_STATE_OF = {word: state for state, word in STATES.items()}


@dataclass(slots=True)
class Delivery:
    """One deliver_sm on its way to whoever is bound as ``system_id``."""

    system_id: str
    pdu: Pdu
    not_over: str = ""  # a link that it should not take
    is_receipt: bool = True


def ids_of(number: int, spelling: str) -> tuple[str, str]:
    """The id in the answer to a submit, and the one in its report."""
    match spelling:
        case "hex":
            return str(number), f"{number:x}"
        case "decimal":
            return f"{number:X}", str(number)
        case "padded":
            return str(number), f"{number:014d}"
        case _:
            return str(number), str(number)


def receipt_for(submit: Pdu, report_id: str, word: str, *, how: Receipts, chance: Chance, at_ms: int) -> Pdu:
    """The report on a submit, in one of the shapes that carriers give it."""
    at = datetime.fromtimestamp(at_ms / 1000, BEIJING)
    stamp = f"{at:%y%m%d%H%M}"
    body = {
        "source_addr_ton": submit.body.get("dest_addr_ton", 0),
        "source_addr_npi": submit.body.get("dest_addr_npi", 0),
        "source_addr": submit.body.get("destination_addr", ""),
        "destination_addr": submit.body.get("source_addr", ""),
        "esm_class": _RECEIPT,
    }
    tlvs: list[tuple[int, bytes]] = [
        (RECEIPTED_MESSAGE_ID, report_id.encode("latin-1") + b"\0"),
        (MESSAGE_STATE, bytes((_STATE_OF.get(word, 7),))),
    ]
    named = f"id:{report_id} "
    delivered = "001" if word == "DELIVRD" else "000"
    text = f"sub:001 dlvrd:{delivered} submit date:{stamp} done date:{stamp} stat:{word} err:000 text:"
    if chance.hits(how.malformed_share):
        return Pdu(Command.DELIVER_SM, body={**body, "short_message": f"ID {report_id}; {word}".encode("latin-1")})
    if chance.hits(how.tlv_only_share):
        return Pdu(Command.DELIVER_SM, body=body, tlvs=tlvs)
    if chance.hits(how.without_id_share):
        named, tlvs = "", []
    return Pdu(Command.DELIVER_SM, body={**body, "short_message": (named + text).encode("latin-1")}, tlvs=tlvs)


def reply_parts(number: str, sent_to: str, text: str, reference: int) -> Iterator[Pdu]:
    """What a handset writes, in as many parts as it takes."""
    parts = split(text, Encoding.UCS2)  # a handset that always writes UCS-2
    for place, part in enumerate(parts, 1):
        data, esm_class = part.encode("utf-16-be", "surrogatepass"), 0
        if len(parts) > 1:
            data = bytes((5, 0, 3, reference & 0xFF, len(parts), place)) + data
            esm_class = UDHI
        body = {
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": number,
            "destination_addr": sent_to,
            "esm_class": esm_class,
            "data_coding": UCS2,
            "short_message": data,
        }
        yield Pdu(Command.DELIVER_SM, body=body)
