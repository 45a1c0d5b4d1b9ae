"""Packer and chain together: whatever is refused, cut off or sent twice, a reader has it once."""

from __future__ import annotations

import random

import msgspec
import pytest

from marketdata import stream_packer
from marketdata.stream_chain import Gap, StreamChain
from marketdata.stream_packer import OutgoingBlock, Progress, StreamPacker
from tests.marketdata.scripted_venue import ETHUSDT, ScriptedVenue
from tests.vocabulary.test_slices import record_bytes
from vocabulary.event_stream import Block, Entry, unpack_block
from vocabulary.slices import NO_INSTRUMENT, SlicedRecord, unpack_slices
from vocabulary.types import Side

BLOCKS_MAX, BYTES_MAX = 2, 100_000


def traded_records(chance: random.Random, orders: int = 60) -> list[SlicedRecord]:
    venue = ScriptedVenue()
    venue.list_instrument(ETHUSDT, b"ETHUSDT", 2)
    for _ in range(orders):
        side = chance.choice(list(Side))
        venue.enter(
            side, chance.randint(90, 99), 3, instrument_id=chance.choice([1, 2]), account_id=7
        )
    venue.cancel_all(7)
    return unpack_slices(b"".join(map(record_bytes, venue.records)))


def expected(records: list[SlicedRecord]) -> dict[int, list[tuple[int, bytes]]]:
    told: dict[int, list[tuple[int, bytes]]] = {}
    for record in records:
        for piece in record.slices:
            told.setdefault(piece.instrument_id, []).append((record.sequence, piece.events))
    return told


def read(chain: StreamChain, blocks: list[Block]) -> dict[int, list[tuple[int, bytes]]]:
    got: dict[int, list[tuple[int, bytes]]] = {}
    for block in blocks:
        entries, gap = chain.take(block)
        assert gap is None
        told = [(entry.sequence, entry.events) for entry in entries]
        got.setdefault(block.instrument_id, []).extend(told)
    return {number: entries for number, entries in got.items() if entries}


@pytest.mark.parametrize("seed", range(40))
def test_refusals_and_crashes_leave_each_entry_once_and_in_order(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(stream_packer, "ENTRIES_BYTES_MAX", 600)
    monkeypatch.setattr(stream_packer, "EVENTS_BYTES_MAX", 500)
    records = traded_records(chance)
    store: list[Block] = []
    packer = StreamPacker()
    saved = packer.progress
    while True:
        position = packer.sequence
        packer.add(records[position : position + chance.randint(0, 9)])
        blocks = packer.take(BLOCKS_MAX, BYTES_MAX)
        if not blocks and packer.sequence == len(records):
            break
        for block in blocks:
            if chance.random() < 0.7:
                store.append(unpack_block(block.data))
                if chance.random() < 0.9:  # else the answer was lost: it will come again
                    packer.settle(block)
        if chance.random() < 0.3:
            saved = msgspec.json.decode(msgspec.json.encode(packer.progress), type=Progress)
        if chance.random() < 0.1:  # killed
            packer = StreamPacker(saved)
            saved = packer.progress
    assert packer.progress.sequence == len(records)
    chain = StreamChain()
    assert read(chain, store) == expected(records)
    assert chain.is_whole


def whole_stream(records: list[SlicedRecord]) -> list[OutgoingBlock]:
    packer = StreamPacker()
    blocks: list[OutgoingBlock] = []
    for record in records:
        packer.add([record])
        for block in packer.take(10, BYTES_MAX):
            blocks.append(block)
            packer.settle(block)
    return blocks


def test_a_block_that_is_missing_is_a_gap_until_it_is_known_from_elsewhere() -> None:
    records = traded_records(random.Random(1), 8)
    blocks = [unpack_block(block.data) for block in whole_stream(records)]
    of_btc = [block for block in blocks if block.instrument_id == 1]
    chain = StreamChain()
    chain.take(of_btc[0])
    _, gap = chain.take(of_btc[2])
    last, missing, after = (block.entries[0].sequence for block in of_btc[:3])
    assert gap == Gap(1, last, after)
    chain.know_through(missing)
    entries, gap = chain.take(of_btc[2])
    assert gap is None
    assert [entry.sequence for entry in entries] == [after]


def test_who_knows_the_beginning_takes_what_follows_and_sees_where_it_does_not() -> None:
    entry = Entry(50, 40, 0, 0, 1, b"")
    assert StreamChain(45).take(Block(1, 50, 50, [entry])) == ([entry], None)
    assert StreamChain(50).take(Block(1, 50, 50, [entry])) == ([], None)
    assert StreamChain(39).take(Block(1, 50, 50, [entry])) == ([], Gap(1, 39, 50))
    assert StreamChain(0, {1: 40}).take(Block(1, 50, 50, [entry])) == ([entry], None)
    assert StreamChain(0, {1: 41}).take(Block(1, 50, 50, [entry])) == ([], Gap(1, 41, 50))


def test_a_part_without_those_before_it_is_a_gap() -> None:
    second = Entry(50, 40, 0, 1, 2, b"")
    assert StreamChain(45).take(Block(1, 50, 50, [second])) == ([], Gap(1, 45, 50))


def test_a_refused_command_is_no_entry() -> None:
    records = traded_records(random.Random(2), 30)
    assert NO_INSTRUMENT in expected(records)
    assert all(events for entries in expected(records).values() for _, events in entries)
