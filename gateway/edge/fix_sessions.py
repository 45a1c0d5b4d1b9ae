"""All order-entry sessions of this gateway: each gets its reports, also while it is away."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from gateway.auth import Identity
from gateway.cancel_on_disconnect import Scope, Terms, terms_of
from gateway.edge import metrics
from gateway.edge.fix_disconnects import FixDisconnects
from gateway.edge.fix_post_trade import FixPostTrade
from gateway.edge.fix_service import NoSessionError
from gateway.edge.sent_messages import SentMessages
from gateway.edge.shared_sessions import SharedSessions
from gateway.edge.stored_sessions import StoredSessions, session_id_of
from gateway.fix import tags
from gateway.fix.events import LogonReceived
from gateway.fix.session import SessionSettings
from gateway.fix_application.order_flow import Matching, OrderFlow
from gateway.fix_application.report_routes import ReportRoutes
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.session_rules import SessionRule
from matching.client import MatchingUnavailable
from vocabulary.codec import Record


class FixSessions:
    """Keeps one `OrderFlow` for each session; `routes` takes records in, after `Orders` has.

    Where it `is_shared`, other gateways keep the same sessions in the same directory.
    """

    name = "order_entry"
    permission = "trade"

    def __init__(
        self,
        directory: Path,
        settings: SessionSettings,
        *,
        order_entry: OrderEntry,
        orders: Orders,
        matching: Matching,
        rate_per_s: int,
        post_trade: FixPostTrade | None = None,
        is_shared: bool = False,
    ) -> None:
        make_flow = partial(
            OrderFlow,
            order_entry=order_entry,
            orders=orders,
            matching=matching,
            rate_per_s=rate_per_s,
            on_refused=lambda reason: metrics.REJECTS.labels("gateway", reason).inc(),
            post_trade=post_trade,
        )

        def make(identity: Identity, session_id: int, store: SentMessages) -> OrderFlow:
            return make_flow(identity, session_id, store, settings)

        self._sessions = StoredSessions(directory, self.name, make, is_shared=is_shared)
        self._flows = self._sessions.flows
        self._rate_per_s = rate_per_s
        self._disconnects = FixDisconnects(
            orders, matching, lambda flow: self._sessions.directory_of(flow.identity)
        )
        self._shared = (
            SharedSessions(self._sessions, self._while_away, self._disconnects.is_here)
            if is_shared
            else None
        )
        self.routes = ReportRoutes(
            self._flows, self._disconnects.watches, self._open_new if is_shared else _open_none
        )
        self._touched = self.routes.touched

    def __len__(self) -> int:
        return len(self._flows)

    def has_session(self, session_id: int) -> bool:
        return session_id in self._flows

    def open_known(self, now_ns: int) -> None:
        """Open every session that ever logged on."""
        self._sessions.open_known(now_ns)
        for flow in self._flows.values():
            self._disconnects.read(flow)

    def check(self, logon: LogonReceived) -> None:
        """Raise `NoSessionError` if a Logon(A) asks for what can't be."""
        try:
            terms_of(logon.message)
        except ValueError as error:
            raise NoSessionError(str(error)) from None

    def flows(self) -> Iterable[OrderFlow]:
        return self._flows.values()

    def apply(self, rule: SessionRule) -> None:
        """Limit a session's rate as the desk has laid it down."""
        flow = self._flows.get(session_id_of(rule.key[1], self.name))
        if flow is not None:
            flow.limit_rate(rule.orders_per_s or self._rate_per_s)

    def admitted(self, identity: Identity, logon: LogonReceived, rule: SessionRule | None) -> None:
        """Note whether its orders are to be canceled once it is gone. Raises `OSError`."""
        terms = terms_of(logon.message)
        is_silent = logon.message.get(tags.CancelOnDisconnect) is None
        if is_silent and rule is not None and rule.cancel_on_disconnect:
            terms = Terms(Scope(rule.cancel_on_disconnect), rule.cancel_grace_ms)
        self._disconnects.lay_down(self._sessions.open(identity, 0), terms, time.time_ns())

    def tick(self, now_ns: int) -> None:
        """Cancel the orders of who is gone; look after what other gateways have, too."""
        if self._shared is not None:
            self._shared.tick(now_ns)
        else:
            self._disconnects.tick(now_ns)

    def open(self, identity: Identity, now_ns: int) -> OrderFlow:
        """Return a session; make it if it is new. Raises `NoSessionError`."""
        flow = self._sessions.open(identity, now_ns)
        used_epoch = self.routes.used_epochs.pop(flow.session_id, 0)
        if used_epoch and flow.store.claim() and flow.store.epoch <= used_epoch:
            # Its files were lost, or are those of a gateway elsewhere.
            flow.store.note_epoch(used_epoch)
            flow.store.reset(now_ns)
        return flow

    def close(self) -> None:
        self._sessions.close()

    def on_repeated(self, record: Record, now_ns: int) -> None:
        """Acknowledge a request that had been done before; its reports are delivered."""
        flow = self._flows.get(record.session_id)
        if flow is not None:
            flow.acknowledge(record.session_number, now_ns)
            self._touched.add(flow)

    def on_refused(self, session_id: int, session_number: int, text: str, now_ns: int) -> None:
        """Answer a request that the matching process took for none."""
        flow = self._flows.get(session_id)
        if flow is not None:
            flow.refuse(session_number, text, now_ns)
            self._touched.add(flow)

    def flush(self) -> None:
        """Write what has gathered since the last time, once for each session."""
        for flow in self._touched:
            flow.flush()
        self._touched.clear()

    def _open_new(self) -> None:
        self._sessions.open_new(time.time_ns())

    def _while_away(self, flow: OrderFlow, now_ns: int) -> None:
        self._disconnects.read(flow)
        with suppress(MatchingUnavailable):  # nobody trades now; tried again when it is looked at
            self._disconnects.is_gone(flow, now_ns)


def _open_none() -> None:
    """Where no other gateway makes sessions there are none to open."""
