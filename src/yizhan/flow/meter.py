"""The meter: what has happened since this node has started, for Prometheus. No number, text or id is ever a label."""

from bisect import bisect_left
from collections import Counter as Counts
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from statistics import fmean

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from yizhan.model.call import Call
from yizhan.model.carriage import Answer, Receipt
from yizhan.model.message import State, receipt_state
from yizhan.model.outcome import Outcome
from yizhan.model.reject import Refusal
from yizhan.model.submission import Admitted
from yizhan.model.views import NewestReports

# Seconds of a call: from a question that memory answers to the longest that a client waits.
_CALL_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# Seconds from a carrier's answer to its report: at once from a simulator, days from a handset that was off.
_DELAY_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400)
_UNDELIVERED = (State.FAILED, State.EXPIRED, State.REJECTED, State.UNKNOWN)
_NEWEST = 500  # reports that a channel is judged by
_SHARES = (0.5, 0.95)


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
        self._newest: dict[str, _Newest] = {}
        registry.register(_DelayMetric(self._newest))
        # Parts that are paid for, not messages: what carriers answer and report are parts.
        self.accepted_parts = self.delivered_parts = self.failed_parts = 0

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
        self.accepted_parts += admitted.parts * sum(one.price_milli > 0 for one in admitted.recipients)

    def answered(self, channel: str, answers: Sequence[Answer]) -> None:
        """What a carrier said to parts, stored."""
        counts = self._count(self._parts, channel, (answer.outcome.value for answer in answers))
        self.failed_parts += counts[Outcome.REFUSED.value]

    def reported(self, channel: str, receipts: Sequence[Receipt], delays_ms: Sequence[int]) -> None:
        """Reports, stored; ``delays_ms``: of those that ended a part."""
        counts = self._count(self._reports, channel, (_state(receipt.word) for receipt in receipts))
        delivered, failed = counts[State.DELIVERED.word], sum(counts[state.word] for state in _UNDELIVERED)
        self.delivered_parts += delivered
        self.failed_parts += failed
        if delivered + failed:
            self._newest.setdefault(channel, _Newest()).add(delivered, failed, delays_ms)

    def replied(self, channel: str, count: int) -> None:
        """What handsets wrote, stored."""
        self._replies.labels(channel).inc(count)

    def newest_reports(self) -> dict[str, NewestReports]:
        """What the newest reports of each channel say, and how long they took."""
        return {channel: newest.view() for channel, newest in self._newest.items()}

    @staticmethod
    def _count(counter: Counter, channel: str, kinds: Iterable[str]) -> Counts[str]:
        counts = Counts(kinds)
        for kind, count in counts.items():
            counter.labels(channel, kind).inc(count)
        return counts


class _Newest:
    """The reports of one channel. The buckets are our own: prometheus_client takes 2 µs to note one."""

    def __init__(self) -> None:
        self.buckets = [0] * (len(_DELAY_S) + 1)
        self.sum_ms = 0
        self._delays_ms: deque[int] = deque(maxlen=_NEWEST)
        self._delivered: deque[int] = deque(maxlen=_NEWEST)  # 1 or 0

    def add(self, delivered: int, failed: int, delays_ms: Sequence[int]) -> None:
        """Some more."""
        self._delivered.extend([0] * min(failed, _NEWEST) + [1] * min(delivered, _NEWEST))
        for delay_ms in delays_ms:
            self.buckets[bisect_left(_DELAY_S, delay_ms / 1000)] += 1
        self.sum_ms += sum(delays_ms)
        self._delays_ms.extend(delays_ms)

    def view(self) -> NewestReports:
        """There is one at least."""
        delays_ms = sorted(self._delays_ms)
        p50_s, p95_s = (delays_ms[int(share * (len(delays_ms) - 1))] / 1000 if delays_ms else None for share in _SHARES)
        return NewestReports(fmean(self._delivered), p50_s, p95_s)


class _DelayMetric(Collector):
    """The same for Prometheus."""

    def __init__(self, newest: Mapping[str, _Newest]) -> None:
        self._newest = newest

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histogram."""
        metric = HistogramMetricFamily(
            "yizhan_report_delay_seconds",
            "From a carrier's answer to its final report on the part.",
            labels=["channel"],
        )
        bounds = [*map(str, map(float, _DELAY_S)), "+Inf"]
        for channel, newest in self._newest.items():
            buckets = list(zip(bounds, accumulate(newest.buckets), strict=True))
            metric.add_metric([channel], buckets, newest.sum_ms / 1000)
        yield metric


def _state(word: str) -> str:
    state = receipt_state(word)
    return "under way" if state is None else state.word
