"""The way of traced orders through the matching process: by batches, as they go."""

from __future__ import annotations

from matching.edge.batch_times import BatchTimes
from vocabulary.tracing import Passage, Tracing


def emit_batch(
    tracing: Tracing, times: BatchTimes, count: int, last_sequence: int, timestamp_ns: int
) -> None:
    """Emit the passages of a batch, `count` records up to a sequence, which bear one time."""
    traced = tracing.sampled(last_sequence - count + 1, last_sequence, timestamp_ns)
    if not traced:
        return
    taken_ns, executed_ns, committed_ns, published_ns = times
    emit = tracing.emit
    size = {"agio.batch_commands": count}
    emit(Passage("matching.order", taken_ns, published_ns, traced, size))
    emit(Passage("matching.apply", taken_ns, executed_ns, traced))
    emit(Passage("matching.journal", executed_ns, committed_ns, traced))
    emit(Passage("matching.publish", committed_ns, published_ns, traced))
