"""What an admitted call becomes: the fate and the price of each number, the lane, the text as it will be sent."""

from yizhan.model.account import LaneRule
from yizhan.model.message import Lane, State
from yizhan.model.route import TextClass
from yizhan.model.submission import Admitted, Recipient
from yizhan.policy.case import Case
from yizhan.policy.text_class import text_class
from yizhan.wire.segment import choose_encoding, count_parts


def admit(case: Case) -> Admitted:
    """A call that was not refused, as the store will keep it: the fate and the price of each number are set here."""
    assert case.signed is not None  # noqa: S101  row 13 refused the call otherwise
    text, signature = case.signed
    send_at_ms = case.send_at_ms if case.send_at_ms is not None and case.send_at_ms > case.now_ms else None
    encoding = choose_encoding(text)
    parts = count_parts(text, encoding)
    recipients = _recipients(case, parts, State.QUEUED if send_at_ms is None else State.SCHEDULED)
    return Admitted(
        call=case.call,
        account_id=case.known_account.id,
        text=text,
        encoding=encoding,
        parts=parts,
        cell=case.cell,
        send_at_ms=send_at_ms,
        lane=_lane(case, len(recipients), send_at_ms),
        recipients=recipients,
        price_milli=sum([recipient.price_milli for recipient in recipients]),
        signature=signature,
        keywords_checked=len(case.standing.keywords),
        accepted_at_ms=case.now_ms,
        original=None if case.call.original is None else case.call.original(),
    )


def _recipients(case: Case, parts: int, state: State) -> tuple[Recipient, ...]:
    """Section 3, "the fate of each number": valid ones are sent and charged, blocked and invalid ones are neither."""
    valid, blocked, keys = case.numbers.valid, case.blocked, case.standing.keys
    kind = text_class(case.content) if keys.needs_class else TextClass.NOTICE
    of_each = zip(valid.items(), case.terms.prices.segments_milli(valid), keys.keys(valid, kind), strict=True)
    found = [
        Recipient(written, number, State.BLOCKED, 0)
        if number in blocked
        else Recipient(written, number, state, parts * price, key)
        for (number, written), price, key in of_each
    ]
    found += [Recipient(written, written, State.INVALID, 0) for written in case.numbers.invalid]
    return tuple(found)


def _lane(case: Case, numbers: int, send_at_ms: int | None) -> Lane:
    """Urgent: an account set so, or a small call for now."""
    small_and_now = send_at_ms is None and numbers <= case.terms.policy.urgent_max_numbers
    return Lane.URGENT if case.known_account.lane is LaneRule.URGENT or small_and_now else Lane.BULK
