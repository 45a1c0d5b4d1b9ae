"""All market-data sessions of this gateway: they last as long as their connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from gateway.auth import Identity
from gateway.edge.fix_service import NoSessionError
from gateway.edge.market_feed import MarketFeed
from gateway.edge.order_traces import FeedTraces
from gateway.fix.events import LogonReceived
from gateway.fix_application.market_data import MarketData
from gateway.fix_application.market_flow import MarketDataFlow
from gateway.fix_application.reference_data import ReferenceData
from gateway.session_rules import SessionRule
from vocabulary import events as e
from vocabulary.catalogue import Catalogue
from vocabulary.market_data import Message, StatusChanged

SESSIONS_MAX = 1_000


class FixMarketSessions:
    """Keeps one `MarketDataFlow` for each session, and gives each what it has subscribed to."""

    name = "market_data"
    permission = "read"

    def __init__(
        self,
        catalogue: Catalogue,
        feed: MarketFeed,
        takes_orders: Callable[[], bool],
        traces: FeedTraces | None = None,
    ) -> None:
        self._traces = traces
        self._hub = MarketData(catalogue, feed.books, feed.tapes)
        self._reference = ReferenceData(catalogue, feed.statuses, takes_orders)
        self._flows: dict[Identity, MarketDataFlow] = {}
        self._flushing: asyncio.Handle | None = None

    def __len__(self) -> int:
        return len(self._flows)

    def check(self, logon: LogonReceived) -> None:
        """Raise `NoSessionError` unless the numbers begin anew: nothing is kept."""
        if not logon.is_reset:
            raise NoSessionError("market data begin anew: ResetSeqNumFlag(141) must be Y")

    def flows(self) -> Iterable[MarketDataFlow]:
        return self._flows.values()

    def apply(self, rule: SessionRule) -> None:
        """No setting concerns it here."""

    def admitted(self, identity: Identity, logon: LogonReceived, rule: SessionRule | None) -> None:
        """Nothing is asked for here."""

    def tick(self, now_ns: int) -> None:
        """Look whether orders can be taken."""
        self._reference.tick(now_ns)
        self._flush_soon()

    def open(self, identity: Identity, now_ns: int) -> MarketDataFlow:
        """Return a session; make it if it is new. Raises `NoSessionError`."""
        known = self._flows.get(identity)
        if known is not None and known.session is not None:
            return known
        if known is None and len(self._flows) >= SESSIONS_MAX:
            self._flows = {
                each: flow for each, flow in self._flows.items() if flow.session is not None
            }
            if len(self._flows) >= SESSIONS_MAX:
                raise NoSessionError("too many sessions")
        flow = self._flows[identity] = MarketDataFlow(identity, self._hub, self._reference, now_ns)
        return flow

    def on_update(self, kind: str, symbol: str, message: Message) -> None:
        """Take a change of the market feed in; what comes in one turn leaves in one write."""
        if self._traces is not None and self._hub.has_subscribers(symbol):
            self._traces.received(kind, symbol, message)
        now_ns = time.time_ns()
        if isinstance(message, StatusChanged):
            self._reference.on_status(symbol, message, now_ns)
        else:
            self._hub.on_update(kind, symbol, message, now_ns)
        self._flush_soon()

    def on_listing(self, event: e.Event) -> None:
        """Take a change of the catalogue in; `flush` tells it."""
        self._reference.on_listing(event)

    def flush(self) -> None:
        """Tell what a batch of records changed."""
        if self._reference.is_changed:
            self._reference.tell_changes(time.time_ns())
            self._flush_soon()

    def _flush_soon(self) -> None:
        if (self._hub.has_news or self._reference.has_news) and self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = None
        self._hub.flush(time.time_ns())
        self._reference.flush()
        if self._traces is not None:
            self._traces.written()
