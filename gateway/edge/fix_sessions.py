"""All order-entry sessions of this gateway, logged on or not, and their files."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from gateway.edge.sent_messages import SentMessages
from gateway.fix.session import SessionSettings
from gateway.fix_order_flow import Identity, Matching, OrderFlow
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.orders import Report, ReportKind
from vocabulary.codec import Record

SERVICE = "order_entry"
SESSIONS_MAX = 4_000
SESSIONS_PER_ACCOUNT_MAX = 100
COMP_ID_BYTES_MAX = 64


class TooManySessionsError(Exception):
    """No further session can be made; the text is fit for the peer's eyes."""


class FixSessions:
    """Keeps one `OrderFlow` for each session, and gives each its reports.

    A session's files are in a directory of its own, named by account and SenderCompID(49), so that
    after a restart reports find the sessions that have not logged on again yet.
    """

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
        self._directory = directory / SERVICE
        self._settings = settings
        self._order_entry = order_entry
        self._orders = orders
        self._matching = matching
        self._rate_per_s = rate_per_s
        self._flows: dict[int, OrderFlow] = {}
        self._stores: list[SentMessages] = []
        self._sessions_of: Counter[int] = Counter()
        self._touched: set[OrderFlow] = set()

    def __len__(self) -> int:
        return len(self._flows)

    def open_known(self, now_ns: int) -> None:
        """Open every session that ever logged on."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._directory.iterdir()):
            account, _, comp_id = path.name.partition("-")
            self._open(Identity(int(account), unquote_to_bytes(comp_id)), now_ns)

    def open(self, identity: Identity, now_ns: int) -> OrderFlow:
        """Return a session; make it if it is new. Raises `TooManySessionsError`."""
        flow = self._flows.get(session_id_of(identity))
        if flow is not None:
            return flow
        if not 0 < len(identity.sender_comp_id) <= COMP_ID_BYTES_MAX:
            raise TooManySessionsError(f"SenderCompID(49) is longer than {COMP_ID_BYTES_MAX}")
        if (
            len(self._flows) >= SESSIONS_MAX
            or self._sessions_of[identity.account_id] >= SESSIONS_PER_ACCOUNT_MAX
        ):
            raise TooManySessionsError("too many sessions")
        return self._open(identity, now_ns)

    def close(self) -> None:
        for store in self._stores:
            store.close()

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

    def _open(self, identity: Identity, now_ns: int) -> OrderFlow:
        name = f"{identity.account_id}-{quote(identity.sender_comp_id, safe='')}"
        store = SentMessages(self._directory / name, now_ns)
        session_id = session_id_of(identity)
        flow = OrderFlow(
            identity,
            session_id,
            store,
            self._settings,
            order_entry=self._order_entry,
            orders=self._orders,
            matching=self._matching,
            rate_per_s=self._rate_per_s,
        )
        self._stores.append(store)
        self._flows[session_id] = flow
        self._sessions_of[identity.account_id] += 1
        return flow


def session_id_of(identity: Identity) -> int:
    """Return the number, below 2 ** 63, by which the matching process knows a session."""
    name = b"fix|%d|%b|%b" % (identity.account_id, identity.sender_comp_id, SERVICE.encode())
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "little") >> 1
