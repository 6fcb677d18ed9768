"""Release: what a simulator had leaves once more, as a message of its own, over one real channel."""

import json
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from yizhan.model.call import Call, Transport
from yizhan.model.message import Lane, State
from yizhan.model.operation import FAMILY
from yizhan.model.submission import Admitted, Encoding, Recipient, SignatureFound
from yizhan.model.views import MessageView
from yizhan.policy.route_key import bound_to
from yizhan.store.accept import accept
from yizhan.store.channels import is_simulated
from yizhan.store.hand import driver, lock_messages
from yizhan.store.messages import Record, find_records, list_messages
from yizhan.store.search import Filter

# What a copy's submission was made by; no client can call it.
_RELEASE = replace(FAMILY[0], name="Release")


@dataclass(frozen=True, slots=True)
class Original:
    """A message that may be released."""

    id: int
    record: Record
    account_id: int
    number: str  # E.164
    state: State
    simulated: bool  # whether the last channel that had it is a simulator
    released: dict[str, int]  # channel -> the copy that went over it


def is_release(row: Any) -> bool:
    """Whether a message of this row is such a copy."""
    return bool(row.submissions_operation == _RELEASE.name)


def find_original(connection: Connection, message_id: int) -> Original | None:
    """The message, with all that speaks for or against it."""
    records = find_records(connection, Filter(message=message_id))
    if not records:
        return None
    record, row = records[0], records[0].message
    told = [json.loads(deed.after) for deed in record.deeds if deed.action == "message release"]
    return Original(
        id=message_id,
        record=record,
        account_id=row.messages_account_id,
        number=row.messages_number,
        state=State(row.messages_state),
        simulated=row.messages_channel is not None and is_simulated(connection, row.messages_channel),
        released={one["channel"]: one["message"] for one in told},
    )


def lock_message(connection: Connection, message_id: int) -> None:
    """Nobody else releases it before the transaction has ended."""
    lock_messages(driver(connection), [message_id])


def send_copy(connection: Connection, original: Original, channel: str, at_ms: int) -> MessageView:
    """The same text to the same number from the same sender, free of charge."""
    row = original.record.message
    copy = Admitted(
        call=Call(_RELEASE, {}, str(row.messages_id), Transport.API),
        account_id=original.account_id,
        text=row.submissions_text,
        encoding=Encoding(row.submissions_encoding),
        parts=row.messages_parts,
        cell=row.submissions_cell,
        send_at_ms=None,
        lane=Lane.URGENT,
        recipients=(Recipient(row.messages_written, original.number, State.QUEUED, 0, bound_to(channel)),),
        price_milli=0,
        signature=SignatureFound(row.submissions_signature),
        keywords_checked=row.submissions_keywords_checked,
        accepted_at_ms=at_ms,
    )
    (client_id,) = accept(connection, [copy])
    assert isinstance(client_id, int)  # noqa: S101  nothing is too dear that costs nothing
    (view,) = list_messages(connection, Filter(submission=client_id, account=row.accounts_corp_id)).messages
    return view
