"""A message's story, derived from the columns of its rows: what happened at each station, and why."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from yizhan.kit.clock import to_rfc3339
from yizhan.model.carriage import ChannelState
from yizhan.model.handout import Queue
from yizhan.model.message import Lane, State
from yizhan.model.money import show_credits
from yizhan.model.route import Route
from yizhan.model.story import Event, Said, Story, say
from yizhan.model.views import AuditView
from yizhan.policy.route_key import passenger
from yizhan.policy.routing import decide
from yizhan.store.handouts import WaitingReport
from yizhan.store.messages import Record
from yizhan.store.release import is_release

_DEEDS = {
    "message resend": "told_message_resend",
    "message give-up": "told_message_give_up",
    "message release": "told_message_release",
}
_NEVER_SENT = (State.INVALID, State.BLOCKED, State.CANCELLED)


def tell(
    record: Record, now_ms: int, routes: Sequence[Route] = (), states: Mapping[str, ChannelState] | None = None
) -> Story:
    """The whole timeline of one message up to ``now_ms``; what holds a waiting one up is told by today's rules."""
    row = record.message
    events = [_released(row)] if is_release(row) else [_received(row), _checked(row), _charged(row)]
    state = State(row.messages_state)
    candidates: list[Event] = []
    if state in _NEVER_SENT:
        what, why = say(f"told_{state.word}"), say(f"told_{state.word}_why")
        events.append(Event(_at(row.messages_finished_at_ms), "end", what, [why]))
    else:
        events.append(_waited(row, state, now_ms))
        events.extend(_carried(record))
        candidates = _routed(row, routes, states or {})
    if state is State.QUEUED:
        events, candidates = events + candidates, []
    if row.messages_refunded_milli:
        refunded = say("told_refunded", credit=show_credits(row.messages_refunded_milli))
        events.append(Event(_at(row.messages_finished_at_ms), "ledger", refunded, [_why_refunded(state)]))
    channels = [row.messages_channel, *(part.channel for part in record.parts)]
    return Story(record.view, events, [name for name in dict.fromkeys(channels) if name], candidates)


def tell_report(record: Record, waiting: Sequence[WaitingReport], now_ms: int) -> list[Event]:
    """How the client hears of a message's end; nothing before it has one."""
    if not State(record.message.messages_state).final or is_release(record.message):
        return []
    events = [_waiting(one, now_ms) for one in waiting]
    return events or [Event(None, "client", say("told_handed_out"))]


def _waiting(one: WaitingReport, now_ms: int) -> Event:
    why = [say("told_last_attempt", count=one.attempts, said=one.said)] if one.attempts else []
    if one.by_webhook and one.next_at_ms is None:
        return Event(None, "client", say("told_parked"), why)
    if one.by_webhook:
        return Event(_at(one.next_at_ms), "client", say("told_pushes"), why)
    operation = "GetReportFail" if one.queue is Queue.FAILURES else "GetReportSMS"
    key = "told_leased" if one.leased_until_ms > now_ms else "told_waits_for_fetch"
    return Event(None, "client", say(key, operation=operation))


def _released(row: Any) -> Event:
    why = [say("told_account", account=row.accounts_corp_id), say("told_released_why")]
    what = say("told_released", message=row.submissions_address)
    return Event(_at(row.submissions_accepted_at_ms), "operator", what, why)


def _received(row: Any) -> Event:
    operation, transport = row.submissions_operation, row.submissions_transport
    what = say("told_received", operation=operation, transport=transport, address=row.submissions_address)
    return Event(
        _at(row.submissions_accepted_at_ms), "front", what, [say("told_account", account=row.accounts_corp_id)]
    )


def _checked(row: Any) -> Event:
    words = row.submissions_keywords_checked
    checks = [
        say("told_let_in"),
        say(f"told_signature_{row.submissions_signature}"),
        say("told_keywords", count=words) if words else say("told_no_keywords"),
        say("told_number_right") if row.messages_state != State.INVALID else say("told_number_wrong"),
    ]
    return Event(_at(row.submissions_accepted_at_ms), "policy", say("told_admitted"), checks)


