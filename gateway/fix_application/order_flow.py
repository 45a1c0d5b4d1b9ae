"""One FIX session's orders, over all its connections.

A session is an account, a SenderCompID(49) and a service. Its connections come and go; this stays,
so that reports find their way while nobody is logged on, and no request is done twice.

Exactly once
------------
A request's number in the matching process is made of the store's epoch and its MsgSeqNum(34), so a
resent one is known there. Requests wait in `_pending` until their record is back; whatever is
answered here (refusals, status requests) waits its turn among them. Only then is a number taken:
after a crash the next logon asks for all that was not, and what had been done is not done again.
Where the store was lost, or is an older copy, the records tell which epochs have been used: the
next one begins behind them, or new requests would be taken for those that had their numbers.

A report's watermark is its place in the journal. The store keeps it with the message, so records
that come again after a restart make only the messages that are missing.

While the matching process is away
----------------------------------
New requests are refused with BusinessMessageReject(j), Application not available: an order that lay
waiting would meet another market than its sender saw. Those on their way are unknown until it is
back; they are answered then, and before what came behind them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Protocol

from gateway.auth import Identity
from gateway.fix import tags, values
from gateway.fix.codec import Decoder, FixMessage
from gateway.fix.session import Session, SessionSettings
from gateway.fix.store import SessionStore
from gateway.fix.timestamps import parse_utc_timestamp
from gateway.fix_application import limits as fix_limits
from gateway.fix_application import list_requests as fix_list_requests
from gateway.fix_application import list_status as fix_list_status
from gateway.fix_application import mass_cancels as fix_mass_cancels
from gateway.fix_application import mass_status as fix_mass_status
from gateway.fix_application import orders as fix_orders
from gateway.fix_application import reports as fix_reports
from gateway.fix_application.delivery import deliver, deliver_message, watermark_of
from gateway.fix_application.post_trade import POST_TRADE_REQUESTS, PostTrade
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.orders import Report, ReportKind
from gateway.throttle import Throttle, Throttled
from matching.client import MatchingUnavailable
from vocabulary.codec import Record
from vocabulary.commands import CancelAllOrders, Command, ReplaceOrder
from vocabulary.rejects import Refused, RejectReason

PENDING_MAX = 8_192
"""How many requests of a session may be without an answer before it is read no further.

