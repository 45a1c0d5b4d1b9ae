"""From records to the event stream's blocks, at most one of an instrument on its way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from vocabulary.codec import LAYOUTS, unpack
from vocabulary.event_stream import (
    ENTRIES_BYTES_MAX,
    ENTRY_HEADER_BYTES,
    VENUE_KEY,
    Entry,
    pack_block,
    pack_entry,
)
from vocabulary.events import InstrumentListed
from vocabulary.slices import NO_INSTRUMENT, Slice, SlicedRecord, split_events

EVENTS_BYTES_MAX = ENTRIES_BYTES_MAX - ENTRY_HEADER_BYTES
LISTED = LAYOUTS[InstrumentListed].kind.to_bytes(2, "little")


class Standing(msgspec.Struct):
    """How far one instrument's entries are in the stream."""

    key: str
    sequence: int
    """Of the last entry that is there whole, 0: none."""


class Progress(msgspec.Struct):
    """Where to go on: with the record behind `sequence`, past what each instrument has already."""

    sequence: int
    standings: dict[int, Standing]


class OutgoingBlock:
    """A block to be put. It stays as it is until it has been taken."""

    __slots__ = ("data", "instrument_id", "key", "sequences")

    def __init__(self, instrument_id: int, key: str, entries: list[tuple[int, bytes]]) -> None:
        self.instrument_id = instrument_id
        self.key = key
        self.sequences = [sequence for sequence, _ in entries]
        self.data = pack_block(
            instrument_id,
            self.sequences[0],
            self.sequences[-1],
            [entry for _, entry in entries],
        )


class _Partition:
    """One instrument's entries on their way."""

    def __init__(self, instrument_id: int, standing: Standing) -> None:
        self.instrument_id = instrument_id
        self.standing = standing
        self.last_sequence = standing.sequence  # of the newest entry, there or not
        self.waiting: deque[tuple[int, bytes]] = deque()
        self.waiting_bytes = 0
        self.block: OutgoingBlock | None = None

    def add(self, sequence: int, entry: bytes) -> None:
        self.waiting.append((sequence, entry))
        self.waiting_bytes += len(entry)

    def next_block(self) -> OutgoingBlock:
        """Return the block that was not taken, or else one of what waits."""
        if self.block is None:
            entries = [self.waiting.popleft()]
            room = ENTRIES_BYTES_MAX - len(entries[0][1])
            while self.waiting and len(self.waiting[0][1]) <= room:
                room -= len(self.waiting[0][1])
                entries.append(self.waiting.popleft())
            self.waiting_bytes -= ENTRIES_BYTES_MAX - room
            self.block = OutgoingBlock(self.instrument_id, self.standing.key, entries)
        return self.block

    def settle(self) -> None:
        """Note that the block is in the stream."""
        assert self.block is not None
        # The last record's parts may go on in the next block: then it is not there whole.
        cut = self.waiting[0][0] if self.waiting else None
        whole = [sequence for sequence in self.block.sequences if sequence != cut]
        if whole:
            self.standing.sequence = whole[-1]
        self.block = None

    def first_unsettled(self) -> int | None:
        """Return the sequence of the first entry that is not in the stream, if there is one."""
        if self.block is not None:
            return self.block.sequences[0]
        return self.waiting[0][0] if self.waiting else None


class StreamPacker:
    """Cuts records into entries by instrument, and packs what waits into blocks.

    A store that takes some of a batch and refuses others may not reorder an instrument's entries:
    so there is one block of each at a time, and the next is made when that one was taken. What
    gathers meanwhile makes the next one larger.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        progress = progress or Progress(0, {NO_INSTRUMENT: Standing(VENUE_KEY, 0)})
        self.sequence = progress.sequence
        """Of the last record added."""
        self._partitions = {
            instrument_id: _Partition(instrument_id, standing)
            for instrument_id, standing in progress.standings.items()
        }
        # Those with something to put, whose turn it is first.
        self._unsettled: dict[int, _Partition] = {}

    @property
    def waiting_bytes(self) -> int:
        """How much waits that is in no block yet."""
        return sum(one.waiting_bytes for one in self._unsettled.values())

    @property
    def progress(self) -> Progress:
        """Where another packer would go on after a crash now."""
        firsts = [one.first_unsettled() for one in self._unsettled.values()]
        sequence = min((first - 1 for first in firsts if first is not None), default=self.sequence)
        standings = {
            number: msgspec.structs.replace(one.standing)
            for number, one in self._partitions.items()
        }
        return Progress(sequence, standings)

    def add(self, records: Iterable[SlicedRecord]) -> None:
        for record in records:
            for piece in record.slices:
                self._add(record, piece)
            self.sequence = record.sequence

    def take(self, blocks_max: int, bytes_max: int) -> list[OutgoingBlock]:
        """Return the next block of each instrument that has one, each to be settled or refused."""
        blocks: list[OutgoingBlock] = []
        for partition in self._unsettled.values():
            if len(blocks) == blocks_max:
                break
            block = partition.next_block()
            size = len(block.data) + len(block.key)
            if size > bytes_max:
                break
            bytes_max -= size
            blocks.append(block)
        return blocks

    def settle(self, block: OutgoingBlock) -> None:
        """Note that a block is in the stream; its instrument's next turn comes after the others'.

        A block that was refused is simply taken again.
        """
        partition = self._unsettled.pop(block.instrument_id)
        partition.settle()
        if partition.waiting:
            self._unsettled[block.instrument_id] = partition

    def _add(self, record: SlicedRecord, piece: Slice) -> None:
        partition = self._partitions.get(piece.instrument_id)
        if partition is None:
            standing = Standing(_listed_symbol(piece), 0)
            partition = self._partitions[piece.instrument_id] = _Partition(
                piece.instrument_id, standing
            )
        if record.sequence <= partition.last_sequence:
            return  # it was put before a crash that kept others from being
        pieces = split_events(piece.events, EVENTS_BYTES_MAX)
        for part, events in enumerate(pieces):
            entry = pack_entry(
                Entry(
                    record.sequence,
                    partition.last_sequence,
                    record.timestamp_ns,
                    part,
                    len(pieces),
                    events,
                )
            )
            partition.add(record.sequence, entry)
        partition.last_sequence = record.sequence
        self._unsettled[piece.instrument_id] = partition


def _listed_symbol(piece: Slice) -> str:
    """Return the symbol of an instrument of which this is the first that is heard."""
    assert piece.events.startswith(LISTED), f"instrument {piece.instrument_id} was not listed"
    event, _ = unpack(piece.events)
    assert isinstance(event, InstrumentListed)
    return event.symbol.decode("ascii")
