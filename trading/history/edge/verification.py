"""Reads the whole store again and says what is not as it should be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

import msgspec

from objects.store import ObjectStore
from trading.history.edge.reader import EVERYTHING, HistoryReader
from trading.history.manifest import MANIFESTS, ROOT, STREAM_KEY, DayManifest, Hole, Loss, Part
from trading.history.parts import PartDamagedError, date_of

Progress = Callable[[int, int], None]
"""Told how many parts were read, of how many."""


class Verified(msgspec.Struct, kw_only=True):
    parts: int = 0
    events: int = 0
    size_bytes: int = 0
    first_sequence: int = 0
    through_sequence: int = 0
    gaps: list[Hole | Loss] = msgspec.field(default_factory=list)
    problems: list[str] = msgspec.field(default_factory=list)
    """What is damaged, missing or too many; gaps that are published are none."""


def verify(store: ObjectStore, progress: Progress = lambda _done, _all: None) -> Verified:
    """Check every part's bytes and rows, every manifest's sums, and that each event is there once.

    From `first_sequence` to `through_sequence` each number must be in one part, or in one published
    hole. Raises `StoreFailedError` and `ManifestError`.
    """
    reader = HistoryReader(store)
    days = reader.days()
    parts_count = sum(len(day.parts) for day in days)
    result = Verified(
        first_sequence=reader.state.first_sequence,
        through_sequence=reader.state.through_sequence,
        gaps=reader.gaps(),
    )
    for day in days:
        result.problems += _day_problems(day)
    numbering = _Numbering(result, reader.state.holes)
    for group in reader.groups(EVERYTHING):
        numbering.take(_sequences(reader, group, result), max(p.last_sequence for p in group))
        progress(result.parts, parts_count)
    numbering.end()
    result.problems += _strangers(store, reader)
    return result


class _Numbering:
    """Sees that each number comes once, or is in a hole."""

    def __init__(self, result: Verified, holes: Sequence[Hole]) -> None:
        self._expected = result.first_sequence
        self._last = result.through_sequence
        self._holes = deque(sorted(holes, key=lambda hole: hole.first_sequence))
        self._problems = result.problems

    def take(self, numbers: list[int] | None, last: int) -> None:
        """Take the next numbers, up to `last`; None where damage leaves them unknown."""
        for number in numbers or ():
            self._skip_holes()
            if number > self._expected:
                self._problems.append(f"events {self._expected} to {number - 1} are not there")
            elif number < self._expected:
                self._problems.append(f"event {number} is there more than once")
            self._expected = max(self._expected, number + 1)
        self._expected = max(self._expected, last + 1)

    def end(self) -> None:
        self._skip_holes()
        if 0 < self._expected <= self._last:
            self._problems.append(f"events {self._expected} to {self._last} are not there")

    def _skip_holes(self) -> None:
        while self._holes and self._holes[0].first_sequence <= self._expected:
            self._expected = max(self._expected, self._holes.popleft().last_sequence + 1)


def _day_problems(day: DayManifest) -> Iterator[str]:
    if DayManifest.of(day.date, day.symbol, day.parts, day.losses) != day:
        yield f"{day.key}: its sums are not those of its parts"
    if any((part.date, part.symbol) != (day.date, day.symbol) for part in day.parts):
        yield f"{day.key}: names parts of another day"


def _sequences(reader: HistoryReader, group: list[Part], result: Verified) -> list[int] | None:
    """Return the numbers of the events in the parts, in order; None if a part is damaged."""
    numbers: list[int] = []
    problems: list[str] = []
    for part in group:
        result.parts += 1
        result.size_bytes += part.size_bytes
        try:
            events = reader.events_of(part)
        except PartDamagedError as error:
            problems.append(str(error))
            continue
        result.events += len(events)
        numbers += [event.stream_sequence for event in events]
        times = [event.received_ns for event in events]
        if (min(times), max(times)) != (part.first_ns, part.last_ns):
            result.problems.append(f"{part.key}: its times are not the manifest's")
        if {date_of(part.first_ns), date_of(part.last_ns)} != {part.date}:
            result.problems.append(f"{part.key}: has events of another date")
    result.problems += problems
    return None if problems else sorted(numbers)


def _strangers(store: ObjectStore, reader: HistoryReader) -> Iterator[str]:
    """Yield the parts that no manifest names, but for those of a cut that is being written."""
    # Listed first, so that all of a cut that is done by now is in the manifests read behind it.
    keys = list(store.keys(ROOT))
    reader.refresh()
    known = {part.key for day in reader.days() for part in day.parts}
    if reader.state.planned is not None:
        known |= {part.key for part in reader.state.planned.parts}
    for key in keys:
        if key != STREAM_KEY and not key.startswith(MANIFESTS) and key not in known:
            yield f"{key}: no manifest names it"
