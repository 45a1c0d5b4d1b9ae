"""A channel: the chain of one source's messages, and its snapshot.

`vocabulary.market_data` says what readers rely on.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from vocabulary.market_data import Mark, Message, Snapshot, channel, snapshot_key

MILLISECOND_NS = 1_000_000


class Cadence(NamedTuple):
    """The shortest time between two messages and between two snapshots of a channel."""

    message_ns: int
    snapshot_ns: int


CADENCES = {
    "depth": Cadence(0, 250 * MILLISECOND_NS),
    "trades": Cadence(0, 250 * MILLISECOND_NS),
    "status": Cadence(100 * MILLISECOND_NS, 250 * MILLISECOND_NS),
    "ticker": Cadence(250 * MILLISECOND_NS, 250 * MILLISECOND_NS),
    "candles": Cadence(250 * MILLISECOND_NS, 1_000 * MILLISECOND_NS),
}

_encode = msgspec.msgpack.Encoder().encode


class Source(Protocol):
    """Depth, tape, candles, ticker or status."""

    def take(self, sequence: int, previous_sequence: int, timestamp_ns: int) -> Message | None: ...

    def snapshot(self, sequence: int, timestamp_ns: int) -> Snapshot: ...


class Writes(NamedTuple):
    """What to write to Redis, in this order: MessagePack by channel, and by key."""

    messages: list[tuple[str, bytes]]
    snapshots: list[tuple[str, bytes]]


class Channel:
    """Makes a source's messages, each with its predecessor's sequence, and snapshots between them.

    A message tells all that changed since the one before, however long that is ago: a slow Redis
    gets fewer messages, not a backlog. A snapshot is only taken where a message ends, so that a
    reader who starts from it finds the next message in its chain.
    """

    def __init__(
        self, kind: str, symbol: str, source: Source, sequence: int, timestamp_ns: int
    ) -> None:
        self.name = channel(kind, symbol)
        self.key = snapshot_key(self.name)
        self.mark = Mark(sequence, timestamp_ns)
        """Where readers stand who have had every message."""
        self._source = source
        self._cadence = CADENCES[kind.partition(":")[0]]
        self._sequence = sequence
        self._timestamp_ns = timestamp_ns
        self._is_touched = False
        self._snapshot_is_stale = True
        self._message_due_ns = self._snapshot_due_ns = 0

    def touch(self, sequence: int, timestamp_ns: int, *, is_urgent: bool = False) -> None:
        """Note that the record of this sequence changed the source; urgent: heed no cadence."""
        if is_urgent:
            self._message_due_ns = 0
        self._sequence = sequence
        self._timestamp_ns = timestamp_ns
        self._is_touched = True

    def pass_time(self, now_ns: int) -> None:
        """Note that time alone changed the source."""
        self._timestamp_ns = max(now_ns, self._timestamp_ns)
        self._is_touched = True

    def begin(self) -> None:
        """Tell of no change so far; the chain begins here."""
        self._source.take(0, 0, 0)
        self.mark = Mark(self._sequence, self._timestamp_ns)
        self._is_touched = False

    def rewrite_snapshot(self) -> None:
        """Let the next write hold the snapshot, changed or not."""
        self._snapshot_is_stale = True
        self._snapshot_due_ns = 0

    def write(self, now_ns: int, writes: Writes) -> bool:
        """Add what is due at `now_ns`; return whether something is left to be written later.

        `now_ns` comes from a clock that never goes back.
        """
        if self._is_touched and now_ns >= self._message_due_ns:
            self._write_message(now_ns, writes)
        if self._snapshot_is_stale and not self._is_touched and now_ns >= self._snapshot_due_ns:
            snapshot = self._source.snapshot(self.mark.sequence, self.mark.timestamp_ns)
            writes.snapshots.append((self.key, _encode(snapshot)))
            self._snapshot_is_stale = False
            self._snapshot_due_ns = now_ns + self._cadence.snapshot_ns
        return self._is_touched or self._snapshot_is_stale

    def _write_message(self, now_ns: int, writes: Writes) -> None:
        self._is_touched = False
        message = self._source.take(self._sequence, self.mark.sequence, self._timestamp_ns)
        if message is None:
            return
        writes.messages.append((self.name, _encode(message)))
        self.mark = Mark(message.sequence, message.timestamp_ns)
        self._snapshot_is_stale = True
        self._message_due_ns = now_ns + self._cadence.message_ns