def _charged(row: Any) -> Event:
    at, parts, price = _at(row.submissions_accepted_at_ms), row.messages_parts, row.messages_price_milli
    call = say("told_call", credit=show_credits(row.submissions_price_milli))
    if price == 0:
        return Event(at, "accept", say("told_free"), [call])
    values = {"parts": parts, "encoding": row.submissions_encoding, "unit": show_credits(price // parts)}
    why = Said("told_parts" if parts > 1 else "told_one_part", values)
    return Event(at, "accept", say("told_charged", credit=show_credits(price)), [why, call])


def _waited(row: Any, state: State, now_ms: int) -> Event:
    lane = say(f"told_lane_{Lane(row.messages_lane).name.lower()}")
    if state is State.SCHEDULED:
        return Event(_at(row.submissions_send_at_ms), "dispatch", say("told_scheduled"), [lane])
    if row.messages_claimed_at_ms is None:
        waits_s = (now_ms - (row.messages_due_at_ms or now_ms)) / 1000
        return Event(None, "dispatch", say("told_waits", seconds=f"{waits_s:.1f}"), [lane])
    waited_s = (row.messages_claimed_at_ms - (row.submissions_send_at_ms or row.submissions_accepted_at_ms)) / 1000
    why = say("told_waited", lane=lane, seconds=f"{max(0.0, waited_s):.3f}", attempt=row.messages_attempts)
    return Event(_at(row.messages_claimed_at_ms), "dispatch", say("told_claimed", channel=row.messages_channel), [why])


def _routed(row: Any, routes: Sequence[Route], states: Mapping[str, ChannelState]) -> list[Event]:
    """Which channels may carry it now, and why not the others."""
    decision = decide(routes, states, passenger(row.messages_account_id, row.messages_route_key))
    rule = say("told_rule", position=decision.route.position) if decision.route else say("told_no_rule")
    if is_release(row):
        rule = say("told_released_only")
    events = [
        Event(
            None,
            "routing",
            say("told_passed_over", channel=one.channel),
            [say(f"obstacle_{one.obstacle.name.lower()}", detail=one.detail)],
        )
        for one in decision.rejected
    ]
    what = say("told_held")
    if decision.open:
        what = say("told_next", channels=tuple(decision.open))
    return [*events, Event(None, "routing", what, [rule])]


def _carried(record: Record) -> list[Event]:
    row = record.message
    events = [event for part in record.parts for event in _part(row, part)]
    events += [_done(deed) for deed in record.deeds if deed.action in _DEEDS]
    events.sort(key=lambda event: event.at or "~")  # what has not happened comes last
    if row.messages_uncertain:
        held = row.messages_state == State.UNCERTAIN
        why = say("told_no_answer")
        if held and row.messages_claimed_at_ms is None:
            why = say("told_restored")
        times = say("told_one_time") if row.messages_uncertain == 1 else say("told_times", count=row.messages_uncertain)
        policy = say("told_uncertain_held") if held else say("told_sent_again")
        events.insert(0, Event(None, "dispatch", say("told_uncertain", times=times, why=why), [policy]))
    return events


def _done(deed: AuditView) -> Event:
    """What an operator has done to it. Who that was stands in the audit log: customers read this, too."""
    return Event(deed.at, "operator", Said(_DEEDS[deed.action], json.loads(deed.after)))


def _part(row: Any, part: Any) -> Iterator[Event]:
    name = say("told_part", part=part.part, of=part.pieces or row.messages_parts)
    if part.attempt != row.messages_attempts:
        name = say("told_attempt", attempt=part.attempt, part=name)
    channel = [say("told_over", channel=part.channel)]
    if part.carrier_id is None:
        yield Event(_at(part.answered_at_ms), "carrier", say("told_refused", part=name, word=part.word), channel)
        return
    taken = say("told_taken", part=name, id=part.carrier_id) if part.carrier_id else say("told_taken_idless", part=name)
    yield Event(_at(part.answered_at_ms), "carrier", taken, channel)
    if part.finished_at_ms is None:
        yield Event(None, "receipt", say("told_unreported", part=name))
    else:
        reported = say("told_reported", part=name, word=part.word)
        yield Event(_at(part.finished_at_ms), "receipt", reported, [say(State(part.state).word)])


def _why_refunded(state: State) -> Said:
    return say("told_refund_cancelled") if state is State.CANCELLED else say("told_refund_ended", state=say(state.word))


def _at(ms: int | None) -> str | None:
    return to_rfc3339(ms)
