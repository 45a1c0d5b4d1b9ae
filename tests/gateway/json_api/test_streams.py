"""Market data streams: names, payloads, and who gets which frames."""

import json
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from gateway.json_api import streams
from gateway.json_api.errors import ApiError
from gateway.json_api.market_streams import MarketStreams, text_frame
from gateway.json_api.stream_session import SUBSCRIPTIONS_MAX, StreamSession
from gateway.json_api.streams import Stream, StreamKind, parse_stream
from gateway.market_view import FeedBook, FeedStatus
from tests.gateway.engine_room import BTCUSDT, EngineRoom
from vocabulary.market_data import (
    Candle,
    CandlesChanged,
    DepthChanged,
    Level,
    Message,
    Print,
    Status,
    StatusChanged,
    StatusSnapshot,
    Ticker,
    TickerChanged,
    TradesPrinted,
)
from vocabulary.types import TradingPhase

CATALOGUE = EngineRoom().catalogue
INSTRUMENT = CATALOGUE.instruments[BTCUSDT]
NOW_NS = 1_700_000_000_123_456_789
NOW_MS = NOW_NS // 1_000_000

PRINT = Print(7, NOW_NS, 10_000, 5, 50_000, True, 11, 12)
TRADES = TradesPrinted(40, 38, NOW_NS, [PRINT])
DEPTH = DepthChanged(40, 38, NOW_NS, [Level(9_999, 3)], [Level(10_001, 0)])
CANDLE = Candle(0, 100, 400, 50, 200, 5, 600, 3, 1, 3, 2, 250, closed=True)


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("btcusdt@trade", Stream("BTCUSDT", StreamKind.TRADE)),
        ("btcusdt@aggTrade", Stream("BTCUSDT", StreamKind.AGGREGATE_TRADE)),
        ("btcusdt@depth", Stream("BTCUSDT", StreamKind.DEPTH)),
        ("btcusdt@depth@100ms", Stream("BTCUSDT", StreamKind.DEPTH)),
        ("btcusdt@bookTicker", Stream("BTCUSDT", StreamKind.BOOK_TICKER)),
        ("btcusdt@ticker", Stream("BTCUSDT", StreamKind.TICKER)),
        ("btcusdt@status", Stream("BTCUSDT", StreamKind.STATUS)),
        ("btcusdt@kline_1m", Stream("BTCUSDT", StreamKind.KLINE, "1m")),
        ("btcusdt@kline_1d", Stream("BTCUSDT", StreamKind.KLINE, "1d")),
    ],
)
def test_streams_have_binances_names(name: str, stream: Stream) -> None:
    assert parse_stream(name) == stream


@pytest.mark.parametrize(
    "name",
    [
        "",
        "btcusdt",
        "btcusdt@",
        "@trade",
        "BTCUSDT@trade",
        "btcusdt@trades",
        "btcusdt@trade@100ms",
        "btcusdt@depth@1ms",
        "btcusdt@kline",
        "btcusdt@kline_7m",
        "btcusdt@trade\n",
        "btc-usdt@trade",
        "\u00e4@trade",
        "x" * 32 + "@trade",
    ],
)
def test_other_names_are_no_streams(name: str) -> None:
    assert parse_stream(name) is None


def test_a_trade_is_told() -> None:
    assert json.loads(streams.trade(INSTRUMENT, PRINT)) == {
        "e": "trade",
        "E": NOW_MS,
        "s": "BTCUSDT",
        "t": 7,
        "p": "100.00",
        "q": "0.00005",
        "b": 11,
        "a": 12,
        "T": NOW_MS,
        "m": True,
        "M": True,
    }


def test_a_change_of_depth_names_its_predecessor() -> None:
    assert json.loads(streams.depth_update(INSTRUMENT, DEPTH)) == {
        "e": "depthUpdate",
        "E": NOW_MS,
        "s": "BTCUSDT",
        "U": 39,
        "u": 40,
        "pu": 38,
        "b": [["99.99", "0.00003"]],
        "a": [["100.01", "0.00000"]],
    }


