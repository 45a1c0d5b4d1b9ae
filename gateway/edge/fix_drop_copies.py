"""All drop-copy sessions of this gateway."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from gateway.auth import Identity
from gateway.edge.fix_post_trade import FixPostTrade
from gateway.edge.sent_messages import SentMessages
from gateway.edge.shared_sessions import SharedSessions
from gateway.edge.stored_sessions import StoredSessions, session_id_of
from gateway.fix.events import LogonReceived
from gateway.fix.session import SessionSettings
from gateway.fix_application import list_status as fix_list_status
from gateway.fix_application.delivery import watermark_of
from gateway.fix_application.drop_copy import DropCopyFlow
from gateway.orders import Report, ReportKind
from gateway.session_rules import SessionRule
from vocabulary.catalogue import Catalogue
from vocabulary.codec import Record
from vocabulary.commands import CancelAllOrders


class FixDropCopies:
    """Keeps one `DropCopyFlow` for each session, and gives each its accounts' reports."""

    name = "drop_copy"
    permission = "read"

    def __init__(
        self,
        directory: Path,
        settings: SessionSettings,
        catalogue: Catalogue,
        post_trade: FixPostTrade | None = None,
        *,
        is_shared: bool = False,
    ) -> None:
        def make(identity: Identity, _session_id: int, store: SentMessages) -> DropCopyFlow:
            flow = DropCopyFlow(identity, store, settings, catalogue, post_trade)
            self.flows_of[identity.account_id].append(flow)
            return flow

        self.flows_of: defaultdict[int, list[DropCopyFlow]] = defaultdict(list)
        """The sessions of each account; where there are none, records need not be given."""
        self._sessions = StoredSessions(directory, self.name, make, is_shared=is_shared)
        self._shared = SharedSessions(self._sessions) if is_shared else None
        self.last_sequence = 0
        """Of the records so far, which the owner notes."""
        self._touched: set[DropCopyFlow] = set()

    def __len__(self) -> int:
        return len(self._sessions.flows)

    def open_known(self, now_ns: int) -> None:
        """Open every session that ever logged on."""
        self._sessions.open_known(now_ns)

    def open_new(self, now_ns: int) -> bool:
        """Open those that other gateways have made; say whether there were any."""
        return self._sessions.open_new(now_ns)

    def check(self, logon: LogonReceived) -> None:
        """Take any Logon(A)."""

    def flows(self) -> Iterable[DropCopyFlow]:
        return self._sessions.flows.values()

    def apply(self, rule: SessionRule) -> None:
        """Let a session copy its own account, and those of its firm that the desk has laid down."""
        flow = self._sessions.flows.get(session_id_of(rule.key[1], self.name))
        if flow is None:
            return
        for flows in self.flows_of.values():
            if flow in flows:
                flows.remove(flow)
        for account_id in {flow.identity.account_id, *rule.copied_accounts}:
            self.flows_of[account_id].append(flow)
        flow.copy_others(rule.copied_accounts, rule.copied_accounts_set_ns)

    def admitted(self, identity: Identity, logon: LogonReceived, rule: SessionRule | None) -> None:
        """Nothing is asked for here."""

    def tick(self, now_ns: int) -> None:
        """Look after what other gateways have, too."""
        if self._shared is not None:
            self._shared.tick(now_ns)

    def open(self, identity: Identity, now_ns: int) -> DropCopyFlow:
        """Return a session; make it if it is new. Raises `NoSessionError`."""
        flow = self._sessions.open(identity, now_ns)
        store = self._sessions.store_of(flow)
        if store.watermark == 0 and store.claim() and store.watermark == 0:
            # After a restart all records come again, and what was before it is not its business.
            store.start_behind(watermark_of(self.last_sequence + 1, -1), now_ns)
        return flow

    def close(self) -> None:
        self._sessions.close()

    def on_record(self, record: Record, reports: list[Report], now_ns: int) -> None:
        """Give a record's reports to the sessions of the accounts that they are about."""
        for report in reports:
            order = report.order
            if report.kind is ReportKind.REPEATED:
                continue
            if order is not None:
                account_id = order.account_id
            elif isinstance(report.command, CancelAllOrders):
                continue  # it was about no order
            else:
                account_id = getattr(report.command, "account_id", 0)
            for flow in self.flows_of.get(account_id, ()):
                flow.deliver(report, account_id, now_ns)
                self._touched.add(flow)
        if any(report.order is not None and report.order.order_list for report in reports):
            self._copy_lists(record, reports, now_ns)

    def _copy_lists(self, record: Record, reports: list[Report], now_ns: int) -> None:
        """Say which lists a record has entered or ended."""
        for place, order_list in enumerate(fix_list_status.changed(record, reports), len(reports)):
            body = fix_list_status.news(order_list, record.timestamp_ns)
            account_id, at = order_list.orders[0].account_id, (record.sequence, place)
            for flow in self.flows_of.get(account_id, ()):
                if flow.copies(account_id, record.timestamp_ns):
                    flow.deliver_message(fix_list_status.LIST_STATUS, body, at, now_ns)
                    self._touched.add(flow)

    def flush(self) -> None:
        """Write what has gathered since the last time, once for each session."""
        for flow in self._touched:
            flow.flush()
        self._touched.clear()
