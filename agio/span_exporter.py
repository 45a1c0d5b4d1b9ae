"""Passages of traced orders into OpenTelemetry spans, and these to a collector: a process.

It is the child of a service that has orders traced (`agio.span_outlet`), runs at low priority and
ends with it. Making a span and its bytes takes a hundred times as long as noting that an order has
passed; here it holds up nobody, and what is too much is dropped on the way here.
"""

import os
import select
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from agio import __version__
from vocabulary.trace_ids import span_id, trace_id
from vocabulary.tracing import HOPS, Passage

NICENESS = 10
SPANS_MAX = 2_000
GATHER_SECONDS = 0.5
TIMEOUT_SECONDS = 5
READ_BYTES = 1 << 18
TRACES_PATH = "/v1/traces"  # OTLP/HTTP: "the default URL path for traces is /v1/traces"

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
# W3C Trace Context first, where a client sends both.
_PROPAGATOR = CompositePropagator([AwsXRayPropagator(), TraceContextTextMapPropagator()])
_PASSAGES = msgspec.msgpack.Decoder(list[Passage])


def spans(passage: Passage, resource: Resource) -> Iterator[ReadableSpan]:
    """Yield a span for each of the passage's records."""
    hop = HOPS[passage.hop]
    links = _links(passage.carrier)
    for sequence, timestamp_ns in passage.records:
        trace = trace_id(sequence, timestamp_ns)
        own = span_id(trace, passage.hop, passage.instance)
        instance = passage.instance if hop.shares_instance else 0
        parent = span_id(trace, hop.parent, instance) if hop.parent else None
        yield ReadableSpan(
            passage.hop,
            context=SpanContext(trace, own, is_remote=False, trace_flags=_SAMPLED),
            parent=SpanContext(trace, parent, is_remote=True, trace_flags=_SAMPLED)
            if parent is not None
            else None,
            resource=resource,
            attributes={"agio.sequence": sequence, **passage.attributes},
            links=links,
            kind=SpanKind[hop.kind.name],
            start_time=passage.start_ns,
            end_time=max(passage.end_ns, passage.start_ns),
        )


def _links(carrier: Mapping[str, str]) -> Sequence[Link]:
    """Return a link to the trace that a client has named, if it named one."""
    if not carrier:
        return ()
    named = trace.get_current_span(_PROPAGATOR.extract(carrier)).get_span_context()
    return (Link(named),) if named.is_valid else ()


def export(service: str, otlp_url: str, source: socket.socket) -> None:
    """Export what comes from `source`, frames of `agio.span_outlet`, until it ends."""
    resource = Resource.create(
        {
            "service.name": f"agio-{service}",
            "service.namespace": "agio",
            "service.version": __version__,
            "service.instance.id": f"{socket.gethostname()}:{os.getppid()}",
        }
    )
    exporter = OTLPSpanExporter(otlp_url + TRACES_PATH, timeout=TIMEOUT_SECONDS)
    gathered: list[ReadableSpan] = []
    due_s = 0.0
    received = bytearray()
    has_ended = False
    while not has_ended:
        wait_s = max(due_s - time.monotonic(), 0.0) if gathered else None
        if select.select([source], [], [], wait_s)[0]:
            data = source.recv(READ_BYTES)
            has_ended = not data
            received += data
            if not gathered:
                due_s = time.monotonic() + GATHER_SECONDS
            for passages in _frames(received):
                for passage in passages:
                    gathered += spans(passage, resource)
        is_due = time.monotonic() >= due_s or has_ended
        if gathered and (is_due or len(gathered) >= SPANS_MAX):
            if exporter.export(gathered) is not SpanExportResult.SUCCESS:
                print(f"{len(gathered)} spans not taken by {otlp_url}", file=sys.stderr)  # noqa: T201
            gathered.clear()
    exporter.shutdown()  # type: ignore[no-untyped-call]


def _frames(received: bytearray) -> Iterator[list[Passage]]:
    """Take the whole frames from what was received: four bytes of size, then MessagePack."""
    while len(received) >= 4 and len(received) - 4 >= (size := int.from_bytes(received[:4])):
        yield _PASSAGES.decode(received[4 : 4 + size])
        del received[: 4 + size]


if __name__ == "__main__":
    os.nice(NICENESS)
    export(sys.argv[1], sys.argv[2], socket.socket(fileno=sys.stdin.fileno()))
