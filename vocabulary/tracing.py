"""What a process tells of the traced orders that pass it: the seam to whatever exports traces.

A process notes nothing while an order is under way but the times that it has anyway. When the
order has passed, it emits a `Passage` for each hop, which whoever gave it a `Tracing` makes spans
of, somewhere else. Where nothing is traced there is no `Tracing`, which costs a branch.

Every process knows a span's parent by the table of hops: ids are derived (`vocabulary.trace_ids`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

import msgspec

from vocabulary.trace_ids import is_sampled, sampling_bound


class SpanKind(Enum):
    """How a span stands to its parent's process (OpenTelemetry, "Trace", "SpanKind")."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    CONSUMER = "consumer"


class Hop(NamedTuple):
    """A place that orders pass; `parent` is the hop that led there, empty for the first.

    `shares_instance`: the parent's span is the one of the same instance, not of instance 0.
    """

    kind: SpanKind
    parent: str
    shares_instance: bool = False


VENUE_HOPS = {
    "gateway.order": Hop(SpanKind.SERVER, ""),
    "gateway.submit": Hop(SpanKind.INTERNAL, "gateway.order"),
    "gateway.command": Hop(SpanKind.CLIENT, "gateway.order"),
    "gateway.report": Hop(SpanKind.INTERNAL, "gateway.order"),
    "matching.order": Hop(SpanKind.SERVER, "gateway.command"),
    "matching.apply": Hop(SpanKind.INTERNAL, "matching.order"),
    "matching.journal": Hop(SpanKind.INTERNAL, "matching.order"),
    "matching.publish": Hop(SpanKind.INTERNAL, "matching.order"),
    "accounts.settle": Hop(SpanKind.CONSUMER, "matching.order"),
    "marketdata.publish": Hop(SpanKind.CONSUMER, "matching.order"),
    "gateway.feed": Hop(SpanKind.CONSUMER, "marketdata.publish"),
}
"""An order's, by name; a service's begin with its own name."""

FIRM_HOPS = {
    "feeds.publish": Hop(SpanKind.SERVER, ""),
    "alpha.decide": Hop(SpanKind.CONSUMER, "feeds.publish"),
    "execution.receive": Hop(SpanKind.CONSUMER, "alpha.decide", shares_instance=True),
    "execution.risk": Hop(SpanKind.INTERNAL, "execution.receive", shares_instance=True),
    "execution.send": Hop(SpanKind.INTERNAL, "execution.receive", shares_instance=True),
    "execution.order": Hop(SpanKind.CLIENT, "execution.receive", shares_instance=True),
}
"""The trading application's, of an event of its stream: `trading.tracing`."""

HOPS = VENUE_HOPS | FIRM_HOPS

TracedRecord = tuple[int, int]
"""A record's sequence, and its timestamp in UTC nanoseconds."""

Attributes = Mapping[str, str | int]


class Passage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The same way through one hop for some records: a span of each. Times are UTC nanoseconds.

    `instance` tells the spans of a hop that many instances pass from each other. `carrier` is what
    a client sent to name a trace of its own, by the names of the headers.
    """

    hop: str
    start_ns: int
    end_ns: int
    records: list[TracedRecord]
    attributes: Attributes = msgspec.field(default_factory=dict)
    instance: int = 0
    carrier: Mapping[str, str] = msgspec.field(default_factory=dict)


class Tracing:
    """Says which records are traced, `rate` of them, and takes their passages."""

    def __init__(self, rate: float, emit: Callable[[Passage], None]) -> None:
        self.emit = emit
        self._bound = sampling_bound(rate)

    def samples(self, sequence: int) -> bool:
        return is_sampled(sequence, self._bound)

    def sampled(self, first: int, last: int, timestamp_ns: int) -> list[TracedRecord]:
        """Return the traced ones of a batch, whose records share their timestamp."""
        bound = self._bound
        return [
            (sequence, timestamp_ns)
            for sequence in range(first, last + 1)
            if is_sampled(sequence, bound)
        ]
