from hypothesis import given
from hypothesis import strategies as st

from marketdata.ticker import WINDOW_NS, RollingTicker
from tests.marketdata.scripted_venue import MINUTE_NS, NOON_NS, SECOND_NS, ScriptedVenue
from vocabulary.codec import Record
from vocabulary.events import TradeExecuted
from vocabulary.market_data import Ticker


def add(ticker: RollingTicker, record: Record) -> None:
    for event in record.events:
        if isinstance(event, TradeExecuted):
            ticker.add(event, record.timestamp_ns)


def naive_ticker(records: list[Record], now_ns: int) -> list[int]:
    """Compute open, high, low, last, lots, money, count and ids from the trades of the window."""
    trades = [
        (record.timestamp_ns, event)
        for record in records
        for event in record.events
        if isinstance(event, TradeExecuted)
    ]
    window_start_ns = now_ns // MINUTE_NS * MINUTE_NS + MINUTE_NS - WINDOW_NS
    window = [event for timestamp_ns, event in trades if timestamp_ns >= window_start_ns]
    if not window:
        last = trades[-1][1].price_ticks if trades else 0
        return [last, last, last, last, 0, 0, 0, 0, 0]
    prices = [event.price_ticks for event in window]
    return [
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
        sum(event.quantity_lots for event in window),
        sum(event.quote_units for event in window),
        len(window),
        window[0].trade_id,
        window[-1].trade_id,
    ]


def numbers(ticker: Ticker) -> list[int]:
    return [
        ticker.open_ticks,
        ticker.high_ticks,
        ticker.low_ticks,
        ticker.last_ticks,
        ticker.lots,
        ticker.quote_units,
        ticker.trades,
        ticker.first_trade_id,
        ticker.last_trade_id,
    ]


# Seconds to pass, price and lots; no lots: time alone passes.
passings = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 59, 60, 3_600, 20_000, 40_000, 90_000]),
        st.integers(90, 110),
        st.integers(0, 9),
    ),
    max_size=40,
)


@given(passings)
def test_the_ticker_is_what_the_trades_of_24_hours_add_up_to(
    script: list[tuple[int, int, int]],
) -> None:
    venue, ticker = ScriptedVenue(step_ns=0), RollingTicker()
    for pause_s, price_ticks, lots in script:
        venue.now_ns += pause_s * SECOND_NS
        if lots:
            add(ticker, venue.trade(price_ticks, lots))
        else:
            ticker.tick(venue.now_ns)
        shown = ticker.snapshot(1, venue.now_ns).ticker
        assert numbers(shown) == naive_ticker(venue.records, venue.now_ns)


def test_a_minute_that_passes_changes_the_ticker_once() -> None:
    venue, ticker = ScriptedVenue(step_ns=0), RollingTicker()
    assert not ticker.tick(NOON_NS), "before the first trade time changes nothing"
    assert ticker.take(1, 0, 0) is None
    add(ticker, venue.trade(100, 5))
    assert ticker.take(1, 0, 0) is not None
    assert not ticker.tick(NOON_NS + MINUTE_NS - 1)
    assert ticker.tick(NOON_NS + MINUTE_NS)
    message = ticker.take(1, 1, NOON_NS + MINUTE_NS)
    assert message is not None
    assert message.ticker.open_time_ns == NOON_NS + 2 * MINUTE_NS - WINDOW_NS
    assert message.ticker.close_time_ns == NOON_NS + MINUTE_NS
    assert ticker.take(1, 1, 0) is None


def test_when_all_trades_have_left_the_prices_are_the_last_one() -> None:
    venue, ticker = ScriptedVenue(step_ns=0), RollingTicker()
    add(ticker, venue.trade(100, 5))
    add(ticker, venue.trade(90, 5))
    assert ticker.tick(NOON_NS + WINDOW_NS)
    shown = ticker.snapshot(1, 0).ticker
    assert numbers(shown) == [90, 90, 90, 90, 0, 0, 0, 0, 0]
