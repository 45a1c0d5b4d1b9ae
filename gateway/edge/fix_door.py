"""The doors of FIX clients as the gateway sees them: one object with three services behind."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from gateway.edge.credentials import CredentialStore
from gateway.edge.desk_link import Desk, DeskLink
from gateway.edge.fix_acceptor import FixAcceptor
from gateway.edge.fix_administration import FixAdministration
from gateway.edge.fix_drop_copies import FixDropCopies
from gateway.edge.fix_logons import FixLogons
from gateway.edge.fix_market_sessions import FixMarketSessions
from gateway.edge.fix_post_trade import FixPostTrade
from gateway.edge.fix_service import Service
from gateway.edge.fix_sessions import FixSessions
from gateway.edge.market_feed import MarketFeed
from gateway.edge.order_traces import FeedTraces, OrderTraces
from gateway.edge.tls import Tls, TlsFiles
from gateway.fix.session import SessionSettings
from gateway.fix_application.order_flow import Matching
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.orders import Report
from gateway.session_rules import SessionRules
from vocabulary import events as e
from vocabulary.codec import Record
from vocabulary.market_data import Message

LOGON_TIMEOUT_NS = 10_000_000_000


class FixDoor:
    """Order entry, drop copy and market data, a port each; a port of 0 takes a free one.

    If it `is_shared`, other gateways have the same ports and `directory`. Raises `TlsError`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        host: str,
        ports: tuple[int, int, int],
        comp_id: str,
        tls: TlsFiles | None,
        credentials: CredentialStore,
        desk: Desk,
        order_entry: OrderEntry,
        orders: Orders,
        matching: Matching,
        orders_per_s_max: int,
        feed: MarketFeed,
        post_trade: FixPostTrade,
        traces: OrderTraces | None = None,
        feed_traces: FeedTraces | None = None,
        is_shared: bool = False,
    ) -> None:
        settings = SessionSettings(comp_id.encode(), logon_timeout_ns=LOGON_TIMEOUT_NS)
        self.sessions = FixSessions(
            directory,
            settings,
            order_entry=order_entry,
            orders=orders,
            matching=matching,
            rate_per_s=orders_per_s_max,
            post_trade=post_trade,
            is_shared=is_shared,
        )
        self._is_shared = is_shared
        self._post_trade = post_trade
        self._routes = self.sessions.routes
        self._is_listing_changed = False
        self.drop_copies = FixDropCopies(
            directory, settings, orders.catalogue, post_trade, is_shared=is_shared
        )
        self.market_sessions = FixMarketSessions(
            orders.catalogue,
            feed,
            takes_orders=lambda: matching.connected,
            traces=feed_traces,
        )
        services: tuple[Service, ...] = (self.sessions, self.drop_copies, self.market_sessions)
        self.administration = administration = FixAdministration(
            desk.rules or SessionRules(), services
        )
        self.desk = DeskLink(desk, directory / "session_rules.json", administration)
        self._logons = FixLogons(
            credentials, directory / "used_signatures", settings.sending_time_tolerance_ns
        )
        secured = Tls(tls) if tls is not None else None
        self.order_entry, self.drop_copy, self.market_data = self._acceptors = tuple(
            FixAcceptor(
                host=host,
                port=port,
                settings=settings,
                service=service,
                logons=self._logons,
                administration=administration,
                tls=secured,
                traces=traces,
                shares_port=is_shared,
            )
            for service, port in zip(services, ports, strict=True)
        )

    async def open_known(self) -> None:
        """Open the sessions that ever logged on, before the first record. Raises `OSError`.

        What is to begin at 1 does so here: the records bring reports under the new numbers.
        """
        now_ns = time.time_ns()
        self.sessions.open_known(now_ns)
        self.drop_copies.open_known(now_ns)
        self._logons.start()
        await self.desk.start()

    async def start(self) -> None:
        """Open the doors."""
        for acceptor in self._acceptors:
            await acceptor.start()

    async def stop(self) -> None:
        """Close the doors."""
        await self.desk.stop()
        await asyncio.gather(*(acceptor.stop() for acceptor in self._acceptors))
        await self._post_trade.stop()

    def close(self) -> None:
        """Close the files, after the last record."""
        self.sessions.close()
        self.drop_copies.close()
        self._logons.stop()

    def health(self) -> dict[str, object]:
        return {
            "fix_sessions": sum(acceptor.logged_on for acceptor in self._acceptors),
            "fix_sessions_known": len(self.sessions) + len(self.drop_copies),
            "fix_rules_available": self.desk.is_available,
        }

    def has_session(self, session_id: int) -> bool:
        """Say whether a command's session is one of this gateway's order entry."""
        return self.sessions.has_session(session_id)

    def on_record(self, record: Record, reports: list[Report], now_ns: int) -> None:
        """Take a record in, after `Orders` has."""
        if self._is_shared and self.drop_copies.open_new(now_ns):
            # A copy begins with the first record behind it, at whichever gateway it was made.
            self.administration.rule_new_ones()
        self._routes.on_record(record, reports, now_ns)
        self.drop_copies.last_sequence = record.sequence
        if self.drop_copies.flows_of:
            self.drop_copies.on_record(record, reports, now_ns)
        if self._post_trade.subscriptions:
            self._post_trade.on_record(record, reports, now_ns)

    def on_repeated(self, record: Record, now_ns: int) -> None:
        """Take in that a request had been done before."""
        self.sessions.on_repeated(record, now_ns)

    def on_refused(self, session_id: int, session_number: int, text: str, now_ns: int) -> None:
        """Take in that the matching process took a command for none."""
        self.sessions.on_refused(session_id, session_number, text, now_ns)

    def on_market_update(self, kind: str, symbol: str, message: Message) -> None:
        """Take a change of the market feed in."""
        self.market_sessions.on_update(kind, symbol, message)

    def on_listing(self, event: e.Event) -> None:
        """Take a change of the catalogue in."""
        self._is_listing_changed = True
        self.market_sessions.on_listing(event)

    def flush(self) -> None:
        """Write what a batch of records brought."""
        self.sessions.flush()
        if self.drop_copies.flows_of:
            self.drop_copies.flush()
        if self._is_listing_changed:
            self._is_listing_changed = False
            self.market_sessions.flush()
        self._post_trade.flush()
