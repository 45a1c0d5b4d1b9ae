"""A reader of the event stream that gets each entry once, also across restarts."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from marketdata.edge.event_store import open_reader
from marketdata.stream_chain import Gap, StreamChain
from vocabulary.event_stream import Entry, unpack_block


class StreamGapError(Exception):
    """The stream does not have what follows the last entry: it is older than the stream keeps."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(
            f"instrument {gap.instrument_id}: nothing between sequences {gap.after_sequence} and "
            f"{gap.before_sequence}"
        )
        self.gap = gap


class Checkpoint(msgspec.Struct, frozen=True):
    """Where to go on. Keep it in one transaction with what was made of the entries before it."""

    positions: dict[str, str]
    """By shard, the store's own name of the last place read."""
    sequences: dict[int, int]
    """By instrument, the last entry's."""


class FollowedEntry(NamedTuple):
    instrument_id: int
    entry: Entry


class StreamFollower:
    """Follows an event stream from its first entry, or behind `checkpoint`."""

    def __init__(self, url: str, checkpoint: Checkpoint | None = None, *, poll_s: float) -> None:
        self._chain = StreamChain(0, checkpoint.sequences if checkpoint else None)
        self._positions = dict(checkpoint.positions) if checkpoint else {}
        self._reader = open_reader(url, self._positions.copy() or "oldest", poll_s=poll_s)
        self._checkpoint = checkpoint or Checkpoint({}, {})

    @property
    def checkpoint(self) -> Checkpoint:
        """Behind what `read` has returned; at times somewhat before it, which does no harm."""
        return self._checkpoint

    @property
    def duplicates(self) -> int:
        """How many entries came again, and were dropped."""
        return self._chain.duplicates

    async def open(self) -> None:
        """Connect, or connect again after a failure. Raises `StreamFailedError`."""
        await self._reader.open()

    async def read(self) -> list[FollowedEntry]:
        """Return the next entries, of each instrument in order; none if none came for a moment.

        Raises `StreamFailedError`, `StreamGapError` and `CodecError`.
        """
        found: list[FollowedEntry] = []
        for shard, position, data in await self._reader.read():
            block = unpack_block(data)
            entries, gap = self._chain.take(block)
            if gap is not None:
                raise StreamGapError(gap)
            found += [FollowedEntry(block.instrument_id, entry) for entry in entries]
            self._positions[shard] = position
        if self._chain.is_whole:
            self._checkpoint = Checkpoint(dict(self._positions), self._chain.sequences)
        return found

    async def close(self) -> None:
        await self._reader.close()
