"""All order-entry sessions of this gateway: each gets its reports, also while it is away."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import partial
from itertools import count
from pathlib import Path

import structlog

from gateway.auth import Identity
from gateway.cancel_on_disconnect import Scope, Terms, Watch, terms_of
from gateway.edge import metrics
from gateway.edge.fix_post_trade import FixPostTrade
from gateway.edge.fix_service import NoSessionError
from gateway.edge.sent_messages import SentMessages
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
from vocabulary.commands import CancelAllOrders
from vocabulary.types import OrderFlags

CANCEL_FILE = "cancel_on_disconnect"

log = structlog.get_logger("gateway")


class FixSessions:
    """Keeps one `OrderFlow` for each session; `routes` takes records in, after `Orders` has.

    Who asked for it has its orders canceled when it is gone: also where we were gone first, which
    is what `CANCEL_FILE` beside the session's messages is for.
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

        self._sessions = StoredSessions(directory, self.name, make)
        self._flows = self._sessions.flows
        self._rate_per_s = rate_per_s
        self._orders = orders
        self._matching = matching
        self._watches: dict[OrderFlow, Watch] = {}
        self.routes = ReportRoutes(self._flows, self._watches)
        self._touched = self.routes.touched
        self._own_session_id = secrets.randbits(63)
        self._own_numbers = count(1)

    def __len__(self) -> int:
        return len(self._flows)

    def has_session(self, session_id: int) -> bool:
        return session_id in self._flows

    def open_known(self, now_ns: int) -> None:
        """Open every session that ever logged on."""
        self._sessions.open_known(now_ns)
        for flow in self._flows.values():
            file = self._sessions.directory_of(flow.identity) / CANCEL_FILE
            if file.exists():
                self._watch(flow, Terms.parse(file.read_text()))

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
        flow = self._sessions.open(identity, 0)
        file = self._sessions.directory_of(identity) / CANCEL_FILE
        terms = terms_of(logon.message)
        is_silent = logon.message.get(tags.CancelOnDisconnect) is None
        if is_silent and rule is not None and rule.cancel_on_disconnect:
            terms = Terms(Scope(rule.cancel_on_disconnect), rule.cancel_grace_ms)
        self._watch(flow, terms)
        unfinished = file.with_suffix(".new")
        unfinished.write_text(terms.text())
        unfinished.replace(file)  # whole or as it was: a start must be able to read it

    def tick(self, now_ns: int) -> None:
        """Cancel the orders of who is gone."""
        for flow, watch in self._watches.items():
            if flow.session is not None:
                watch.back()
                continue
            try:
                watch.gone(self._orders, now_ns, self._cancel)
            except MatchingUnavailable:
                return  # nobody trades now; tried again with the next tick

    def open(self, identity: Identity, now_ns: int) -> OrderFlow:
        """Return a session; make it if it is new. Raises `NoSessionError`."""
        flow = self._sessions.open(identity, now_ns)
        used_epoch = self.routes.used_epochs.pop(flow.session_id, 0)
        if used_epoch:  # its files were lost, or are another gateway's
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

    def _watch(self, flow: OrderFlow, terms: Terms) -> None:
        self._watches[flow] = Watch(terms, flow.session_id, flow.identity.account_id)

    def _cancel(self, account_id: int, session_id: int, flags: OrderFlags) -> None:
        """Submit the cancel of what a session has entered, or (0) an account, in one of our own.

        Of these the orders that have some flags.
        """
        log.info("orders canceled, their session is gone", account_id=account_id)
        session = self._own_session_id, next(self._own_numbers)
        chosen = CancelAllOrders(*session, account_id, 0, b"", entered_by=session_id, flags=flags)
        self._matching.submit(chosen)
