"""What one FIX session is told: reports of records, and answers that need no record.

What is told while nobody is logged on is numbered and kept for the next logon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.auth import Identity
from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.session import Session, SessionSettings
from gateway.fix.store import SessionStore
from gateway.fix_application import limits as fix_limits
from gateway.fix_application import list_requests as fix_list_requests
from gateway.fix_application import list_status as fix_list_status
from gateway.fix_application import mass_cancels as fix_mass_cancels
from gateway.fix_application import mass_status as fix_mass_status
from gateway.fix_application import orders as fix_orders
from gateway.fix_application import reports as fix_reports
from gateway.fix_application.delivery import deliver, deliver_message, watermark_of
from gateway.order_tracker import Orders
from gateway.orders import Report, ReportKind
from gateway.throttle import Throttle, Throttled
from vocabulary.codec import Record
from vocabulary.commands import CancelAllOrders
from vocabulary.rejects import Refused, RejectReason

EPOCH_SHIFT = 32
_EPOCH_SHIFT = EPOCH_SHIFT
_BUSINESS_REASONS = {RejectReason.UNKNOWN_INSTRUMENT: values.BusinessRejectReason.UNKNOWN_SECURITY}


class SessionAnswers:
    """The half of an `OrderFlow` that speaks. Times are UTC nanoseconds.

    `on_refused` hears the reason of each request that is refused here.
    """

    def __init__(
        self,
        identity: Identity,
        session_id: int,
        store: SessionStore,
        settings: SessionSettings,
        orders: Orders,
        rate_per_s: int,
        on_refused: Callable[[str], None],
    ) -> None:
        self.identity = identity
        self.session_id = session_id
        self.store = store
        self.session: Session | None = None
        self._flush = store.flush
        self._settings = settings
        self._orders = orders
        self._throttle = Throttle(rate_per_s)
        self._on_refused = on_refused
        self._told_in_slices: Iterator[bytes] | None = None

    @property
    def is_telling(self) -> bool:
        """Whether an answer goes on: `tell_more` tells its next slice."""
        return self._told_in_slices is not None

    def attach(self, session: Session, flush: Callable[[], None]) -> None:
        """Use a connection's session, which has the store; `flush` writes what it has to send."""
        self.session = session
        self._flush = flush

    def limit_rate(self, rate_per_s: int) -> None:
        """Take so many orders a second from now on."""
        self._throttle = Throttle(rate_per_s)

    def _number(self, msg_seq_num: int) -> int:
        return (self.store.epoch << _EPOCH_SHIFT) | msg_seq_num

    # Reports

    def deliver(self, report: Report, now_ns: int) -> None:
        """Send a report, or keep it for the next logon; but one that has its message already."""
        deliver(
            report,
            self.session,
            self.store,
            self.identity,
            self._settings,
            self._orders.catalogue,
            now_ns,
        )

    def deliver_message(
        self, msg_type: bytes, body: bytes, place: tuple[int, int], now_ns: int
    ) -> None:
        """Likewise, of what a record brings behind its reports: `place` goes on where they end."""
        deliver_message(
            msg_type,
            body,
            watermark_of(*place),
            self.session,
            self.store,
            self.identity,
            self._settings,
            now_ns,
        )

    def mass_canceled(self, record: Record, reports: list[Report], place: int, now_ns: int) -> None:
        """Say how many orders a mass cancel of ours has ended; why none, is said already."""
        command = record.command
        assert isinstance(command, CancelAllOrders)
        if reports and reports[0].kind is ReportKind.CANCEL_REJECTED:
            return
        when = (record.sequence, record.timestamp_ns)
        body = fix_mass_cancels.done(command, len(reports), *when, self._orders.catalogue)
        at = (record.sequence, place)
        self.deliver_message(fix_mass_cancels.ORDER_MASS_CANCEL_REPORT, body, at, now_ns)

    # Answers of our own

    def _tell_status(self, request: FixMessage, now_ns: int) -> None:
        order = fix_orders.named_order(request, self._orders, self.identity.account_id)
        exec_id = self._exec_id(request)
        if order is None or order.instrument.symbol.encode() != request.get(tags.Symbol):
            body = fix_reports.unknown_order_status(request, exec_id, now_ns)
        else:
            body = fix_reports.order_status(order, request, exec_id, now_ns)
        self._send(fix_reports.EXECUTION_REPORT, body, now_ns)

    def _tell_mass_status(self, request: FixMessage, now_ns: int) -> None:
        account_id = self.identity.account_id
        weight = fix_mass_status.weight(self._orders.open_count(account_id))
        try:
            self._throttle.take_orders(now_ns, weight)
            found = fix_mass_status.chosen(request, self._orders, account_id, self.session_id)
        except Refused as refused:
            reason = _BUSINESS_REASONS.get(refused.reason, values.BusinessRejectReason.OTHER)
            self._reject(request, reason, refused.text, now_ns)
        except Throttled as throttled:
            self._reject(request, values.BusinessRejectReason.OTHER, throttled.text, now_ns)
        else:
            exec_id = self._exec_id(request)
            self._told_in_slices = fix_mass_status.reports(request, found, exec_id, now_ns)

    def _tell_list_status(self, request: FixMessage, text: str, now_ns: int) -> None:
        order_list = fix_list_requests.named_list(request, self._orders, self.identity.account_id)
        if order_list is None:
            body = fix_list_status.unknown(request, now_ns)
        else:
            body = fix_list_status.answer(order_list, now_ns, text)
        self._send(fix_list_status.LIST_STATUS, body, now_ns)

    def _tell_limits(self, request: FixMessage, now_ns: int) -> None:
        open_count = self._orders.open_count(self.identity.account_id)
        body = fix_limits.response(request, self._throttle, open_count, now_ns)
        self._send(fix_limits.LIMIT_RESPONSE, body, now_ns)

    def _refuse(
        self, request: FixMessage, reason: RejectReason | None, text: str, now_ns: int
    ) -> None:
        self._on_refused(reason.name if reason is not None else "RATE_OR_RECV_WINDOW")
        if request.msg_type == fix_orders.NEW_ORDER_SINGLE:
            exec_id = self._exec_id(request)
            body = fix_reports.refused_order(request, reason, text, exec_id, now_ns)
            self._send(fix_reports.EXECUTION_REPORT, body, now_ns)
        elif request.msg_type == fix_mass_cancels.ORDER_MASS_CANCEL_REQUEST:
            body = fix_mass_cancels.refused(request, reason, text, now_ns)
            self._send(fix_mass_cancels.ORDER_MASS_CANCEL_REPORT, body, now_ns)
        elif request.msg_type == fix_list_requests.NEW_ORDER_LIST:
            code = fix_reports.ord_rej_reason(reason)
            body = fix_list_status.refused(request, code, text, now_ns)
            self._send(fix_list_status.LIST_STATUS, body, now_ns)
        elif request.msg_type == fix_list_requests.LIST_CANCEL_REQUEST:
            self._tell_list_status(request, text, now_ns)
        else:
            order = fix_orders.named_order(request, self._orders, self.identity.account_id)
            body = fix_reports.refused_change(request, order, reason, text, now_ns)
            self._send(fix_reports.ORDER_CANCEL_REJECT, body, now_ns)

    def _reject(self, request: FixMessage, reason: bytes, text: str, now_ns: int) -> None:
        assert self.session is not None
        names = (
            request.get(tags.ClOrdID),
            request.get(tags.MassStatusReqID),
            request.get(tags.ReqID),
        )
        ref_id = names[0] or names[1] or names[2] or b""
        self.session.send_business_reject(request, reason, text, now_ns, ref_id)

    def _send(self, msg_type: bytes, body: bytes, now_ns: int) -> None:
        assert self.session is not None
        self.session.send_application(msg_type, body, now_ns)

    def _exec_id(self, request: FixMessage) -> bytes:
        # Reports of records are numbered by the journal; this can't be mistaken for one of them.
        return b"%x-%x" % (self.session_id, self._number(request.msg_seq_num))
