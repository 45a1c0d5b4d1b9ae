"""Market data in answers: the book, trades, candles and tickers of one instrument."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.json_api.order_replies import milliseconds
from gateway.json_api.requests import AggregateTrades, Klines
from vocabulary.instrument import Instrument, decimal_text
from vocabulary.market_data import CANDLE_INTERVALS_SECONDS, Candle, Level, Print, Ticker
from vocabulary.types import INT64_MAX


def level_texts(instrument: Instrument, levels: Iterable[Level]) -> list[tuple[str, str]]:
    return [
        (instrument.price_text(level.price_ticks), instrument.quantity_text(level.lots))
        for level in levels
    ]


def depth(
    instrument: Instrument, sequence: int, bids: Iterable[Level], asks: Iterable[Level]
) -> dict[str, Any]:
    """Return the book, best prices first. `lastUpdateId` is what the diff stream goes on from."""
    return {
        "lastUpdateId": sequence,
        "bids": level_texts(instrument, bids),
        "asks": level_texts(instrument, asks),
    }


def trades(instrument: Instrument, prints: Sequence[Print], limit: int) -> list[dict[str, Any]]:
    """Return the newest trades, oldest first."""
    return [
        {
            "id": each.trade_id,
            "price": instrument.price_text(each.price_ticks),
            "qty": instrument.quantity_text(each.lots),
            "quoteQty": instrument.quote.text(each.quote_units),
            "time": milliseconds(each.timestamp_ns),
            "isBuyerMaker": each.buyer_is_maker,
            "isBestMatch": True,
            **_amendment(each),
        }
        for each in list(prints)[-limit:]
    ]


def aggregate_trades(
    instrument: Instrument, prints: Sequence[Print], request: AggregateTrades
) -> list[dict[str, Any]]:
    """Return trades as aggregates of one each: from `fromId` or `startTime` on, else the newest."""
    first_id = request.from_id or 0
    start, end = _window(request.start_time, request.end_time)
    found = [
        each
        for each in prints
        if each.trade_id >= first_id and start <= milliseconds(each.timestamp_ns) <= end
    ]
    is_from_start = request.from_id is not None or request.start_time is not None
    found = found[: request.limit] if is_from_start else found[-request.limit :]
    return [
        {
            "a": each.trade_id,
            "p": instrument.price_text(each.price_ticks),
            "q": instrument.quantity_text(each.lots),
            "f": each.trade_id,
            "l": each.trade_id,
            "T": milliseconds(each.timestamp_ns),
            "m": each.buyer_is_maker,
            "M": True,
            **_amendment(each),
        }
        for each in found
    ]


def klines(
    instrument: Instrument, candles: Sequence[Candle], request: Klines
) -> list[tuple[Any, ...]]:
    """Return candles that open within the window: from `startTime` on, else the newest."""
    start, end = _window(request.start_time, request.end_time)
    found = [each for each in candles if start <= milliseconds(each.open_time_ns) <= end]
    is_from_start = request.start_time is not None
    found = found[: request.limit] if is_from_start else found[-request.limit :]
    return [
        (
            milliseconds(each.open_time_ns),
            instrument.price_text(each.open_ticks),
            instrument.price_text(each.high_ticks),
            instrument.price_text(each.low_ticks),
            instrument.price_text(each.close_ticks),
            instrument.quantity_text(each.lots),
            close_time_ms(each, request.interval),
            instrument.quote.text(each.quote_units),
            each.trades,
            instrument.quantity_text(each.taker_buy_lots),
            instrument.quote.text(each.taker_buy_quote_units),
            "0",
        )
        for each in found
    ]


def close_time_ms(candle: Candle, interval: str) -> int:
    """Return a candle's last millisecond."""
    return milliseconds(candle.open_time_ns) + CANDLE_INTERVALS_SECONDS[interval] * 1000 - 1


def ticker_24hr(
    instrument: Instrument, ticker: Ticker, bid: Level | None, ask: Level | None
) -> dict[str, Any]:
    change_ticks = ticker.last_ticks - ticker.open_ticks
    return {
        "symbol": instrument.symbol,
        "priceChange": instrument.price_text(change_ticks),
        "priceChangePercent": percent_text(change_ticks, ticker.open_ticks),
        "weightedAvgPrice": instrument.average_price_text(ticker.quote_units, ticker.lots),
        "prevClosePrice": instrument.price_text(ticker.open_ticks),
        "lastPrice": instrument.price_text(ticker.last_ticks),
        "lastQty": instrument.quantity_text(ticker.last_lots),
        "bidPrice": instrument.price_text(bid.price_ticks if bid else 0),
        "bidQty": instrument.quantity_text(bid.lots if bid else 0),
        "askPrice": instrument.price_text(ask.price_ticks if ask else 0),
        "askQty": instrument.quantity_text(ask.lots if ask else 0),
        "openPrice": instrument.price_text(ticker.open_ticks),
        "highPrice": instrument.price_text(ticker.high_ticks),
        "lowPrice": instrument.price_text(ticker.low_ticks),
        "volume": instrument.quantity_text(ticker.lots),
        "quoteVolume": instrument.quote.text(ticker.quote_units),
        "openTime": milliseconds(ticker.open_time_ns),
        "closeTime": milliseconds(ticker.close_time_ns),
        "firstId": ticker.first_trade_id if ticker.trades else -1,
        "lastId": ticker.last_trade_id if ticker.trades else -1,
        "count": ticker.trades,
    }


def ticker_price(instrument: Instrument, ticker: Ticker) -> dict[str, Any]:
    return {
        "symbol": instrument.symbol,
        "price": instrument.price_text(ticker.last_ticks),
    }


def book_ticker(instrument: Instrument, bid: Level | None, ask: Level | None) -> dict[str, Any]:
    return {
        "symbol": instrument.symbol,
        "bidPrice": instrument.price_text(bid.price_ticks if bid else 0),
        "bidQty": instrument.quantity_text(bid.lots if bid else 0),
        "askPrice": instrument.price_text(ask.price_ticks if ask else 0),
        "askQty": instrument.quantity_text(ask.lots if ask else 0),
    }


def percent_text(change: int, base: int) -> str:
    """Return a change in per cent with 3 places, cut towards 0."""
    if base == 0:
        return "0.000"
    thousandths = abs(change) * 100_000 // base
    return decimal_text(-thousandths if change < 0 else thousandths, 3)


def _window(start_ms: int | None, end_ms: int | None) -> tuple[int, int]:
    return start_ms or 0, INT64_MAX if end_ms is None else end_ms


def _amendment(each: Print) -> dict[str, str]:
    """Return what the desk did to a trade (ours), nothing where it stands as it was made."""
    if each.is_busted:
        return {"amendment": "BUSTED"}
    return {"amendment": "CORRECTED"} if each.is_corrected else {}
