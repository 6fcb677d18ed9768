"""A message's story, told from the columns of its rows: what happened at each station, and why."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from yizhan.kit.clock import to_rfc3339
from yizhan.model.carriage import ChannelState
from yizhan.model.message import Lane, State
from yizhan.model.money import show_credits
from yizhan.model.route import Route
from yizhan.model.submission import SignatureFound
from yizhan.model.views import AuditView, MessageStory, Step
from yizhan.policy.route_key import passenger
from yizhan.policy.routing import decide
from yizhan.store.messages import Record
from yizhan.store.release import is_release

_SIGNATURES = {
    SignatureFound.AT_END: "signature at the end",
    SignatureFound.AT_START: "signature at the start",
    SignatureFound.APPENDED: "the account's signature was appended",
    SignatureFound.NONE_NEEDED: "the account needs no signature",
}
_DEEDS = {
    "message resend": "queued again",
    "message give-up": "given up",
    "message release": "released over channel {channel} as message {message}",
}
_ENDS = {
    State.INVALID: "not sent, not charged: the form of the number is wrong",
    State.BLOCKED: "not sent, not charged: the number is blocked",
    State.CANCELLED: "cancelled by the operator before it was sent",
}


def tell(
    record: Record, now_ms: int, routes: Sequence[Route] = (), states: Mapping[str, ChannelState] | None = None
) -> MessageStory:
    """The whole timeline of one message up to ``now_ms``; what holds a waiting one up is told by today's rules."""
    row = record.message
    steps = [_released(row)] if is_release(row) else [_received(row), _checked(row), _charged(row)]
    state = State(row.messages_state)
    if state in _ENDS:
        steps.append(Step(_at(row.messages_finished_at_ms), "end", state.word, _ENDS[state]))
    else:
        steps.append(_waited(row, state, now_ms))
        steps.extend(_carried(record))
        if state is State.QUEUED:
            steps.extend(_routed(row, routes, states or {}))
    if row.messages_refunded_milli:
        refunded = f"{show_credits(row.messages_refunded_milli)} 条 paid back"
        steps.append(Step(_at(row.messages_finished_at_ms), "ledger", refunded, _why_refunded(state)))
    return MessageStory(record.view, steps)


def _released(row: Any) -> Step:
    what = f"released: a copy of {row.submissions_address}, for the real telephone"
    why = f"account {row.accounts_corp_id} is not charged for it, and gets no report of it"
    return Step(_at(row.submissions_accepted_at_ms), "operator", what, why)


def _received(row: Any) -> Step:
    operation, transport = row.submissions_operation, row.submissions_transport
    what = f"{operation} over {transport} from {row.submissions_address}"
    return Step(_at(row.submissions_accepted_at_ms), "front", what, f"account {row.accounts_corp_id}")


def _checked(row: Any) -> Step:
    words = row.submissions_keywords_checked
    checks = [
        "address, account and password right",
        _SIGNATURES[SignatureFound(row.submissions_signature)],
        f"none of {words} keywords found" if words else "no keywords are set",
        "number's form right" if row.messages_state != State.INVALID else "number's form wrong",
    ]
    return Step(_at(row.submissions_accepted_at_ms), "policy", "admitted", "; ".join(checks))


def _charged(row: Any) -> Step:
    parts, price = row.messages_parts, row.messages_price_milli
    call = f"the call cost {show_credits(row.submissions_price_milli)} 条 in one ledger entry"
    if price == 0:
        return Step(_at(row.submissions_accepted_at_ms), "accept", "stored, free of charge", call)
    unit = show_credits(price // parts)
    what = f"stored and charged {show_credits(price)} 条"
    why = f"{parts} part{'s' if parts > 1 else ''} ({row.submissions_encoding}) at {unit} 条; {call}"
    return Step(_at(row.submissions_accepted_at_ms), "accept", what, why)


def _waited(row: Any, state: State, now_ms: int) -> Step:
    lane = Lane(row.messages_lane).name.lower()
    if state is State.SCHEDULED:
        return Step(_at(row.submissions_send_at_ms), "dispatch", "kept until its SendTime", f"{lane} lane")
    if row.messages_claimed_at_ms is None:
        waits_s = (now_ms - (row.messages_due_at_ms or now_ms)) / 1000
        return Step(None, "dispatch", f"waits for a free slot of a channel since {waits_s:.1f} s", f"{lane} lane")
    waited_s = (row.messages_claimed_at_ms - (row.submissions_send_at_ms or row.submissions_accepted_at_ms)) / 1000
    why = f"{lane} lane, waited {max(0.0, waited_s):.3f} s, attempt {row.messages_attempts}"
    return Step(_at(row.messages_claimed_at_ms), "dispatch", f"claimed for channel {row.messages_channel}", why)


def _routed(row: Any, routes: Sequence[Route], states: Mapping[str, ChannelState]) -> list[Step]:
    """Which channels may carry it now, and why not the others."""
    decision = decide(routes, states, passenger(row.messages_account_id, row.messages_route_key))
    rule = f"rule {decision.route.position}" if decision.route else "no rule matches: every channel may carry it"
    if is_release(row):
        rule = "released to this channel alone"
    steps = [
        Step(None, "routing", f"channel {one.channel} does not carry it now", one.why) for one in decision.rejected
    ]
    if decision.open:
        return [*steps, Step(None, "routing", f"goes next over {' or '.join(decision.open)}", rule)]
    return [*steps, Step(None, "routing", "held: no channel can carry it now", rule)]


def _carried(record: Record) -> list[Step]:
    row = record.message
    steps = [step for part in record.parts for step in _part(row, part)]
    steps += [_done(deed) for deed in record.deeds]
    steps.sort(key=lambda step: step.at or "~")  # what has not happened comes last
    if row.messages_uncertain:
        times = "once" if row.messages_uncertain == 1 else f"{row.messages_uncertain} times"
        held = row.messages_state == State.UNCERTAIN
        policy = "held for the operator" if held else "sent again by the channel's policy"
        why = "it was being sent, and no answer came"
        if held and row.messages_claimed_at_ms is None:
            why = "it was waiting in a backup that was restored, and may have been sent since"
        steps.insert(0, Step(None, "dispatch", f"uncertain {times}: {why}", policy))
    return steps


def _done(deed: AuditView) -> Step:
    """What an operator has done to it."""
    what = _DEEDS.get(deed.action, deed.action).format_map(json.loads(deed.after))
    return Step(deed.at, "operator", what, f"by {deed.actor}")


def _part(row: Any, part: Any) -> Iterator[Step]:
    name = f"part {part.part} of {part.pieces or row.messages_parts}"
    if part.attempt != row.messages_attempts:
        name = f"attempt {part.attempt}, {name}"
    if part.carrier_id is None:
        yield Step(_at(part.answered_at_ms), "carrier", f"{name} refused: {part.word}", part.channel)
        return
    taken = f"taken as {part.carrier_id}" if part.carrier_id else "taken without an id"
    yield Step(_at(part.answered_at_ms), "carrier", f"{name} {taken}", part.channel)
    if part.finished_at_ms is None:
        yield Step(None, "receipt", f"{name}: no final receipt yet")
    else:
        yield Step(_at(part.finished_at_ms), "receipt", f"{name}: {part.word}", State(part.state).word)


def _why_refunded(state: State) -> str:
    return "the operator cancelled it" if state is State.CANCELLED else f"it ended {state.word}"


def _at(ms: int | None) -> str | None:
    return to_rfc3339(ms)
