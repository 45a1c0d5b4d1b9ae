"""Carries out what REST and WebSocket clients ask for, the same for both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import structlog

from gateway.auth import Credential
from gateway.edge import metrics
from gateway.edge.balances import Balances
from gateway.edge.credentials import CredentialStore, CredentialsUnavailableError
from gateway.edge.kept_countdowns import KeptCountdowns
from gateway.edge.market_feed import MarketFeed
from gateway.edge.older_trades import OlderTrades
from gateway.edge.order_traces import Arrival, OrderTraces
from gateway.json_api import market_replies, order_queries
from gateway.json_api import requests as r
from gateway.json_api.account_replies import (
    Balance,
    account_status,
    coins,
    commission,
    trade_fee,
)
from gateway.json_api.errors import ApiError, ErrorCode, internal_error, invalid_symbol
from gateway.json_api.exchange_info import exchange_info
from gateway.json_api.operations import Operation
from gateway.json_orders import Answer, JsonOrders
from gateway.market_view import View
from gateway.order_tracker import Orders
from vocabulary.instrument import Instrument
from vocabulary.market_data import Ticker

log = structlog.get_logger("gateway")

_AnyView = TypeVar("_AnyView", bound=View)
_NO_TICKER = Ticker(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


class JsonOperations:
    """Has a method for each of `gateway.json_api.operations` that needs no connection."""

    def __init__(
        self,
        *,
        orders: Orders,
        json_orders: JsonOrders,
        countdowns: KeptCountdowns,
        credentials: CredentialStore,
        feed: MarketFeed,
        balances: Balances,
        traces: OrderTraces | None = None,
        older_trades: OlderTrades,
    ) -> None:
        self.traces = traces
        self._orders = orders
        self._catalogue = orders.catalogue
        self._json_orders = json_orders
        self._credentials = credentials
        self._feed = feed
        self._balances = balances
        self._older_trades = older_trades
        self._public: dict[str, Callable[[Any], Any]] = {
            "ping": lambda _: {},
            "time": lambda _: {"serverTime": time.time_ns() // 1_000_000},
            "exchangeInfo": self._exchange_info,
            "depth": self._depth,
            "trades.recent": self._trades,
            "klines": self._klines,
            "ticker.24hr": self._ticker_24hr,
            "ticker.price": self._ticker_price,
            "ticker.book": self._ticker_book,
        }
        self._trade_pages: dict[str, Callable[[Any, Answer], None]] = {
            "trades.historical": self._historical_trades,
            "trades.aggregate": self._aggregate_trades,
        }
        self._queries: dict[str, Callable[[Orders, int, Any], Any]] = {
            "order.status": order_queries.order_status,
            "orderList.status": order_queries.list_status,
            "openOrderLists.status": order_queries.open_lists,
            "openOrders.status": order_queries.open_orders,
            "allOrders": order_queries.all_orders,
        }
        self._commands: dict[str, Callable[[int, Any, int, Answer], None]] = {
            "order.place": json_orders.place,
            "order.cancel": json_orders.cancel,
            "order.cancelReplace": json_orders.cancel_replace,
            "order.amend.keepPriority": json_orders.amend,
            "orderList.place.oco": json_orders.place_list,
            "orderList.place.oto": json_orders.place_list,
            "orderList.place.otoco": json_orders.place_list,
            "orderList.cancel": json_orders.cancel_list,
            "openOrders.cancelAll": json_orders.cancel_all,
            "openOrders.countdownCancelAll": countdowns.set,
        }

    async def credential(self, api_key: object) -> Credential | None:
        """Return what a key opens, None if there is no such key. Raises `ApiError`."""
        if not isinstance(api_key, str) or not api_key.isascii() or not api_key:
            raise ApiError(ErrorCode.BAD_API_KEY_FORMAT, "API-key format invalid.")
        try:
            return await self._credentials.get(api_key)
        except CredentialsUnavailableError:
            raise ApiError(ErrorCode.DISCONNECTED, "API-keys can't be checked now.") from None

    def perform(
        self,
        operation: Operation,
        request: r.Request,
        credential: Credential | None,
        answer: Answer,
        arrival: Arrival | None = None,
    ) -> None:
        """Carry out a checked request; `credential` is None if it is public.

        `answer` is called once, now or later. A fault of ours is logged and answered, too.
        `arrival` is what traces are told of it.
        """
        if self.traces is not None:
            self.traces.arrival = arrival
        try:
            if operation.name in self._trade_pages:
                self._trade_pages[operation.name](request, answer)
            elif credential is None:
                answer(self._public[operation.name](request))
            else:
                self._perform_signed(operation.name, request, credential, answer)
        except ApiError as error:
            if operation.name in self._commands:
                metrics.REJECTS.labels("gateway", error.code.name).inc()
            answer(error)
        except Exception:
            log.exception("request failed", operation=operation.name)
            answer(internal_error())
        finally:
            if self.traces is not None:
                self.traces.arrival = None

    def _perform_signed(
        self, name: str, request: Any, credential: Credential, answer: Answer
    ) -> None:
        account_id = credential.account_id
        if name in self._commands:
            self._commands[name](account_id, request, time.time_ns(), answer)
        elif name in self._queries:
            answer(self._queries[name](self._orders, account_id, request))
        elif name == "myTrades":
            self._older_trades.my_trades(account_id, request, answer)
        elif name == "order.test":
            self._json_orders.test(account_id, request)
            answer({})
        elif name == "account.commission":
            instrument = self._instrument(request.symbol)
            answer(commission(instrument, self._catalogue.fees_ppm(account_id, instrument)))
        elif name == "asset.tradeFee":
            asked = [request.symbol] if request.symbol is not None else None
            answer([self._trade_fee(account_id, each) for each in self._listed(asked)])
        elif name in {"margin.pairs", "margin.isolatedPairs"}:
            answer([])  # nothing is lent here
        elif name == "capital.config":
            self._tell_balances(account_id, answer, coins)
        else:
            assert name == "account.status", name
            make = partial(self._account, credential, request)
            self._tell_balances(account_id, answer, make)

    def _tell_balances(
        self, account_id: int, answer: Answer, make: Callable[[list[Balance]], Any]
    ) -> None:
        """Answer with what `make` makes of the account's balances, once they are here."""

        def receive(found: list[Balance] | ApiError) -> None:
            try:
                result = found if isinstance(found, ApiError) else make(found)
            except Exception:
                log.exception("request failed", account_id=account_id)
                result = internal_error()
            answer(result)

        self._balances.ask(account_id, receive)

    def _account(self, credential: Credential, request: r.Account, found: list[Balance]) -> Any:
        fees = [
            self._catalogue.fees_ppm(credential.account_id, each)
            for each in self._catalogue.instruments.values()
        ]
        return account_status(
            credential.account_id,
            found,
            (
                max((maker for maker, _ in fees), default=0),
                max((taker for _, taker in fees), default=0),
            ),
            credential.permissions,
            time.time_ns() // 1_000_000,
            omit_zero_balances=request.omit_zero_balances,
        )

    # Public

    def _exchange_info(self, request: r.Symbols) -> Any:
        phases = self._catalogue.phases
        listed = [(each, phases[each.instrument_id]) for each in self._instruments(request)]
        return exchange_info(listed, time.time_ns(), self._json_orders.orders_per_s_max)

    def _depth(self, request: r.Depth) -> Any:
        instrument = self._instrument(request.symbol)
        book = _filled(self._feed.books[instrument.symbol])
        return market_replies.depth(
            instrument,
            book.sequence,
            book.bids.levels(request.limit),
            book.asks.levels(request.limit),
        )

    def _trades(self, request: r.Trades) -> Any:
        instrument = self._instrument(request.symbol)
        tape = _filled(self._feed.tapes[instrument.symbol])
        return market_replies.trades(instrument, tape.prints, request.limit)

    def _historical_trades(self, request: r.HistoricalTrades, answer: Answer) -> None:
        instrument = self._instrument(request.symbol)
        _filled(self._feed.tapes[instrument.symbol])
        self._older_trades.historical(instrument, request, answer)

    def _aggregate_trades(self, request: r.AggregateTrades, answer: Answer) -> None:
        instrument = self._instrument(request.symbol)
        _filled(self._feed.tapes[instrument.symbol])
        self._older_trades.aggregates(instrument, request, answer)

    def _klines(self, request: r.Klines) -> Any:
        instrument = self._instrument(request.symbol)
        view = _filled(self._feed.candles[instrument.symbol, request.interval])
        return market_replies.klines(instrument, view.candles, request)

    def _ticker_24hr(self, request: r.Symbols) -> Any:
        return self._one_or_all(request, self._ticker_24hr_of)

    def _ticker_24hr_of(self, instrument: Instrument) -> dict[str, Any]:
        book = _filled(self._feed.books[instrument.symbol])
        return market_replies.ticker_24hr(
            instrument, self._ticker(instrument), book.bids.best, book.asks.best
        )

    def _ticker_price(self, request: r.Symbols) -> Any:
        return self._one_or_all(
            request, lambda each: market_replies.ticker_price(each, self._ticker(each))
        )

    def _ticker_book(self, request: r.Symbols) -> Any:
        return self._one_or_all(request, self._ticker_book_of)

    def _ticker_book_of(self, instrument: Instrument) -> dict[str, Any]:
        book = _filled(self._feed.books[instrument.symbol])
        return market_replies.book_ticker(instrument, book.bids.best, book.asks.best)

    def _ticker(self, instrument: Instrument) -> Ticker:
        return _filled(self._feed.tickers[instrument.symbol]).ticker or _NO_TICKER

    def _one_or_all(self, request: r.Symbols, make: Callable[[Instrument], Any]) -> Any:
        found = [make(each) for each in self._instruments(request)]
        return found[0] if request.symbol is not None else found

    def _trade_fee(self, account_id: int, instrument: Instrument) -> dict[str, str]:
        return trade_fee(instrument, self._catalogue.fees_ppm(account_id, instrument))

    def _instruments(self, request: r.Symbols) -> Iterable[Instrument]:
        return self._listed(request.names())

    def _listed(self, names: list[str] | None) -> Iterable[Instrument]:
        if names is None:
            return self._catalogue.instruments.values()
        return [self._instrument(name) for name in names]

    def _instrument(self, symbol: str) -> Instrument:
        instrument = self._catalogue.instrument_by_symbol.get(symbol)
        if instrument is None:
            raise invalid_symbol()
        return instrument


def _filled(view: _AnyView) -> _AnyView:
    """Return a view that holds something, empty as its market may be. Raises `ApiError`."""
    if view.sequence == 0:
        raise ApiError(ErrorCode.DISCONNECTED, "Market data is not here yet; try again.")
    return view
