from hypothesis import given
from hypothesis import strategies as st

from marketdata.trade_history import TradeItems
from tests.marketdata.scripted_venue import ScriptedVenue, Step, play, steps
from vocabulary.codec import Record
from vocabulary.events import AssetListed, InstrumentListed
from vocabulary.excerpt import Excerpt
from vocabulary.trade_history import (
    BLOCK_TRADES,
    BLOCKS_PER_NS,
    HistoricTrade,
    begins_block,
    block_item,
    block_of,
    fill_key,
    first_fill_key,
    place_of,
    read_trade,
    trade_item,
)


def excerpt(record: Record) -> Excerpt:
    return Excerpt(record.sequence, record.timestamp_ns, list(record.events))


@given(st.lists(steps, max_size=60), st.integers(1, 50))
def test_the_same_records_make_the_same_items_however_they_are_cut(
    script: list[Step], size: int
) -> None:
    venue = ScriptedVenue()
    for _ in play(venue, script):
        pass
    records = [excerpt(record) for record in venue.records]
    [whole] = [TradeItems((), 0).batch(records)]
    maker = TradeItems((), 0)
    cut = [maker.batch(records[first : first + size]) for first in range(0, len(records), size)]
    assert [item for batch in cut for item in batch.trades] == whole.trades
    assert [item for batch in cut for item in batch.fills] == whole.fills
    assert [listing for batch in cut for listing in batch.listings] == whole.listings


def test_who_begins_behind_the_listings_needs_to_be_told_them() -> None:
    venue = ScriptedVenue()
    listings = [
        event
        for record in venue.records
        for event in record.events
        if isinstance(event, AssetListed | InstrumentListed)
    ]
    venue.sell(100, 5)
    [item] = TradeItems(listings, 0).batch([excerpt(venue.buy(100, 3))]).trades[:1]
    assert read_trade(item).quantity == "0.0003"


def test_every_block_says_when_it_began() -> None:
    firsts = [number for number in range(1, 3 * BLOCK_TRADES) if begins_block(number)]
    assert firsts == [1, BLOCK_TRADES, 2 * BLOCK_TRADES]
    trade = HistoricTrade("BTCUSDT", 2000, 77, "1", "1", "1", True, 1, 2, 9)
    assert int(block_item(trade, None)["number"]["N"]) == 77 * BLOCKS_PER_NS + block_of(2000)
    assert trade_item(trade, None)["series"] == {"S": "BTCUSDT#2"}


@given(st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1))
def test_fills_sort_as_their_trades_do(one: int, other: int) -> None:
    maker, taker = fill_key(one, is_maker=True), fill_key(one, is_maker=False)
    assert first_fill_key(one) < maker < taker
    if one < other:
        assert taker < first_fill_key(other)


def test_a_url_names_region_tables_and_endpoint() -> None:
    place = place_of("dynamodb://eu-west-1/venue?endpoint=http://127.0.0.1:5000")
    assert (place.region, place.endpoint) == ("eu-west-1", "http://127.0.0.1:5000")
    assert place.tables == ("venue-trades", "venue-fills", "venue-progress")
    assert place_of("dynamodb://eu-west-1/venue").endpoint is None
