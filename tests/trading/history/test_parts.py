from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objects import manifests
from tests.trading.history.sample_events import NOON_NS, plausible, streams
from trading.events import AnyEvent, TradePrinted
from trading.history import manifest, parts
from trading.history.manifest import DayManifest, Hole, StreamState


@dataclass
class Shelf:
    """What cuts add up to, without a store."""

    state: StreamState = field(default_factory=StreamState)
    data: dict[str, bytes] = field(default_factory=dict)
    days: dict[str, DayManifest] = field(default_factory=dict)

    def add(self, events: list[AnyEvent]) -> parts.PreparedCut:
        prepared = parts.prepare(events, self.state, "position")
        assert not set(self.data) & set(prepared.data)
        self.data.update(prepared.data)
        self.state = self.state.commit(prepared.cut)
        for empty in manifest.days_of(prepared.cut.parts):
            self.days[empty.key] = self.days.get(empty.key, empty).add(prepared.cut)
        return prepared

    def events(self) -> list[AnyEvent]:
        found = [
            event
            for day in self.days.values()
            for part in day.parts
            for event in parts.decode(part, self.data[part.key])
        ]
        return sorted(found, key=lambda event: event.stream_sequence)


def trade(sequence: int, trade_id: int = 1) -> TradePrinted:
    return TradePrinted(sequence, "BTCUSDT", 1, NOON_NS, NOON_NS + sequence, trade_id, 1, 1, True)


@given(streams(), st.integers(1, 30))
@settings(max_examples=50)
def test_cuts_hold_every_event_once_and_every_hole(events: list[AnyEvent], size: int) -> None:
    shelf = Shelf()
    for start in range(0, len(events), size):
        shelf.add(events[start : start + size])
    assert shelf.events() == events
    numbers = {event.stream_sequence for event in events}
    missing = {n for h in shelf.state.holes for n in range(h.first_sequence, h.last_sequence + 1)}
    whole = set(range(shelf.state.first_sequence, shelf.state.through_sequence + 1))
    assert numbers | missing == whole
    assert not numbers & missing
    for day in shelf.days.values():
        assert manifest.decode(day.key, manifests.encode(day), DayManifest) == day
    assert sum(sum(day.counts.values()) for day in shelf.days.values()) == len(events)


def test_the_same_events_make_the_same_bytes_under_the_same_name() -> None:
    events = list(plausible(500))
    first, second = (parts.prepare(events, StreamState(), "7") for _ in range(2))
    assert first == second
    assert (
        "events/v1/date=2026-11-22/symbol=BTCUSDT/type=trade/"
        "part-00000000000000000015-00000000000000000495.parquet" in first.data
    )


def test_a_hole_is_told_with_the_times_around_it() -> None:
    shelf = Shelf()
    shelf.add([trade(5), trade(6)])
    shelf.add([trade(10), trade(11), trade(13)])
    assert shelf.state.holes == (
        Hole(first_sequence=7, last_sequence=9, from_ns=NOON_NS + 6, to_ns=NOON_NS + 10),
        Hole(first_sequence=12, last_sequence=12, from_ns=NOON_NS + 11, to_ns=NOON_NS + 13),
    )
    assert shelf.state.first_sequence == 5


def test_what_can_not_be_stored_leaves_a_hole_and_is_counted() -> None:
    shelf = Shelf()
    shelf.add([trade(1)])
    prepared = shelf.add([trade(2), trade(3, trade_id=2**63), trade(4)])
    assert prepared.misfits == 1
    assert [(h.first_sequence, h.last_sequence) for h in shelf.state.holes] == [(3, 3)]
    assert [event.stream_sequence for event in shelf.events()] == [1, 2, 4]


def test_a_cut_of_nothing_that_fits_changes_nothing() -> None:
    shelf = Shelf()
    shelf.add([trade(1)])
    prepared = shelf.add([trade(2, trade_id=2**63)])
    assert (prepared.misfits, prepared.data) == (1, {})
    assert shelf.state.through_sequence == 1


def test_a_cut_added_twice_counts_once() -> None:
    prepared = parts.prepare([trade(1), trade(2)], StreamState(), "7")
    (empty,) = manifest.days_of(prepared.cut.parts)
    once = empty.add(prepared.cut)
    assert once.counts == {"trade": 2}
    assert once.add(prepared.cut) is once


def test_every_byte_of_a_part_is_under_its_hash() -> None:
    prepared = parts.prepare([trade(1), trade(2)], StreamState(), "7")
    (part,) = prepared.cut.parts
    data = prepared.data[part.key]
    for at in range(0, len(data), 97):
        with pytest.raises(parts.PartDamagedError, match=r"part-0+1-"):
            parts.decode(part, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(parts.PartDamagedError, match="bytes, its manifest says"):
        parts.decode(part, data[:-1])


def test_a_manifest_that_lies_of_its_rows_is_found_out() -> None:
    prepared = parts.prepare([trade(1), trade(2)], StreamState(), "7")
    (part,) = prepared.cut.parts
    lying = msgspec.structs.replace(part, rows=3)
    with pytest.raises(parts.PartDamagedError, match="2 rows, its manifest says 3"):
        parts.decode(lying, prepared.data[part.key])


@pytest.mark.parametrize("data", [b"", b"{}", b'{"version": 2}', b'{"version": 1, "more": 1}'])
def test_a_manifest_that_is_none_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(manifests.ManifestError, match="here"):
        manifest.decode("here", data, DayManifest)
