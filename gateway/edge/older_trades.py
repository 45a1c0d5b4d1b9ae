"""Answers that may need trades which memory holds no longer: those of the trade history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from operator import itemgetter
from typing import Any

import structlog

from gateway.edge.market_feed import MarketFeed
from gateway.json_api import market_replies, order_queries
from gateway.json_api import requests as r
from gateway.json_api.errors import ApiError, ErrorCode, internal_error
from gateway.json_api.older_trades import (
    fills_suffice,
    historic_aggregate,
    historic_fill,
    historic_trade,
    range_of,
    tape_suffices,
    united,
)
from gateway.json_api.order_replies import MyTrade
from gateway.json_orders import Answer
from gateway.order_tracker import Orders
from gateway.trade_history import (
    HistoryBusyError,
    HistoryUnavailableError,
    TradeHistory,
    TradeRange,
)
from vocabulary.instrument import Instrument
from vocabulary.market_data import Print
from vocabulary.trade_history import HistoricTrade

log = structlog.get_logger("gateway")


class OlderTrades:
    """Answers at once from memory where that has all that is asked for, and else later.

    Without a history memory is all there is. `Answer` is called once; checks of the request raise
    `ApiError` before that.
    """

    def __init__(self, orders: Orders, feed: MarketFeed, history: TradeHistory | None) -> None:
        self._orders = orders
        self._feed = feed
        self._history = history
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def historical(
        self, instrument: Instrument, request: r.HistoricalTrades, answer: Answer
    ) -> None:
        prints = self._feed.tapes[instrument.symbol].prints
        wanted = range_of(request)
        known = [each for each in prints if each.trade_id >= wanted.first_id]
        known = known[: wanted.limit] if wanted.is_from_start else known
        self._of_tape(
            prints,
            wanted,
            market_replies.trades(instrument, known, wanted.limit),
            historic_trade,
            answer,
        )

    def aggregates(
        self, instrument: Instrument, request: r.AggregateTrades, answer: Answer
    ) -> None:
        prints = self._feed.tapes[instrument.symbol].prints
        remembered = market_replies.aggregate_trades(instrument, prints, request)
        self._of_tape(prints, range_of(request), remembered, historic_aggregate, answer)

    def my_trades(self, account_id: int, request: r.MyTrades, answer: Answer) -> None:
        remembered = order_queries.my_trades(self._orders, account_id, request)
        wanted = range_of(request)
        instrument = self._orders.catalogue.instrument_by_symbol[request.symbol]
        known_from_ns = self._orders.fills_known_from_ns(account_id)
        fills = self._orders.fills(account_id, instrument.instrument_id)
        first_id = fills[0].trade_id if fills else None
        if self._history is None or fills_suffice(wanted, remembered, known_from_ns, first_id):
            answer(remembered)
            return
        history = self._history

        async def look() -> list[MyTrade]:
            found = await history.fills(account_id, wanted)
            _check_reach(found.through_ns, known_from_ns)
            stored = map(historic_fill, found.fills)
            return united(stored, remembered, wanted, lambda each: (each.id, not each.is_maker))

        self._later(look(), answer)

    def _of_tape(
        self,
        prints: Sequence[Print],
        wanted: TradeRange,
        remembered: list[dict[str, Any]],
        make: Callable[[HistoricTrade], dict[str, Any]],
        answer: Answer,
    ) -> None:
        if self._history is None or tape_suffices(prints, wanted):
            answer(remembered)
            return
        history, oldest_ns = self._history, prints[0].timestamp_ns

        async def look() -> list[dict[str, Any]]:
            found = await history.trades(wanted)
            _check_reach(found.through_ns, oldest_ns)
            by_id = itemgetter("id" if make is historic_trade else "a")
            return united(map(make, found.trades), remembered, wanted, by_id)

        self._later(look(), answer)

    def _later(self, look: Coroutine[Any, Any, list[Any]], answer: Answer) -> None:
        async def look_and_answer() -> None:
            try:
                answer(await look)
            except ApiError as error:
                answer(error)
            except HistoryBusyError:
                text = "Too many requests for old trades at once; try again later."
                answer(ApiError(ErrorCode.SERVER_BUSY, text))
            except HistoryUnavailableError:
                text = "Old trades can't be read now; try again, or ask for newer or fewer ones."
                answer(ApiError(ErrorCode.DISCONNECTED, text))
            except Exception:
                log.exception("request for old trades failed")
                answer(internal_error())

        task = asyncio.create_task(look_and_answer())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check_reach(through_ns: int, known_from_ns: int) -> None:
    """Raise `ApiError` where the history ends before memory begins."""
    if through_ns < known_from_ns:
        raise ApiError(
            ErrorCode.DISCONNECTED, "The history of old trades lags; ask again later, or for newer."
        )
