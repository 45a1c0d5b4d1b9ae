"""Market data in answers."""

from gateway.json_api import market_replies
from gateway.json_api.requests import AggregateTrades, Klines
from tests.gateway.engine_room import BTCUSDT, EngineRoom
from vocabulary.market_data import Candle, Level, Print, Ticker

INSTRUMENT = EngineRoom().catalogue.instruments[BTCUSDT]
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS

PRINTS = [
    Print(number, number * SECOND_NS, 10_000 + number, number, 10 * number, number % 2 == 0, 1, 2)
    for number in range(1, 11)
]
CANDLES = [
    Candle(
        minute * MINUTE_NS, 100, 400, 50, 200 + minute, 5, 600, 3, 1, 3, 2, 250, closed=minute < 9
    )
    for minute in range(10)
]


def trade_ids(request: AggregateTrades) -> list[int]:
    return [each["a"] for each in market_replies.aggregate_trades(INSTRUMENT, PRINTS, request)]


def open_minutes(request: Klines) -> list[int]:
    found = market_replies.klines(INSTRUMENT, CANDLES, request)
    return [each[0] // 60_000 for each in found]


def test_the_book_is_told_best_first_with_its_sequence() -> None:
    told = market_replies.depth(INSTRUMENT, 42, [Level(9_999, 1), Level(1, 2**48)], [])
    assert told == {
        "lastUpdateId": 42,
        "bids": [("99.99", "0.00001"), ("0.01", "2814749767.10656")],
        "asks": [],
    }


def test_the_newest_trades_are_told_oldest_first() -> None:
    told = market_replies.trades(INSTRUMENT, PRINTS, 2)
    assert told == [
        {
            "id": number,
            "price": f"100.{number:02}",
            "qty": f"0.000{number:02}",
            "quoteQty": f"0.00000{10 * number:03}",
            "time": number * 1000,
            "isBuyerMaker": number % 2 == 0,
            "isBestMatch": True,
        }
        for number in (9, 10)
    ]


def test_aggregates_start_where_the_client_says() -> None:
    assert trade_ids(AggregateTrades(symbol="X", limit=3)) == [8, 9, 10]
    assert trade_ids(AggregateTrades(symbol="X", from_id=4, limit=3)) == [4, 5, 6]
    assert trade_ids(AggregateTrades(symbol="X", from_id=0, limit=3)) == [1, 2, 3]
    assert trade_ids(AggregateTrades(symbol="X", start_time=2000, end_time=4000)) == [2, 3, 4]
    assert trade_ids(AggregateTrades(symbol="X", end_time=4000, limit=2)) == [3, 4]
    assert trade_ids(AggregateTrades(symbol="X", start_time=11_000)) == []


def test_candles_start_where_the_client_says() -> None:
    assert open_minutes(Klines(symbol="X", interval="1m", limit=2)) == [8, 9]
    since = Klines(symbol="X", interval="1m", start_time=60_000, limit=2)
    assert open_minutes(since) == [1, 2]
    within = Klines(symbol="X", interval="1m", start_time=60_001, end_time=180_000)
    assert open_minutes(within) == [2, 3]


def test_a_candle_is_told_as_an_array() -> None:
    (told,) = market_replies.klines(INSTRUMENT, CANDLES[:1], Klines(symbol="X", interval="1m"))
    assert told == (
        0,
        "1.00",
        "4.00",
        "0.50",
        "2.00",
        "0.00005",
        59_999,
        "0.00000600",
        3,
        "0.00002",
        "0.00000250",
        "0",
    )


def test_the_days_statistics_are_told() -> None:
    ticker = Ticker(1, 2_000_000, 20_000, 21_000, 9_000, 10_000, 3, 50, 7_500_000, 7, 4, 10)
    told = market_replies.ticker_24hr(INSTRUMENT, ticker, Level(9_999, 7), None)
    assert told == {
        "symbol": "BTCUSDT",
        "priceChange": "-100.00",
        "priceChangePercent": "-50.000",
        "weightedAvgPrice": "150",
        "prevClosePrice": "200.00",
        "lastPrice": "100.00",
        "lastQty": "0.00003",
        "bidPrice": "99.99",
        "bidQty": "0.00007",
        "askPrice": "0.00",
        "askQty": "0.00000",
        "openPrice": "200.00",
        "highPrice": "210.00",
        "lowPrice": "90.00",
        "volume": "0.00050",
        "quoteVolume": "0.07500000",
        "openTime": 0,
        "closeTime": 2,
        "firstId": 4,
        "lastId": 10,
        "count": 7,
    }


def test_a_change_in_per_cent_is_cut_towards_zero() -> None:
    assert market_replies.percent_text(1, 3) == "33.333"
    assert market_replies.percent_text(-1, 3) == "-33.333"
    assert market_replies.percent_text(0, 3) == "0.000"
    assert market_replies.percent_text(5, 0) == "0.000"
