"""The doors of JSON clients as the gateway sees them: one object with REST and WebSocket behind."""

from __future__ import annotations

import asyncio
import secrets
import time
from functools import partial
from itertools import islice

from gateway.edge import background, metrics
from gateway.edge.balances import Balances
from gateway.edge.credentials import CredentialStore
from gateway.edge.json_operations import JsonOperations
from gateway.edge.kept_countdowns import KeptCountdowns
from gateway.edge.kept_sessions import KeptSessions
from gateway.edge.market_feed import MarketFeed
from gateway.edge.older_trades import OlderTrades
from gateway.edge.order_traces import FeedTraces, OrderTraces
from gateway.edge.rest_http import RestServer
from gateway.edge.websocket_server import WebSocketServer
from gateway.json_api.account_replies import Balance, account_position
from gateway.json_api.errors import ApiError, ErrorCode
from gateway.json_api.market_streams import MarketStreams
from gateway.json_api.user_events import encode, server_shutdown
from gateway.json_api.user_streams import UserStreams
from gateway.json_orders import ORDERS_PER_S_MAX, JsonOrders
from gateway.maintenance import Maintenance
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.orders import Report
from gateway.trade_history import TradeHistory
from matching.client import MatchingClient, MatchingUnavailable, Refusal, RefusalCode
from vocabulary.codec import Record
from vocabulary.commands import Command
from vocabulary.market_data import Message

EXPIRE_INTERVAL_S = 0.1


class JsonDoor:
    """Give it every record once the stream is caught up, and every change of the market feed.

    Ports of 0 take free ones; `rest.port` and `websocket.port` tell which. `credentials`,
    `matching` and `feed` are started and stopped by whoever made them.
    """

    def __init__(
        self,
        *,
        orders: Orders,
        order_entry: OrderEntry,
        credentials: CredentialStore,
        matching: MatchingClient,
        feed: MarketFeed,
        host: str,
        rest_port: int,
        websocket_port: int,
        history_url: str | None = None,
        orders_per_s_max: int = ORDERS_PER_S_MAX,
        traces: OrderTraces | None = None,
        feed_traces: FeedTraces | None = None,
        shares_ports: bool = False,
    ) -> None:
        catalogue = orders.catalogue
        self._listed = catalogue.instrument_by_symbol
        self._matching = matching
        self._feed = feed
        self._tracked = 0  # of the symbols that are listed, which are in the order of their listing
        self.balances = Balances(matching, catalogue)
        self._user_streams = UserStreams()
        self._session_id = secrets.randbits(63)
        self._json_orders = JsonOrders(
            session_id=self._session_id,
            order_entry=order_entry,
            orders=orders,
            submit=self._submit,
            orders_per_s_max=orders_per_s_max,
        )
        self._countdowns = KeptCountdowns(feed, catalogue, self._json_orders.cancel_at_end)
        self.history = _open_history(history_url)
        self._older_trades = OlderTrades(orders, feed, self.history)
        operations = JsonOperations(
            orders=orders,
            json_orders=self._json_orders,
            countdowns=self._countdowns,
            credentials=credentials,
            feed=feed,
            balances=self.balances,
            traces=traces,
            older_trades=self._older_trades,
        )
        self.rest = RestServer(
            host=host, port=rest_port, operations=operations, shares_port=shares_ports
        )
        self._kept_sessions = KeptSessions(feed)
        self.websocket = WebSocketServer(
            host=host,
            port=websocket_port,
            operations=operations,
            user_streams=self._user_streams,
            market_streams=MarketStreams(catalogue, feed.books, feed.statuses),
            traces=feed_traces,
            kept_sessions=self._kept_sessions,
            shares_port=shares_ports,
        )
        metrics.JSON_WAITING.set_function(lambda: self._json_orders.pending_count)
        self._expirer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the doors. The catalogue must be caught up."""
        self._track_listed()
        self._expirer = background.start(self._expire(), "answers in time")
        await self.balances.start()
        await self._countdowns.start()
        await self._kept_sessions.start()
        await self.rest.start()
        await self.websocket.start()

    async def stop(self) -> None:
        """Close the doors."""
        await self.websocket.stop()
        await self._kept_sessions.stop()
        await self.rest.stop()
        await self._older_trades.stop()
        if self.history is not None:
            await self.history.close()
        await self.balances.stop()
        await self._countdowns.stop()
        await background.stop(self._expirer)

    def health(self) -> dict[str, object]:
        rest, websocket = self.rest.health(), self.websocket.health()
        return {
            "ready": bool(rest["ready"] and websocket["ready"]),
            "rest": rest,
            "websocket": websocket,
            "requests_waiting": self._json_orders.pending_count,
            "requests_timed_out": self._json_orders.timeouts,
        }

    def has_session(self, session_id: int) -> bool:
        """Say whether a command's session is the one of this gateway's JSON clients."""
        return session_id == self._session_id

    def announce(self, maintenance: Maintenance, now_ns: int) -> None:
        """Tell every WebSocket client of a maintenance."""
        self.websocket.announce(server_shutdown(maintenance, now_ns))

    def on_record(self, record: Record, reports: list[Report]) -> None:
        """Take a record in, after `Orders` has."""
        if record.session_id == self._session_id:
            self._json_orders.on_record(record, reports)
        if self._user_streams.has_listeners:
            self._user_streams.on_record(record, reports)

    def on_refused(self, refusal: Refusal) -> None:
        """Take in that the matching process did not execute a command."""
        if refusal.session_id == self._session_id:
            why = refusal.text if refusal.code is RefusalCode.NOT_NOW else None
            self._json_orders.on_refused(refusal.session_number, why)

    def on_market_update(self, kind: str, symbol: str, message: Message) -> None:
        """Take a change of the market feed in; this is `MarketFeed`'s `on_update`."""
        self.websocket.on_market_update(kind, symbol, message)

    def flush(self) -> None:
        """Write what a batch of records brought, and ask for the funds that it changed."""
        if len(self._listed) > self._tracked:
            self._track_listed()
        touched = self._user_streams.touched
        while touched:
            account_id, asset_ids = touched.popitem()
            self.balances.ask(account_id, partial(self._tell, account_id, asset_ids))
        if self.websocket.flushes_soon:
            self.websocket.flush()

    def _track_listed(self) -> None:
        for symbol in islice(self._listed, self._tracked, None):
            self._feed.track(symbol)
        self._tracked = len(self._listed)

    def _tell(self, account_id: int, asset_ids: set[int], found: list[Balance] | ApiError) -> None:
        if not isinstance(found, ApiError):
            changed = [each for each in found if each.asset.asset_id in asset_ids]
            event = account_position(changed, time.time_ns() // 1_000_000)
            self._user_streams.publish(account_id, encode(event))

    def _submit(self, command: Command) -> None:
        try:
            self._matching.submit(command)
        except MatchingUnavailable:
            raise ApiError(
                ErrorCode.SERVER_BUSY,
                "Server is currently overloaded with other requests. Please try again.",
            ) from None

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(EXPIRE_INTERVAL_S)
            before = self._json_orders.timeouts
            now_ns = time.time_ns()
            self._json_orders.expire(now_ns)
            metrics.JSON_TIMEOUTS.inc(self._json_orders.timeouts - before)


def _open_history(url: str | None) -> TradeHistory | None:
    if url is None:
        return None
    from gateway.edge.dynamo_history import DynamoHistory  # with all of boto3

    return DynamoHistory(url)
