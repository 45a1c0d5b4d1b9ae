"""All order-entry sessions of this gateway: each gets its reports, also while it is away."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from gateway.auth import Identity
from gateway.edge.sent_messages import SentMessages
from gateway.edge.stored_sessions import StoredSessions
from gateway.fix.events import LogonReceived
from gateway.fix.session import SessionSettings
from gateway.fix_order_flow import Matching, OrderFlow
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.orders import Report, ReportKind
from vocabulary.codec import Record


class FixSessions:
    """Keeps one `OrderFlow` for each session, and gives each its reports."""

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
    ) -> None:
        make_flow = partial(
            OrderFlow,
            order_entry=order_entry,
            orders=orders,
            matching=matching,
            rate_per_s=rate_per_s,
        )

        def make(identity: Identity, session_id: int, store: SentMessages) -> OrderFlow:
            return make_flow(identity, session_id, store, settings)

        self._sessions = StoredSessions(directory, self.name, make)
        self._flows = self._sessions.flows
        self._touched: set[OrderFlow] = set()

    def __len__(self) -> int:
        return len(self._flows)

    def open_known(self, now_ns: int) -> None:
        """Open every session that ever logged on."""
        self._sessions.open_known(now_ns)

    def check(self, logon: LogonReceived) -> None:
        """Take any Logon(A)."""

    def open(self, identity: Identity, now_ns: int) -> OrderFlow:
        """Return a session; make it if it is new. Raises `NoSessionError`."""
        return self._sessions.open(identity, now_ns)

    def close(self) -> None:
        self._sessions.close()

    def on_record(self, record: Record, reports: list[Report], now_ns: int) -> None:
        """Give a record's reports to the sessions they belong to, and its requester its answer."""
        command = record.command
        requester = self._flows.get(command.session_id)
        for report in reports:
            if requester is not None and report.is_requester:
                requester.deliver(report, now_ns)
            if report.order is None or report.kind is ReportKind.REPEATED:
                continue
            owner = self._flows.get(report.order.session_id)
            if owner is not None and (owner is not requester or not report.is_requester):
                owner.deliver(report.unsolicited(), now_ns)
                self._touched.add(owner)
        if requester is not None:
            requester.acknowledge(command.session_number, now_ns)
            self._touched.add(requester)

    def on_repeated(self, record: Record, now_ns: int) -> None:
        """Acknowledge a request that had been done before; its reports are delivered."""
        flow = self._flows.get(record.command.session_id)
        if flow is not None:
            flow.acknowledge(record.command.session_number, now_ns)
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