The matching process remembers more of a session's numbers than this.
"""

EPOCH_SHIFT = 32
_MSG_SEQ_NUM_MASK = 2**32 - 1
_COMMANDS: dict[bytes, Callable[[FixMessage, OrderEntry, int, int, int], Command]] = {
    fix_orders.NEW_ORDER_SINGLE: fix_orders.command,
    fix_orders.ORDER_CANCEL_REQUEST: fix_orders.command,
    fix_orders.ORDER_CANCEL_REPLACE_REQUEST: fix_orders.command,
    fix_mass_cancels.ORDER_MASS_CANCEL_REQUEST: fix_mass_cancels.command,
    fix_list_requests.NEW_ORDER_LIST: fix_list_requests.command,
}
"""What makes commands, by MsgType(35); but for those that need to know the orders."""

_BUSINESS_REASONS = {RejectReason.UNKNOWN_INSTRUMENT: values.BusinessRejectReason.UNKNOWN_SECURITY}
_CANCELS = {
    fix_orders.ORDER_CANCEL_REQUEST,
    fix_mass_cancels.ORDER_MASS_CANCEL_REQUEST,
    fix_list_requests.LIST_CANCEL_REQUEST,
}

Reply = Callable[[int], None]  # given the time in UTC nanoseconds


class Matching(Protocol):
    """What is needed of `matching.client.MatchingClient`."""

    connected: bool

    def submit(self, command: Command) -> None: ...


class _Pending:
    """A request without an answer: what came, and the answer, or None until the record is back.

    Its bytes, not the message: thousands of those at once would leave the processor's cache.
    """

    def __init__(self, msg_seq_num: int, raw: bytes, reply: Reply | None) -> None:
        self.msg_seq_num = msg_seq_num
        self.raw = raw
        self.reply = reply


class OrderFlow:
    """Takes a session's requests, and gives it its reports. Times are UTC nanoseconds.

    `on_refused` hears the reason of each request that is refused here.
    """

    def __init__(
        self,
        identity: Identity,
        session_id: int,
        store: SessionStore,
        settings: SessionSettings,
        *,
        order_entry: OrderEntry,
        orders: Orders,
        matching: Matching,
        rate_per_s: int,
        on_refused: Callable[[str], None] = lambda _reason: None,
        post_trade: PostTrade | None = None,
    ) -> None:
        self.identity = identity
        self.session_id = session_id
        self.store = store
        self.session: Session | None = None
        self._flush = store.flush
        self._settings = settings
        self._order_entry = order_entry
        self._orders = orders
        self._matching = matching
        self._throttle = Throttle(rate_per_s)
        self._on_refused = on_refused
        self._post_trade = post_trade
        self._submitted_number = 0
        self._pending: deque[_Pending] = deque()
        self._done = 0  # the last request that the matching process has done, of this connection's
        self._told_in_slices: Iterator[bytes] | None = None

    @property
    def is_telling(self) -> bool:
        """Whether an answer goes on: `tell_more` tells its next slice."""
        return self._told_in_slices is not None

    @property
    def is_full(self) -> bool:
        return len(self._pending) >= PENDING_MAX

    def attach(self, session: Session, flush: Callable[[], None]) -> None:
        """Use a connection's session, which has the store; `flush` writes what it has to send."""
        self.session = session
        self._flush = flush

    def detach(self) -> None:
        """Forget the connection. What is pending was not taken, and is asked for again."""
        self.session = None
        self._flush = self.store.flush
        self._pending.clear()
        self._told_in_slices = None
        self._done = 0
        if self._post_trade is not None:
            self._post_trade.forget(self)

    def limit_rate(self, rate_per_s: int) -> None:
        """Take so many orders a second from now on."""
        self._throttle = Throttle(rate_per_s)

    def flush(self) -> None:
        """Let go of what has gathered: to the peer, or to the store alone."""
        self._flush()

    # Requests

    def receive(self, message: FixMessage, now_ns: int) -> None:
        """Take an application message in, also the last ones of a connection that has ended.

        Without a connection nothing can be answered here: what isn't a command comes again.
        """
        reply = self._ask(message, now_ns)
        if self.session is not None:
            self._pending.append(_Pending(message.msg_seq_num, message.raw, reply))
            if reply is not None:
                self._answer(0, now_ns)

    def acknowledge(self, session_number: int, now_ns: int) -> None:
        """Learn that the matching process has done a request, whose reports are all delivered."""
        self._submitted_number = max(self._submitted_number, session_number)
        epoch = session_number >> EPOCH_SHIFT
        if epoch != self.store.epoch:
            self.store.note_epoch(epoch)
            return
        msg_seq_num = session_number & _MSG_SEQ_NUM_MASK
        if self.session is not None:
            self._answer(msg_seq_num, now_ns)
        elif msg_seq_num == self.store.next_target_msg_seq_num:
            self.store.set_next_target(msg_seq_num + 1)

    def refuse(self, session_number: int, text: str, now_ns: int) -> None:
        """Learn that the matching process took a request for none, or has forgotten its number."""
        reason = values.BusinessRejectReason.OTHER
        for pending in self._pending:
            if pending.reply is None and self._number(pending.msg_seq_num) == session_number:
                [message] = Decoder().receive_data(pending.raw)
                pending.reply = partial(self._reject, message, reason, text)
                self._answer(0, now_ns)
                return

    def _ask(self, message: FixMessage, now_ns: int) -> Reply | None:
        """Submit what a message asks for; otherwise return its answer, to be given in its turn."""
        make_command = _COMMANDS.get(message.msg_type)
        if make_command is None:
            if message.msg_type != fix_list_requests.LIST_CANCEL_REQUEST:
                return self._answer_to(message)
            entering = self._requests_under_way(fix_list_requests.NEW_ORDER_LIST)
            make_command = partial(fix_list_requests.cancel, self._orders, entering)
        number = self._number(message.msg_seq_num)
        try:
            # What had been submitted before may have been done: only the record can answer it.
            if number > self._submitted_number:
                if _is_too_late(message, now_ns):
                    text = "SendingTime(52) is older than RecvWindow(25000) allows"
                    return partial(self._refuse, message, None, text)
                self._check_limits(message, now_ns)
            command = make_command(
                message, self._order_entry, self.session_id, number, self.identity.account_id
            )
            if type(command) is ReplaceOrder:
                command = fix_orders.counting_undone(command, self._orders)
            self._matching.submit(command)
        except Refused as refused:
            return partial(self._refuse, message, refused.reason, refused.text)
        except Throttled as throttled:
            return partial(self._refuse, message, None, throttled.text)
        except MatchingUnavailable:
            return partial(
                self._reject,
                message,
                values.BusinessRejectReason.APPLICATION_NOT_AVAILABLE,
                "the matching process is not available, nothing was done",
            )
        self._submitted_number = max(self._submitted_number, number)
        return None

    def _answer_to(self, message: FixMessage) -> Reply:
        """Return the answer to what needs no command."""
        if message.msg_type == fix_orders.ORDER_STATUS_REQUEST:
            return partial(self._tell_status, message)
        if message.msg_type == fix_mass_status.ORDER_MASS_STATUS_REQUEST:
            return partial(self._tell_mass_status, message)
        if message.msg_type == fix_list_requests.LIST_STATUS_REQUEST:
            return partial(self._tell_list_status, message, "")
        if message.msg_type == fix_limits.LIMIT_QUERY:
            return partial(self._tell_limits, message)
        if message.msg_type in POST_TRADE_REQUESTS and self._post_trade is not None:
            return partial(self._post_trade.answer, self, message)
        return partial(
            self._reject,
            message,
            values.BusinessRejectReason.UNSUPPORTED_MESSAGE_TYPE,
            "Unsupported Message Type",
        )

    def _check_limits(self, message: FixMessage, now_ns: int) -> None:
        if message.msg_type in _CANCELS:
            self._throttle.take_cancel(now_ns)
        elif message.msg_type == fix_list_requests.NEW_ORDER_LIST:
            self._throttle.take_orders(now_ns, int(message.get(tags.NoOrders) or b"0"))
        else:
            self._throttle.take_order(now_ns)
        if not self._matching.connected:
            raise MatchingUnavailable

    def _answer(self, done: int, now_ns: int) -> None:
        """Answer in turn, given that the requests up to the number `done` have been done."""
        self._done = max(self._done, done)
        if self._told_in_slices is None:
            self._answer_next(now_ns)

    def _answer_next(self, now_ns: int) -> None:
        pending, done = self._pending, self._done
        taken = 0
        while pending:
            first = pending[0]
            if first.reply is not None:
                first.reply(now_ns)
                if self._told_in_slices is not None:
                    break
            elif first.msg_seq_num > done:
                break
            taken = first.msg_seq_num
            pending.popleft()
        if taken:
            assert self.session is not None
            self.session.taken(taken)
        if self._told_in_slices is not None:
            self.tell_more(now_ns)

    def tell_more(self, now_ns: int) -> None:
        """Tell the next slice of a long answer; behind the last one what waits has its turn."""
        if self._told_in_slices is None:
            return
        bodies = list(islice(self._told_in_slices, fix_mass_status.SLICE))
        for body in bodies:
            self._send(fix_reports.EXECUTION_REPORT, body, now_ns)
        if len(bodies) < fix_mass_status.SLICE:
            self._told_in_slices = None
            told = self._pending.popleft()
            assert self.session is not None
            self.session.taken(told.msg_seq_num)
            self._answer(0, now_ns)

    def _requests_under_way(self, msg_type: bytes) -> Iterator[FixMessage]:
        """Yield the requests of a type whose records are not back, the newest first."""
        beginning = b"\x0135=%b\x01" % msg_type
        for pending in reversed(self._pending):
            if pending.reply is None and beginning in pending.raw:
                yield from Decoder().receive_data(pending.raw)

    def _number(self, msg_seq_num: int) -> int:
        return (self.store.epoch << EPOCH_SHIFT) | msg_seq_num

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


def _is_too_late(message: FixMessage, now_ns: int) -> bool:
    """Say whether a request came later than its sender wants it done."""
    window_ms = message.get(tags.RecvWindow)
    if window_ms is None:
        return False
    sent_ns = parse_utc_timestamp(message.get(tags.SendingTime) or b"")
    return now_ns - sent_ns > float(window_ms) * 1_000_000
