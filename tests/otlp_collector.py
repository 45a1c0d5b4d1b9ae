"""An OpenTelemetry collector of the tests' own: takes OTLP over HTTP, and keeps the spans."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

PATIENCE_S = 60.0


class Span(NamedTuple):
    """A span as it came; ids are hexadecimal, times UTC nanoseconds."""

    name: str
    service: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    links: list[tuple[str, str]]


class Collector:
    """Listens once made; takes what comes once `serving`."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    outer.spans += _spans(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def trace(self, holds: Callable[[Span], bool], names: set[str]) -> dict[str, Span]:
        """Return a trace's spans by name, once it has these; one of its spans meets `holds`."""
        deadline = time.monotonic() + PATIENCE_S
        found: dict[str, Span] = {}
        while time.monotonic() < deadline:
            for marked in filter(holds, list(self.spans)):  # one that began too early has holes
                same = [span for span in list(self.spans) if span.trace_id == marked.trace_id]
                found = {span.name: span for span in same}
                if names <= set(found):
                    return found
            time.sleep(0.02)
        raise AssertionError(f"{names - set(found)} not among {sorted(found)}")


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource_spans in request.resource_spans:
        resource = {one.key: _value(one.value) for one in resource_spans.resource.attributes}
        for scope_spans in resource_spans.scope_spans:
            for one in scope_spans.spans:
                yield Span(
                    one.name,
                    resource["service.name"],
                    one.trace_id.hex(),
                    one.span_id.hex(),
                    one.parent_span_id.hex(),
                    one.kind,
                    one.start_time_unix_nano,
                    one.end_time_unix_nano,
                    {each.key: _value(each.value) for each in one.attributes},
                    [(link.trace_id.hex(), link.span_id.hex()) for link in one.links],
                )


def _value(value: AnyValue) -> Any:
    return getattr(value, value.WhichOneof("value") or "string_value")
