"""What the carrier sends us: reports and replies, stored in batches, and acknowledged only when they are stored."""

from dataclasses import dataclass, field

from yizhan.carrier.link import Link
from yizhan.model.carriage import LongReply, Receipt, Reply
from yizhan.model.channel import ChannelSettings
from yizhan.policy.numbers import to_e164
from yizhan.wire.smpp.codec import Pdu
from yizhan.wire.smpp.receipts import SpellingLearner, keys_of_report, read_receipt
from yizhan.wire.smpp.table import MESSAGE_PAYLOAD, MESSAGE_STATE, RECEIPTED_MESSAGE_ID
from yizhan.wire.smpp.texts import read_text

# esm_class of a deliver_sm (section 5.2.12): bits 2 to 5 say what it is.
_TYPE_BITS = 0x3C
_RECEIPT = 0x04
_DELIVERY_ACK = 0x08
_USER_ACK = 0x10
_INTERMEDIATE = 0x20
_INTERNATIONAL = 1  # TON
_MOST_WAITING = 10_000  # past this the channel stops reading


@dataclass(slots=True)
class Batch:
    """What came in since the last batch was stored, with the PDUs that are to be answered for it."""

    receipts: list[Receipt] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    long_replies: list[LongReply] = field(default_factory=list)
    owed: list[tuple[Link, Pdu]] = field(default_factory=list)


class Inbox:
    """Reads requests of the carrier's into values."""

    def __init__(self, settings: ChannelSettings) -> None:
        self._settings = settings
        self._batch = Batch()
        self.spellings = SpellingLearner(settings.receipt_ids)

    def __len__(self) -> int:
        return len(self._batch.owed)

    @property
    def full(self) -> bool:
        """Whether so much waits for the store that no more should be read."""
        return len(self._batch.owed) >= _MOST_WAITING

    def take(self) -> Batch:
        """Everything that has come in; the next batch begins."""
        batch, self._batch = self._batch, Batch()
        return batch

    def put(self, link: Link, pdu: Pdu, now_ms: int) -> None:
        """One deliver_sm or data_sm."""
        self._batch.owed.append((link, pdu))
        esm_class = int(pdu.body.get("esm_class", 0))
        said = read_text(
            esm_class,
            int(pdu.body.get("data_coding", 0)),
            pdu.body.get("short_message", b""),
            pdu.tlv(MESSAGE_PAYLOAD),
            tlvs=pdu.tlvs,
            default_alphabet=self._settings.alphabet,
        )
        number = self._number(pdu)
        kind = esm_class & _TYPE_BITS
        if kind in (_RECEIPT, _INTERMEDIATE) or pdu.tlv(RECEIPTED_MESSAGE_ID) is not None:
            self._put_receipt(pdu, said.text, number, now_ms)
            return
        if kind in (_DELIVERY_ACK, _USER_ACK):
            return  # the handset acknowledges: nothing that a client could ask for
        sent_to = str(pdu.body.get("destination_addr", "")).lstrip("+")
        if said.part is None:
            self._batch.replies.append(Reply(number, sent_to, said.text, now_ms))
        else:
            part = said.part
            self._batch.long_replies.append(
                LongReply(number, sent_to, part.reference, part.total, part.number, said.text, now_ms)
            )

    def _put_receipt(self, pdu: Pdu, text: str, number: str, now_ms: int) -> None:
        id_tlv, state_tlv = pdu.tlv(RECEIPTED_MESSAGE_ID), pdu.tlv(MESSAGE_STATE)
        found = read_receipt(
            text,
            None if id_tlv is None else id_tlv.split(b"\0")[0].decode("latin-1"),
            None if not state_tlv else state_tlv[0],
        )
        if found is None:
            return  # marked as a report, and says nothing: it is acknowledged, or it would come for ever
        keys = keys_of_report(found.carrier_id, self.spellings.order()) if found.carrier_id else ()
        self._batch.receipts.append(Receipt(keys, found.word, now_ms, number, found.carrier_id))

    def _number(self, pdu: Pdu) -> str:
        """The handset's number as E.164, or as it came when it is none (a short code, a name)."""
        written = str(pdu.body.get("source_addr", ""))
        plus = "+" if pdu.body.get("source_addr_ton") == _INTERNATIONAL and not written.startswith("+") else ""
        return to_e164(plus + written) or to_e164(written) or written
