import pytest

from tests.marketdata.scripted_venue import BTCUSDT, ETHUSDT, ScriptedVenue
from vocabulary.codec import CodecError, Record, pack, pack_record, unpack
from vocabulary.events import CommandRejected
from vocabulary.slices import NO_INSTRUMENT, split_events, unpack_slices
from vocabulary.types import Side


def record_bytes(record: Record) -> bytes:
    events = b"".join(pack(event) for event in record.events)
    return pack_record(record.sequence, record.timestamp_ns, pack(record.command), events)


def unpacked(events: bytes) -> list[object]:
    found: list[object] = []
    at = 0
    while at < len(events):
        event, at = unpack(events, at)
        found.append(event)
    return found


def traded_venue() -> ScriptedVenue:
    venue = ScriptedVenue()
    venue.list_instrument(ETHUSDT, b"ETHUSDT", 2)
    for price in range(90, 95):
        venue.buy(price, 3)
        venue.sell(price - 1, 2)
        venue.enter(Side.BUY, price, 4, instrument_id=ETHUSDT)
    venue.cancel_all(7)
    return venue


def test_every_event_is_in_the_slice_of_its_instrument_and_in_order() -> None:
    venue = traded_venue()
    records = unpack_slices(b"".join(map(record_bytes, venue.records)))
    assert [record.sequence for record in records] == list(range(1, len(venue.records) + 1))
    for record, sliced in zip(venue.records, records, strict=True):
        assert sliced.timestamp_ns == record.timestamp_ns
        expected: dict[int, list[object]] = {}
        for event in record.events:
            if not isinstance(event, CommandRejected):
                number = getattr(event, "instrument_id", NO_INSTRUMENT)
                expected.setdefault(number, []).append(event)
        found = {piece.instrument_id: unpacked(piece.events) for piece in sliced.slices}
        assert found == expected
    touched = {piece.instrument_id for record in records for piece in record.slices}
    assert touched == {NO_INSTRUMENT, BTCUSDT, ETHUSDT}


def test_long_events_split_between_messages_and_join_again() -> None:
    venue = traded_venue()
    events = b"".join(pack(event) for record in venue.records for event in record.events)
    pieces = split_events(events, 400)
    assert len(pieces) > 3
    assert max(map(len, pieces)) <= 400
    assert b"".join(pieces) == events
    assert all(unpacked(piece) for piece in pieces)


@pytest.mark.parametrize("cut", [1, 23, 30, -1])
def test_a_record_cut_short_is_refused(cut: int) -> None:
    data = record_bytes(traded_venue().records[-1])
    with pytest.raises(CodecError):
        unpack_slices(data[:cut])
