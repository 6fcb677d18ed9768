"""Traces by OpenTelemetry: steps become spans, which leave by OTLP over HTTP. Needs the extra ``otel``.

Environment variables say where to, and how much of it, as everywhere (``OTEL_EXPORTER_OTLP_ENDPOINT``,
``OTEL_SERVICE_NAME``, ``OTEL_TRACES_SAMPLER``, ``OTEL_BSP_...``). A message's later steps are of another moment, and
often of another process: a trace's id and that of its first span follow from the submission's name; nothing is kept.
"""

from hashlib import sha256
from threading import Thread

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from yizhan.kit.steps import Step

_FIRST = "call"
_KINDS = {_FIRST: SpanKind.SERVER, "submit": SpanKind.CLIENT, "report": SpanKind.CONSUMER}
_CLOSE_S = 5.0


class Spans:
    """A ``Follower``. For one thread."""

    def __init__(self, version: str, node: str) -> None:
        self._ids = _Ids()
        about = Resource.create({"service.name": "yizhan", "service.version": version, "service.instance.id": node})
        about = about.merge(OTELResourceDetector().detect())  # what the environment says counts more
        self._provider = TracerProvider(resource=about, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("yizhan", version)

    def step(self, step: Step) -> None:
        """As a span: the call's is the parent of all others of its submission."""
        context = None
        if step.submission is not None:
            trace_id, span_id = _ids_of(step.submission)
            if step.name == _FIRST:
                self._ids.given = (trace_id, span_id)
            else:
                context = set_span_in_context(NonRecordingSpan(self._call(trace_id, span_id)))
        span = self._tracer.start_span(
            step.name,
            context,
            _KINDS.get(step.name, SpanKind.INTERNAL),
            {f"yizhan.{name}": value for name, value in step.about.items()},
            start_time=step.begun_ns,
        )
        if step.failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(max(step.begun_ns, step.ended_ns))

    def _call(self, trace_id: int, span_id: int) -> SpanContext:
        """The call's span, which may have left another process: sampled, or not, as it was there."""
        decision = self._provider.sampler.should_sample(None, trace_id, _FIRST, SpanKind.SERVER).decision
        flags = TraceFlags(TraceFlags.SAMPLED if decision is Decision.RECORD_AND_SAMPLE else TraceFlags.DEFAULT)
        return SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)

    def close(self) -> None:
        """What is left leaves now; a backend that is away is not waited for longer than a moment."""
        thread = Thread(target=self._provider.shutdown, daemon=True)
        thread.start()
        thread.join(_CLOSE_S)


class _Ids(RandomIdGenerator):
    """Random ids, but for the span that is ``given`` its own."""

    def __init__(self) -> None:
        self.given: tuple[int, int] | None = None

    def generate_trace_id(self) -> int:
        return super().generate_trace_id() if self.given is None else self.given[0]

    def generate_span_id(self) -> int:
        given, self.given = self.given, None
        return super().generate_span_id() if given is None else given[1]


def _ids_of(submission: str) -> tuple[int, int]:
    """Of its trace, and of the span of its call."""
    digest = sha256(submission.encode()).digest()
    return int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:24], "big")
