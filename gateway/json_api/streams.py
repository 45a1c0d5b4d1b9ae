"""Market data streams: their names and what they carry (web-socket-streams.md).

A payload is encoded once, whoever receives it.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from gateway.json_api import market_replies
from gateway.json_api.order_replies import milliseconds
from vocabulary.instrument import Instrument
from vocabulary.market_data import (
    CANDLE_INTERVALS_SECONDS,
    AmendedTrade,
    Candle,
    DepthChanged,
    Level,
    Print,
    StatusChanged,
    Ticker,
)


class StreamKind(Enum):
    TRADE = "trade"
    AGGREGATE_TRADE = "aggTrade"
    DEPTH = "depth"
    BOOK_TICKER = "bookTicker"
    TICKER = "ticker"
    KLINE = "kline"
    STATUS = "status"
    AMENDMENT = "tradeAmendment"


class Stream(NamedTuple):
    """`interval` is that of a kline stream, empty otherwise."""

    symbol: str
    kind: StreamKind
    interval: str = ""


_INTERVALS = "|".join(CANDLE_INTERVALS_SECONDS)
# Depth goes out as it changes; the speeds that Binance's clients name are all the same stream here.
_NAME = re.compile(
    r"(?P<symbol>[a-z0-9]{1,31})@"
    r"(?:(?P<plain>trade|aggTrade|bookTicker|ticker|status|tradeAmendment)|(?P<depth>depth)(?:@100ms|@1000ms)?"
    rf"|(?P<kline>kline)_(?P<interval>{_INTERVALS}))",
    re.ASCII,
)


def parse_stream(name: str) -> Stream | None:
    """Return the stream of a name like `btcusdt@kline_1m`, None if there is no such stream."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    kind = StreamKind(found["plain"] or found["depth"] or found["kline"])
    return Stream(found["symbol"].upper(), kind, found["interval"] or "")


def combined(name: str, payload: bytes) -> bytes:
    """Return what a connection to `/stream` receives."""
    return b'{"stream":"%b","data":%b}' % (name.encode(), payload)


def trade(instrument: Instrument, each: Print) -> bytes:
    time_ms = milliseconds(each.timestamp_ns)
    return _encode(
        {
            "e": "trade",
            "E": time_ms,
            "s": instrument.symbol,
            "t": each.trade_id,
            "p": instrument.price_text(each.price_ticks),
            "q": instrument.quantity_text(each.lots),
            "b": each.buyer_order_id,
            "a": each.seller_order_id,
            "T": time_ms,
            "m": each.buyer_is_maker,
            "M": True,
        }
    )


def aggregate_trade(instrument: Instrument, each: Print) -> bytes:
    time_ms = milliseconds(each.timestamp_ns)
    return _encode(
        {
            "e": "aggTrade",
            "E": time_ms,
            "s": instrument.symbol,
            "a": each.trade_id,
            "p": instrument.price_text(each.price_ticks),
            "q": instrument.quantity_text(each.lots),
            "f": each.trade_id,
            "l": each.trade_id,
            "T": time_ms,
            "m": each.buyer_is_maker,
            "M": True,
        }
    )


def trade_amendment(instrument: Instrument, each: AmendedTrade, timestamp_ns: int) -> bytes:
    """Return that the desk busted or corrected a trade, and what holds of it now."""
    return _encode(
        {
            "e": "tradeAmendment",
            "E": milliseconds(timestamp_ns),
            "s": instrument.symbol,
            "t": each.trade_id,
            "x": "CORRECTED" if each.lots else "BUSTED",
            "p": instrument.price_text(each.price_ticks),
            "q": instrument.quantity_text(each.lots),
        }
    )


