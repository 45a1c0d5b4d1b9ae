"""The way of traced orders through the matching process: by batches, as they go."""

from __future__ import annotations

import time

from matching.sequencer import Sequencer
from vocabulary.tracing import Passage, Tracing


class BatchTraces:
    """Notes when a batch has done each step. A batch begins at the time that its records bear."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        self._executed_ns = self._committed_ns = 0

    def executed(self) -> None:
        self._executed_ns = time.time_ns()

    def committed(self) -> None:
        self._committed_ns = time.time_ns()

    def published(self, count: int, sequencer: Sequencer) -> None:
        """Emit the passages of the batch, the last `count` records of the sequencer."""
        last, timestamp_ns = sequencer.last_sequence, sequencer.last_timestamp_ns
        traced = self._tracing.sampled(last - count + 1, last, timestamp_ns)
        if not traced:
            return
        published_ns = time.time_ns()
        emit = self._tracing.emit
        size = {"agio.batch_commands": count}
        emit(Passage("matching.order", timestamp_ns, published_ns, traced, size))
        emit(Passage("matching.apply", timestamp_ns, self._executed_ns, traced))
        emit(Passage("matching.journal", self._executed_ns, self._committed_ns, traced))
        emit(Passage("matching.publish", self._committed_ns, published_ns, traced))