def test_a_candle_is_told() -> None:
    assert json.loads(streams.kline(INSTRUMENT, "5m", CANDLE, NOW_NS)) == {
        "e": "kline",
        "E": NOW_MS,
        "s": "BTCUSDT",
        "k": {
            "t": 0,
            "T": 299_999,
            "s": "BTCUSDT",
            "i": "5m",
            "f": 1,
            "L": 3,
            "o": "1.00",
            "c": "2.00",
            "h": "4.00",
            "l": "0.50",
            "v": "0.00005",
            "n": 3,
            "x": True,
            "q": "0.00000600",
            "V": "0.00002",
            "Q": "0.00000250",
            "B": "0",
        },
    }


class Client:
    """A stream session and what was sent to it."""

    def __init__(
        self, market_streams: MarketStreams, *names: str, wants_combined: bool = False
    ) -> None:
        self.answers: list[Any] = []
        self.frames: list[bytes] = []
        self.session = StreamSession(
            market_streams,
            names,
            wants_combined=wants_combined,
            send=lambda message: self.answers.append(json.loads(message)),
            send_frames=self.frames.append,
        )

    def ask(self, method: str, *names: str, **more: object) -> Any:
        request = {"id": 1, "method": method, "params": list(names), **more}
        self.session.receive_text(json.dumps(request).encode())
        return self.answers.pop()


@pytest.fixture
def books() -> dict[str, FeedBook]:
    return {"BTCUSDT": FeedBook()}


@pytest.fixture
def market_streams(books: dict[str, FeedBook]) -> MarketStreams:
    return MarketStreams(CATALOGUE, books, {"BTCUSDT": FeedStatus()})


def publish(market_streams: MarketStreams, kind: str, *messages: Message) -> None:
    for message in messages:
        market_streams.on_update(kind, "BTCUSDT", message)
    market_streams.flush()


def test_a_wakeups_messages_arrive_in_one_piece(market_streams: MarketStreams) -> None:
    plain = Client(market_streams, "btcusdt@trade")
    combined = Client(market_streams, "btcusdt@trade", wants_combined=True)
    publish(market_streams, "trades", TRADES, TRADES)
    payload = streams.trade(INSTRUMENT, PRINT)
    assert plain.frames == [text_frame(payload) * 2]
    wrapped = b'{"stream":"btcusdt@trade","data":' + payload + b"}"
    assert combined.frames == [text_frame(wrapped) * 2]


def test_a_status_is_told_at_once_and_as_it_changes(books: dict[str, FeedBook]) -> None:
    view = FeedStatus()
    market_streams = MarketStreams(CATALOGUE, books, {"BTCUSDT": view})
    client = Client(market_streams, "btcusdt@status", wants_combined=True)
    market_streams.flush()
    assert client.frames == []  # not known yet
    auction = Status(TradingPhase.OPENING_AUCTION, 10_000, 5, -3)
    view.replace(StatusSnapshot(40, NOW_NS, auction))
    market_streams.flush()
    change = StatusChanged(41, 40, NOW_NS, Status(TradingPhase.TRADING, 0, 0, 0))
    publish(market_streams, "status", change)
    payloads = [frame[frame.index(b"{") :] for frame in client.frames]
    told = [json.loads(payload)["data"] for payload in payloads]
    assert told == [
        {
            "e": "status",
            "E": NOW_MS,
            "s": "BTCUSDT",
            "u": 40,
            "S": "OPENING_AUCTION",
            "p": "100.00",
            "q": "0.00005",
            "B": "0.00000",
            "A": "0.00003",
        },
        {
            "e": "status",
            "E": NOW_MS,
            "s": "BTCUSDT",
            "u": 41,
            "S": "TRADING",
            "p": "0.00",
            "q": "0.00000",
            "B": "0.00000",
            "A": "0.00000",
        },
    ]


def test_a_frame_is_a_whole_unmasked_text() -> None:
    for size in (0, 125, 126, 65_535, 65_536):
        payload = b"x" * size
        expected = Frame(Opcode.TEXT, payload).serialize(mask=False)
        assert text_frame(payload) == expected
        assert text_frame(payload)[0] == 0x81


