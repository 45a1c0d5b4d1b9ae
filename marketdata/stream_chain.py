"""Each entry of the event stream once and in order, whatever came twice or is missing."""

from __future__ import annotations

from typing import NamedTuple

from vocabulary.event_stream import Block, Entry


class Gap(NamedTuple):
    """An instrument's entries behind `after_sequence`, up to `before_sequence`, did not come."""

    instrument_id: int
    after_sequence: int
    before_sequence: int


class _Chain:
    __slots__ = ("floor", "last", "parts")

    def __init__(self, floor: int) -> None:
        self.floor = floor  # what was before the stream: entries up to it are known
        self.last: int | None = None
        self.parts: list[Entry] = []  # of an entry that has not come whole


class StreamChain:
    """Takes blocks in, drops what it had, joins parts, and finds gaps.

    It knows everything up to `known_through` from elsewhere; 0: nothing.
    """

    def __init__(self, known_through: int = 0, sequences: dict[int, int] | None = None) -> None:
        self.duplicates = 0
        self._known_through = known_through
        self._chains: dict[int, _Chain] = {}
        for instrument_id, sequence in (sequences or {}).items():
            self._chains[instrument_id] = _Chain(known_through)
            self._chains[instrument_id].last = sequence

    @property
    def is_whole(self) -> bool:
        """Whether no entry has come in part only: a checkpoint may be taken."""
        return not any(chain.parts for chain in self._chains.values())

    @property
    def sequences(self) -> dict[int, int]:
        """The last whole entry of each instrument: what a chain goes on from."""
        return {
            number: chain.last for number, chain in self._chains.items() if chain.last is not None
        }

    def sequence(self, instrument_id: int) -> int:
        """Return up to where an instrument is known."""
        chain = self._chains.get(instrument_id)
        if chain is None:
            return self._known_through
        return max(chain.floor, chain.last or 0)

    @property
    def lowest(self) -> int:
        """Up to where every instrument is known."""
        known = (self.sequence(instrument_id) for instrument_id in self._chains)
        return min(known, default=self._known_through)

    def know_through(self, sequence: int) -> None:
        """Learn of everything up to `sequence` from elsewhere: a gap ends so."""
        self._known_through = max(sequence, self._known_through)
        for chain in self._chains.values():
            chain.parts.clear()
            if chain.last is None or chain.last < sequence:
                chain.floor, chain.last = self._known_through, None

    def take(self, block: Block) -> tuple[list[Entry], Gap | None]:
        """Return the entries that are new, and the gap, if any, at which they end."""
        chain = self._chains.get(block.instrument_id)
        if chain is None:
            chain = self._chains[block.instrument_id] = _Chain(self._known_through)
        new: list[Entry] = []
        for entry in block.entries:
            known = max(chain.floor, chain.last or 0)
            if entry.sequence <= known or _is_repeated(entry, chain.parts):
                self.duplicates += 1
                continue
            if not _follows(entry, chain):
                return new, Gap(block.instrument_id, known, entry.sequence)
            chain.parts.append(entry)
            if entry.part + 1 == entry.parts:
                new.append(_joined(chain.parts))
                chain.last = entry.sequence
                chain.parts = []
        return new, None


def _is_repeated(entry: Entry, parts: list[Entry]) -> bool:
    return bool(parts) and entry.sequence == parts[-1].sequence and entry.part <= parts[-1].part


def _follows(entry: Entry, chain: _Chain) -> bool:
    if chain.parts:
        before = chain.parts[-1]
        return entry.sequence == before.sequence and entry.part == before.part + 1
    if entry.part:
        return False
    if chain.last is None:
        return entry.previous_sequence <= chain.floor
    return entry.previous_sequence == chain.last


def _joined(parts: list[Entry]) -> Entry:
    if len(parts) == 1:
        return parts[0]
    return parts[0]._replace(parts=1, events=b"".join(one.events for one in parts))
