"""Streams what the store has, in the order in which it happened, to whoever wants to live it again.

Warm-up, backtest and analysis read through this alone, and get the very events that the feeds
handler made, one at a time, in stream_sequence order over all symbols and types.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from operator import attrgetter

import msgspec
import pyarrow as pa

from objects.store import ObjectStore
from trading.events import AnyEvent
from trading.history import manifest, parts
from trading.history.manifest import (
    MANIFESTS,
    STREAM_KEY,
    DayManifest,
    Hole,
    Loss,
    Part,
    StreamState,
)
from trading.history.parts import PartDamagedError
from trading.history.rows import INT64_MAX, INT64_MIN


class GapError(Exception):
    """The range is not whole; `gaps` are the holes and losses within it."""

    def __init__(self, gaps: Sequence[Hole | Loss]) -> None:
        super().__init__(f"{len(gaps)} gaps in the range, the first: {gaps[0]}")
        self.gaps = gaps


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """What to read: all that every given bound lets through."""

    from_ns: int = INT64_MIN
    """The first `received_ns`."""
    to_ns: int = INT64_MAX
    """The first `received_ns` no more wanted."""
    from_sequence: int = 1
    symbols: Collection[str] | None = None
    types: Collection[str] | None = None
    """Names in `trading.history.rows.TABLES`."""

    def has_part(self, part: Part) -> bool:
        """Say whether the part may hold what is wanted."""
        return (
            (self.symbols is None or part.symbol in self.symbols)
            and (self.types is None or part.type in self.types)
            and part.last_sequence >= self.from_sequence
            and part.last_ns >= self.from_ns
            and part.first_ns < self.to_ns
        )

    def has_all_of(self, part: Part) -> bool:
        return (
            part.first_sequence >= self.from_sequence
            and part.first_ns >= self.from_ns
            and part.last_ns < self.to_ns
        )

    def has_event(self, event: AnyEvent) -> bool:
        return (
            event.stream_sequence >= self.from_sequence
            and self.from_ns <= event.received_ns < self.to_ns
        )

    def has_gap(self, gap: Hole | Loss) -> bool:
        if isinstance(gap, Hole):
            # Both bounds are of events outside of it, and a clock may have been set back meanwhile.
            least, most = sorted((gap.from_ns, gap.to_ns))
            return (
                gap.last_sequence >= self.from_sequence
                and most >= self.from_ns
                and least < self.to_ns
            )
        return (
            (self.symbols is None or gap.symbol in self.symbols)
            and gap.stream_sequence >= self.from_sequence
            and self.from_ns <= gap.received_ns < self.to_ns
        )


EVERYTHING = Range()


class HistoryReader:
    """What the store had when this was made, or last refreshed. What is added later is not seen.

    All methods raise `StoreFailedError` and `ManifestError`.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.refresh()

    def refresh(self) -> None:
        """Look again at how far the store is."""
        stored = self._store.get(STREAM_KEY)
        self.state = (
            manifest.decode(STREAM_KEY, stored.data, StreamState) if stored else StreamState()
        )

    def days(self, wanted: Range = EVERYTHING) -> list[DayManifest]:
        """Return the manifests of the dates and symbols that the range touches, by date."""
        days = {day.key: day for day in self._manifests(wanted)}
        committed = self.state.committed
        if committed is not None:  # the manifests may lack it, when a crash came between
            for empty in manifest.days_of(committed.parts):
                days[empty.key] = days.get(empty.key, empty).add(committed)
        found = [day for day in days.values() if any(map(wanted.has_part, day.parts))]
        return sorted(found, key=attrgetter("date", "symbol"))

    def gaps(self, wanted: Range = EVERYTHING) -> list[Hole | Loss]:
        """Return the holes, and the losses of the symbols, that the range touches."""
        gaps: list[Hole | Loss] = list(self.state.holes)
        for day in self.days(wanted):
            gaps += day.losses
        return [gap for gap in gaps if wanted.has_gap(gap)]

    def read(self, wanted: Range = EVERYTHING, *, allow_gaps: bool = False) -> Iterator[AnyEvent]:
        """Return the events of the range, in stream_sequence order.

        Raises `GapError` at once where the range has gaps, unless they are allowed, and
        `PartDamagedError` when it comes to a part that is not what its manifest says.
        """
        gaps = self.gaps(wanted)
        if gaps and not allow_gaps:
            raise GapError(gaps)
        return self._stream(wanted)

    def events_of(self, part: Part) -> list[AnyEvent]:
        """Return a part's events. Raises `PartDamagedError`."""
        return parts.decode(part, self._data_of(part))

    def table_of(self, part: Part) -> pa.Table:
        """Return a part's rows, as `trading.history.rows` has them. Raises `PartDamagedError`."""
        return parts.decode_table(part, self._data_of(part))

    def _stream(self, wanted: Range) -> Iterator[AnyEvent]:
        for group in self.groups(wanted):
            events: list[AnyEvent] = []
            for part in group:
                found = self.events_of(part)
                events += found if wanted.has_all_of(part) else filter(wanted.has_event, found)
            events.sort(key=attrgetter("stream_sequence"))  # merges what is sorted already
            yield from events

    def groups(self, wanted: Range) -> Iterator[list[Part]]:
        """Yield the parts of the range in order, together those whose events interleave."""
        listed = [part for day in self.days(wanted) for part in day.parts if wanted.has_part(part)]
        listed.sort(key=attrgetter("first_sequence"))
        group: list[Part] = []
        last_sequence = 0
        for part in listed:
            if group and part.first_sequence > last_sequence:
                yield group
                group = []
            group.append(part)
            last_sequence = max(last_sequence, part.last_sequence)
        if group:
            yield group

    def _data_of(self, part: Part) -> bytes:
        stored = self._store.get(part.key)
        if stored is None:
            raise PartDamagedError(f"{part.key}: is not there")
        return stored.data

    def _manifests(self, wanted: Range) -> Iterator[DayManifest]:
        first, last = parts.date_of(wanted.from_ns), parts.date_of(wanted.to_ns)
        for key in self._store.keys(MANIFESTS):
            date = key.removeprefix(f"{MANIFESTS}date=").partition("/")[0]
            stored = self._store.get(key) if first <= date <= last else None
            if stored is not None:
                day = manifest.decode(key, stored.data, DayManifest)
                if wanted.symbols is None or day.symbol in wanted.symbols:
                    yield self._as_of_state(day)

    def _as_of_state(self, day: DayManifest) -> DayManifest:
        """Return the manifest without what came after the stream's state was read."""
        through = self.state.through_sequence
        if day.last_sequence <= through:
            return day
        return DayManifest.of(
            day.date,
            day.symbol,
            [part for part in day.parts if part.last_sequence <= through],
            [loss for loss in day.losses if loss.stream_sequence <= through],
        )