def depth_update(instrument: Instrument, change: DepthChanged) -> bytes:
    """Return the levels that changed. `pu` is ours: `u` of the message before, so a gap shows."""
    return _encode(
        {
            "e": "depthUpdate",
            "E": milliseconds(change.timestamp_ns),
            "s": instrument.symbol,
            "U": change.previous_sequence + 1,
            "u": change.sequence,
            "pu": change.previous_sequence,
            "b": market_replies.level_texts(instrument, change.bids),
            "a": market_replies.level_texts(instrument, change.asks),
        }
    )


def status(instrument: Instrument, change: StatusChanged) -> bytes:
    """Return the phase and what an auction would come to, which is ours: Binance has no auctions.

    `p` and `q` are indicative price and quantity, `B` and `A` what buyers and sellers would have
    left; all are 0 for nothing.
    """
    now = change.status
    return _encode(
        {
            "e": "status",
            "E": milliseconds(change.timestamp_ns),
            "s": instrument.symbol,
            "u": change.sequence,
            "S": now.phase.name,
            "p": instrument.price_text(now.indicative_ticks),
            "q": instrument.quantity_text(now.indicative_lots),
            "B": instrument.quantity_text(max(now.surplus_lots, 0)),
            "A": instrument.quantity_text(max(-now.surplus_lots, 0)),
        }
    )


def book_ticker(
    instrument: Instrument, sequence: int, bid: Level | None, ask: Level | None
) -> bytes:
    """Return the best prices; 0 where a side is empty."""
    best = market_replies.book_ticker(instrument, bid, ask)
    return _encode(
        {
            "u": sequence,
            "s": instrument.symbol,
            "b": best["bidPrice"],
            "B": best["bidQty"],
            "a": best["askPrice"],
            "A": best["askQty"],
        }
    )


def kline(instrument: Instrument, interval: str, candle: Candle, timestamp_ns: int) -> bytes:
    return _encode(
        {
            "e": "kline",
            "E": milliseconds(timestamp_ns),
            "s": instrument.symbol,
            "k": {
                "t": milliseconds(candle.open_time_ns),
                "T": market_replies.close_time_ms(candle, interval),
                "s": instrument.symbol,
                "i": interval,
                "f": candle.first_trade_id,
                "L": candle.last_trade_id,
                "o": instrument.price_text(candle.open_ticks),
                "c": instrument.price_text(candle.close_ticks),
                "h": instrument.price_text(candle.high_ticks),
                "l": instrument.price_text(candle.low_ticks),
                "v": instrument.quantity_text(candle.lots),
                "n": candle.trades,
                "x": candle.closed,
                "q": instrument.quote.text(candle.quote_units),
                "V": instrument.quantity_text(candle.taker_buy_lots),
                "Q": instrument.quote.text(candle.taker_buy_quote_units),
                "B": "0",
            },
        }
    )


_TICKER_KEYS = {
    "p": "priceChange",
    "P": "priceChangePercent",
    "w": "weightedAvgPrice",
    "x": "prevClosePrice",
    "c": "lastPrice",
    "Q": "lastQty",
    "b": "bidPrice",
    "B": "bidQty",
    "a": "askPrice",
    "A": "askQty",
    "o": "openPrice",
    "h": "highPrice",
    "l": "lowPrice",
    "v": "volume",
    "q": "quoteVolume",
    "O": "openTime",
    "C": "closeTime",
    "F": "firstId",
    "L": "lastId",
    "n": "count",
}


def ticker(
    instrument: Instrument,
    change: Ticker,
    timestamp_ns: int,
    bid: Level | None,
    ask: Level | None,
) -> bytes:
    """Return the 24 hours' statistics: those of the REST answer under shorter keys."""
    statistics = market_replies.ticker_24hr(instrument, change, bid, ask)
    return _encode(
        {
            "e": "24hrTicker",
            "E": milliseconds(timestamp_ns),
            "s": instrument.symbol,
            **{key: statistics[name] for key, name in _TICKER_KEYS.items()},
        }
    )


def _encode(event: dict[str, Any]) -> bytes:
    return msgspec.json.encode(event)
