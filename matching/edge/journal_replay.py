"""A journal verified where it lies, beside its writer or without one: `agio replay DIR`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from matching.core.engine import Engine
from matching.edge.segments import Segments, TornTail
from matching.replay import Replay, ReplayResult
from matching.sequencer import Sequencer

CHUNK_BYTES: Final = 1 << 20


class Verified(NamedTuple):
    """What a journal holds. `torn_tail` is the end of an unfinished write, if there is one."""

    result: ReplayResult
    torn_tail: TornTail | None


def verify_journal(
    directory: Path, on_progress: Callable[[int, int], None] | None = None
) -> Verified:
    """Check every byte of a journal and replay all of it; change nothing.

    `on_progress` is called with the sequence reached and the last one, about once per MiB. Raises
    `JournalDamagedError`, `ReplayError`, and `FileNotFoundError` where there is no journal.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"no journal in {directory}")
    segments = Segments(directory)
    replay = Replay(Engine(), Sequencer())
    while records := segments.read(replay.last_sequence + 1, CHUNK_BYTES).records:
        replay.apply(records)
        if on_progress is not None:
            on_progress(replay.last_sequence, segments.last_sequence)
    return Verified(replay.result(), segments.torn_tail)
