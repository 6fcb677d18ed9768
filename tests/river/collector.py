"""An OpenTelemetry collector as far as tests need one: takes OTLP over HTTP, and tells the spans that it got."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Wire
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass(frozen=True)
class Span:
    """One span as it came over the wire."""

    name: str
    trace: str
    id: str
    parent: str
    kind: str
    begun_ns: int
    ended_ns: int
    failed: bool
    about: dict[str, Any]
    resource: dict[str, Any]


@dataclass
class Collector:
    """What came in, and where it listens."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    raw: bytes = b""

    def of(self, submission: int) -> dict[str, Span]:
        """The spans of a submission by name; the last of each."""
        return {span.name: span for span in self.spans if span.about.get("yizhan.submission") == submission}

    @property
    def environ(self) -> dict[str, str]:
        """For a gateway that shall send its spans here."""
        return {
            "YIZHAN_OTEL__ENABLED": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector while the block lasts."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
            collector.raw += body
            collector.spans += _read(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield collector
        finally:
            server.shutdown()


def _read(body: bytes) -> Iterator[Span]:
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    for group in request.resource_spans:
        resource = _values(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Span(
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    kind=Wire.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    begun_ns=span.start_time_unix_nano,
                    ended_ns=span.end_time_unix_nano,
                    failed=span.status.code == Status.STATUS_CODE_ERROR,
                    about=_values(span.attributes),
                    resource=resource,
                )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
