"""The trail: what each call and each message goes through, for whoever follows them. Most nodes have none.

Stations tell it what is over; to which submission a message belongs is asked of the store, on a connection that only
reads. What goes wrong with that is logged, and holds up nobody.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby

from yizhan.flow.living import Living
from yizhan.kit.log import get_logger
from yizhan.kit.steps import About, Follower, Step
from yizhan.model.call import Call
from yizhan.model.carriage import Answer, Receipt
from yizhan.model.journey import Journey, PartJourney
from yizhan.model.message import State, receipt_state
from yizhan.model.outcome import Outcome
from yizhan.model.reject import Refusal
from yizhan.model.submission import Accepted, Admitted, Stored
from yizhan.store.database import Database
from yizhan.store.journeys import journeys_of, part_journeys

log = get_logger("trail")

_MS = 1_000_000
_TOLD = frozenset({"call", "submit", "report"})  # the others are stages of these


class Trail:
    """Told by the stations of the flow."""

    def __init__(
        self,
        database: Database,
        living: Living,
        followers: Sequence[Follower],
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """``now_ns``: the wall clock, in the unit that traces have."""
        self._database = database
        self._living = living
        self._followers = followers
        self.now_ns = now_ns

    def close(self) -> None:
        """No more comes."""
        for follower in self._followers:
            follower.close()

    def stored(self, admitted: Admitted, submission: int, admitted_ns: int) -> None:
        """A call has become a submission; ``admitted_ns``: when the rules were through with it."""
        call, now_ns, begun_ns = admitted.call, self.now_ns(), admitted.accepted_at_ms * _MS
        about: About = {
            **_about_call(call),
            "account": call.account,
            "submission": submission,
            "lane": admitted.lane.name.lower(),
            "messages": len(admitted.recipients),
            "parts": admitted.parts,
            "outcome": "accepted",
        }
        name = _name_of(admitted.account_id, submission, admitted.accepted_at_ms)
        self._tell(Step("call", begun_ns, now_ns, about, submission=name))
        brief: About = {"account": call.account, "submission": submission}
        self._tell(Step("admission", begun_ns, admitted_ns, brief, submission=name))
        self._tell(Step("commit", admitted_ns, now_ns, brief, submission=name))

    def called(self, call: Call, took_s: float, outcome: object) -> None:
        """A call is answered. What has become a submission just now is told already."""
        about = dict(_about_call(call))
        if call.account in self._living.standing.accounts:  # else it may be anything, a password too
            about["account"] = call.account
        if isinstance(outcome, Accepted | Stored):
            if not (isinstance(outcome, Stored) and outcome.before):
                return
            about["submission"] = outcome.submission
        refused = isinstance(outcome, Refusal)
        about["outcome"] = outcome.reject.value if isinstance(outcome, Refusal) else "answered"
        now_ns = self.now_ns()
        self._tell(Step("call", now_ns - int(took_s * 1_000_000_000), now_ns, about, failed=refused))

    async def look(self, answers: Sequence[Answer]) -> Mapping[int, Journey]:
        """The messages that these are about, as they stand before the answers change them."""
        ids = list({answer.message_id for answer in answers})
        try:
            return await self._database.read(partial(journeys_of, message_ids=ids))
        except Exception as error:
            log.warning("messages are not followed", error=repr(error))
            return {}

    def answered(self, channel: str, answers: Sequence[Answer], journeys: Mapping[int, Journey]) -> None:
        """A carrier's answers are stored; all parts of a message stand one behind the other."""
        for message_id, parts in groupby(answers, key=lambda answer: answer.message_id):
            journey = journeys.get(message_id)
            if journey is not None and journey.claimed_at_ms is not None:
                self._submitted(channel, journey, journey.claimed_at_ms, list(parts))

    def _submitted(self, channel: str, journey: Journey, claimed_at_ms: int, parts: Sequence[Answer]) -> None:
        outcome = next((part.outcome for part in parts if not part.taken), Outcome.TAKEN)
        about = {**_about(journey), "channel": channel, "parts": parts[-1].of, "outcome": outcome.value}
        due_at_ms = max(journey.accepted_at_ms, journey.send_at_ms or 0)
        if journey.attempts == 1:  # of a later attempt nobody knows since when it could have gone
            self._tell_of("wait", journey, due_at_ms, claimed_at_ms, _about(journey))
        ended_at_ms = max(part.at_ms for part in parts)
        self._tell_of("submit", journey, claimed_at_ms, ended_at_ms, about, failed=outcome is not Outcome.TAKEN)

    async def reported(self, channel: str, receipts: Sequence[Receipt]) -> None:
        """Reports are stored."""
        keys = sorted({key for receipt in receipts for key in receipt.keys})
        try:
            found = await self._database.read(partial(part_journeys, channel=channel, keys=keys))
        except Exception as error:
            log.warning("reports are not followed", error=repr(error))
            return
        by_key = defaultdict[str, list[PartJourney]](list)
        for part in found:
            by_key[part.key].append(part)
        for receipt in receipts:
            state = receipt_state(receipt.word)
            about_it = [part for key in receipt.keys for part in by_key[key] if receipt.number in ("", part.number)]
            if state is not None and about_it:
                part = about_it[-1]
                about = {**_about(part.journey), "channel": channel, "part": part.part, "outcome": state.word}
                now_ms = self.now_ns() // _MS
                self._tell_of(
                    "report", part.journey, part.answered_at_ms, now_ms, about, failed=state is not State.DELIVERED
                )

    def _tell_of(
        self, name: str, journey: Journey, begun_ms: int, ended_ms: int, about: About, *, failed: bool = False
    ) -> None:
        submission = _name_of(journey.account_id, journey.submission, journey.accepted_at_ms)
        self._tell(Step(name, begun_ms * _MS, ended_ms * _MS, about, failed, submission))

    def _tell(self, step: Step) -> None:
        for follower in self._followers:
            follower.step(step)


class LogFollower:
    """A line for each call, for each attempt to hand a message over, and for each report."""

    def step(self, step: Step) -> None:
        """Write it down."""
        if step.name in _TOLD:
            log.info(step.name, **step.about, took_ms=round((step.ended_ns - step.begun_ns) / _MS, 1))

    def close(self) -> None:
        """Nothing to do."""


def _name_of(account_id: int, submission: int, accepted_at_ms: int) -> str:
    return f"{account_id} {submission} {accepted_at_ms}"


def _about_call(call: Call) -> dict[str, str | int]:
    return {"operation": call.operation.name, "transport": call.transport.value, "address": call.address}


def _about(journey: Journey) -> dict[str, str | int]:
    return {
        "operation": journey.operation,
        "account": journey.account,
        "submission": journey.submission,
        "lane": journey.lane.name.lower(),
        "message": journey.message_id,
    }
