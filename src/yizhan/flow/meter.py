"""The meter: what has happened since this node has started, for Prometheus. No number, text or id is ever a label."""

from collections import Counter as Counts
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from yizhan.model.call import Call
from yizhan.model.carriage import Answer, Receipt
from yizhan.model.message import receipt_state
from yizhan.model.reject import Refusal
from yizhan.model.submission import Admitted

# Seconds of a call: from a question that memory answers to the longest that a client waits.
_CALL_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Meter:
    """Told by the stations of the flow, read by whoever asks for the metrics."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._calls = Histogram(
            "yizhan_call_seconds",
            "Calls of clients, and how long they took.",
            ["operation"],
            buckets=_CALL_S,
            registry=registry,
        )
        self._refused = Counter(
            "yizhan_refused_calls_total",
            "Calls that were refused, by reason.",
            ["operation", "reason"],
            registry=registry,
        )
        self._accepted = Counter(
            "yizhan_accepted_messages_total", "Messages that were stored, one a number.", ["lane"], registry=registry
        )
        self._parts = Counter(
            "yizhan_submitted_parts_total",
            "Parts as carriers have answered.",
            ["channel", "outcome"],
            registry=registry,
        )
        self._reports = Counter(
            "yizhan_reports_total", "Reports of parts, by the state they mean.", ["channel", "state"], registry=registry
        )
        self._replies = Counter("yizhan_replies_total", "What handsets wrote.", ["channel"], registry=registry)

    @property
    def accepted_messages(self) -> int:
        """How many were stored."""
        (metric,) = self._accepted.collect()
        return int(sum(sample.value for sample in metric.samples if sample.name.endswith("_total")))

    def called(self, call: Call, took_s: float, refusal: Refusal | None) -> None:
        """One call, answered."""
        operation = call.operation.name
        self._calls.labels(operation).observe(took_s)
        if refusal is not None:
            self._refused.labels(operation, refusal.reject.value).inc()

    def accepted(self, admitted: Admitted) -> None:
        """A call whose messages are stored."""
        self._accepted.labels(admitted.lane.name.lower()).inc(len(admitted.recipients))

    def answered(self, channel: str, answers: Sequence[Answer]) -> None:
        """What a carrier said to parts, stored."""
        self._count(self._parts, channel, (answer.outcome.value for answer in answers))

    def reported(self, channel: str, receipts: Sequence[Receipt]) -> None:
        """Reports, stored."""
        self._count(self._reports, channel, (_state(receipt.word) for receipt in receipts))

    def replied(self, channel: str, count: int) -> None:
        """What handsets wrote, stored."""
        self._replies.labels(channel).inc(count)

    @staticmethod
    def _count(counter: Counter, channel: str, kinds: Iterable[str]) -> None:
        for kind, count in Counts(kinds).items():
            counter.labels(channel, kind).inc(count)


def _state(word: str) -> str:
    state = receipt_state(word)
    return "under way" if state is None else state.word
