"""The ids of an order's trace, which every process derives for itself: nothing extra travels.

Whoever sees a command's record, or a message made from it, knows the record's sequence and its
timestamp. The trace id is a function of the two, a span id one of the trace and the hop, and
whether an order is traced at all one of the sequence and the rate. So all processes agree without
telling each other, and none has to ask before the order goes on.

A trace id has AWS X-Ray's form, which any other tracer takes, too: 32 bits of epoch seconds, here
the record's, and 96 bits that are unique (AWS X-Ray, "Sending trace data", "Trace ID format").
"""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct

_SECOND_NS = 1_000_000_000
_RECORD = Struct("<qq")
_SPAN = Struct("<q")
# 2^64 divided by the golden ratio: the multiples lie evenly in the circle of 64 bits, so that any
# stretch of sequences holds the rate's share of samples, and no other period hides in it.
_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1


def trace_id(sequence: int, timestamp_ns: int) -> int:
    """Return the 128 bits that name the trace of a record."""
    unique = blake2b(_RECORD.pack(sequence, timestamp_ns), digest_size=12).digest()
    return timestamp_ns // _SECOND_NS << 96 | int.from_bytes(unique)


def span_id(trace: int, hop: str, instance: int = 0) -> int:
    """Return the 64 bits that name a trace's span at a hop, which many instances may pass."""
    key = trace.to_bytes(16) + _SPAN.pack(instance) + hop.encode()
    return int.from_bytes(blake2b(key, digest_size=8).digest()) or 1  # 0 would be no id


def sampling_bound(rate: float) -> int:
    """Return what `is_sampled` compares with; `rate` is from 0 to 1."""
    return round(rate * 2**64)


def is_sampled(sequence: int, bound: int) -> bool:
    return sequence * _GOLDEN & _MASK < bound
