"""Answers of what memory has and of what the trade history has, as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from gateway.json_api import requests as r
from gateway.json_api.order_replies import MyTrade, amendment, milliseconds
from gateway.trade_history import TradeRange
from vocabulary.market_data import Print
from vocabulary.trade_history import HistoricFill, HistoricTrade
from vocabulary.types import INT64_MAX

MS_NS = 1_000_000

TradeQuery = r.HistoricalTrades | r.AggregateTrades | r.MyTrades
Reply = TypeVar("Reply")


def range_of(request: TradeQuery) -> TradeRange:
    """Return what a request asks for: from `fromId` or `startTime` on, else the newest."""
    start_ms = end_ms = order_id = None
    if not isinstance(request, r.HistoricalTrades):
        start_ms, end_ms = request.start_time, request.end_time
    if isinstance(request, r.MyTrades):
        order_id = request.order_id
    return TradeRange(
        request.symbol,
        request.limit,
        is_from_start=request.from_id is not None or start_ms is not None,
        first_id=request.from_id or 0,
        start_ns=(start_ms or 0) * MS_NS,
        end_ns=INT64_MAX if end_ms is None else min(end_ms * MS_NS + MS_NS - 1, INT64_MAX),
        order_id=order_id,
    )


def tape_suffices(prints: Sequence[Print], wanted: TradeRange) -> bool:
    """Say whether no trade older than the tape's can be in the range."""
    if not prints or prints[0].trade_id == 1:
        return True
    oldest = prints[0]
    if wanted.is_from_start:
        return wanted.first_id >= oldest.trade_id or wanted.start_ns > oldest.timestamp_ns
    return sum(each.timestamp_ns <= wanted.end_ns for each in prints) >= wanted.limit


def fills_suffice(
    wanted: TradeRange, remembered: Sequence[MyTrade], known_from_ns: int, first_id: int | None
) -> bool:
    """Say whether no fill that was forgotten can be in the range.

    `remembered` are the fills in the range, of those that are known behind `known_from_ns`, from
    the trade `first_id` of its symbol on; 0 where nothing was forgotten.
    """
    if known_from_ns == 0 or wanted.start_ns > known_from_ns:
        return True
    if wanted.is_from_start:
        # Of the oldest trade's two sides one may be forgotten.
        return first_id is not None and wanted.first_id > first_id
    return len(remembered) >= wanted.limit


def united(
    stored: Iterable[Reply],
    remembered: Iterable[Reply],
    wanted: TradeRange,
    key: Callable[[Reply], Any],
) -> list[Reply]:
    """Return both, each trade once and in order, as many as are wanted from the wanted end."""
    by_key = {key(each): each for each in (*stored, *remembered)}
    found = [by_key[each] for each in sorted(by_key)]
    return found[: wanted.limit] if wanted.is_from_start else found[-wanted.limit :]


def historic_trade(trade: HistoricTrade) -> dict[str, Any]:
    return {
        "id": trade.trade_id,
        "price": trade.price,
        "qty": trade.quantity,
        "quoteQty": trade.quote_quantity,
        "time": milliseconds(trade.timestamp_ns),
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
        **_amendment(trade),
    }


def historic_aggregate(trade: HistoricTrade) -> dict[str, Any]:
    return {
        "a": trade.trade_id,
        "p": trade.price,
        "q": trade.quantity,
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": milliseconds(trade.timestamp_ns),
        "m": trade.buyer_is_maker,
        "M": True,
        **_amendment(trade),
    }


def historic_fill(fill: HistoricFill) -> MyTrade:
    return MyTrade(
        fill.symbol,
        fill.trade_id,
        fill.order_id,
        -1,
        fill.price,
        fill.quantity,
        fill.quote_quantity,
        fill.fee,
        fill.fee_asset,
        milliseconds(fill.timestamp_ns),
        is_buyer=fill.is_buyer,
        is_maker=fill.is_maker,
        is_best_match=True,
        amendment=amendment(fill.amendments, is_busted=fill.is_busted),
    )


def _amendment(trade: HistoricTrade) -> dict[str, str]:
    told = amendment(trade.amendments, is_busted=trade.is_busted)
    return {"amendment": told} if isinstance(told, str) else {}