def test_only_subscribers_get_a_stream(market_streams: MarketStreams) -> None:
    client = Client(market_streams, "btcusdt@depth")
    publish(market_streams, "trades", TRADES)
    assert client.frames == []
    assert client.ask("SUBSCRIBE", "btcusdt@trade") == {"result": None, "id": 1}
    publish(market_streams, "trades", TRADES)
    assert len(client.frames) == 1
    assert client.ask("UNSUBSCRIBE", "btcusdt@trade", "btcusdt@nothing") == {
        "result": None,
        "id": 1,
    }
    client.session.close()
    publish(market_streams, "depth", DEPTH)
    assert len(client.frames) == 1


def test_subscriptions_are_listed_and_not_doubled(market_streams: MarketStreams) -> None:
    client = Client(market_streams, "btcusdt@trade")
    client.ask("SUBSCRIBE", "btcusdt@trade", "btcusdt@depth")
    listed = client.ask("LIST_SUBSCRIPTIONS")
    assert listed == {"result": ["btcusdt@trade", "btcusdt@depth"], "id": 1}
    publish(market_streams, "trades", TRADES)
    assert len(client.frames) == 1


@pytest.mark.parametrize("name", ["btcusdt@nothing", "dogeusdt@trade", "BTCUSDT@trade"])
def test_an_unknown_stream_is_an_error_and_subscribes_to_nothing(
    market_streams: MarketStreams, name: str
) -> None:
    client = Client(market_streams)
    answer = client.ask("SUBSCRIBE", "btcusdt@trade", name)
    assert (answer["id"], answer["error"]["code"]) == (1, -1130)
    assert client.ask("LIST_SUBSCRIPTIONS")["result"] == []
    with pytest.raises(ApiError):
        Client(market_streams, name)


def test_a_message_that_makes_no_sense_is_an_error(market_streams: MarketStreams) -> None:
    client = Client(market_streams)
    assert client.ask("DANCE")["error"]["code"] == -1135
    assert client.ask("SUBSCRIBE", extra=1)["error"]["code"] == -1135
    client.session.receive_text(b"what")
    assert client.answers.pop() == {"error": {"code": -1135, "msg": "Invalid JSON."}, "id": None}


def test_subscriptions_are_limited(market_streams: MarketStreams) -> None:
    names = [
        f"btcusdt@{kind}"
        for kind in ["trade", "aggTrade", "bookTicker", "ticker", "depth", "depth@100ms"]
    ]
    client = Client(market_streams, *names)
    assert len(client.ask("LIST_SUBSCRIPTIONS")["result"]) == len(names) < SUBSCRIPTIONS_MAX


def test_best_prices_are_told_once_per_flush_and_only_when_they_change(
    market_streams: MarketStreams, books: dict[str, FeedBook]
) -> None:
    client = Client(market_streams, "btcusdt@bookTicker")
    books["BTCUSDT"].apply(DepthChanged(39, 38, NOW_NS, [Level(9_998, 1)], []))
    books["BTCUSDT"].apply(DepthChanged(40, 39, NOW_NS, [Level(9_999, 3)], []))
    publish(market_streams, "depth", DEPTH, DEPTH)
    payload = b'{"u":40,"s":"BTCUSDT","b":"99.99","B":"0.00003","a":"0.00","A":"0.00000"}'
    assert client.frames == [text_frame(payload)]
    publish(market_streams, "depth", DEPTH)
    assert len(client.frames) == 1


def test_candles_and_tickers_reach_their_streams(market_streams: MarketStreams) -> None:
    minutes = Client(market_streams, "btcusdt@kline_1m")
    days = Client(market_streams, "btcusdt@kline_1d")
    ticker = Client(market_streams, "btcusdt@ticker")
    publish(market_streams, "candles:1m", CandlesChanged(40, 38, NOW_NS, [CANDLE]))
    statistics = Ticker(1, 2_000_000, 20_000, 21_000, 9_000, 10_000, 3, 50, 750_000, 7, 4, 10)
    publish(market_streams, "ticker", TickerChanged(40, 38, NOW_NS, statistics))
    assert (len(minutes.frames), len(days.frames), len(ticker.frames)) == (1, 0, 1)
    told = json.loads(ticker.frames[0][4:])
    assert (told["e"], told["c"], told["p"], told["n"]) == ("24hrTicker", "100.00", "-100.00", 7)
