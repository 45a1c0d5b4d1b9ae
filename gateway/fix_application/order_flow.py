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
from gateway.fix.session import SessionSettings
from gateway.fix.store import SessionStore
from gateway.fix.timestamps import parse_utc_timestamp
from gateway.fix_application import limits as fix_limits
from gateway.fix_application import list_requests as fix_list_requests
from gateway.fix_application import mass_cancels as fix_mass_cancels
from gateway.fix_application import mass_status as fix_mass_status
from gateway.fix_application import orders as fix_orders
from gateway.fix_application import reports as fix_reports
from gateway.fix_application.plain_orders import PlainOrders
from gateway.fix_application.post_trade import POST_TRADE_REQUESTS, PostTrade
from gateway.fix_application.session_answers import EPOCH_SHIFT, SessionAnswers
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.throttle import Throttled
from matching.client import MatchingUnavailable
from vocabulary.commands import Command, ReplaceOrder
from vocabulary.rejects import Refused

PENDING_MAX = 8_192
"""How many requests of a session may be without an answer before it is read no further.

The matching process remembers more of a session's numbers than this.
"""

_MSG_SEQ_NUM_MASK = 2**32 - 1
_COMMANDS: dict[bytes, Callable[[FixMessage, OrderEntry, int, int, int], Command]] = {
    fix_orders.NEW_ORDER_SINGLE: fix_orders.command,
    fix_orders.ORDER_CANCEL_REQUEST: fix_orders.command,
    fix_orders.ORDER_CANCEL_REPLACE_REQUEST: fix_orders.command,
    fix_mass_cancels.ORDER_MASS_CANCEL_REQUEST: fix_mass_cancels.command,
    fix_list_requests.NEW_ORDER_LIST: fix_list_requests.command,
}
"""What makes commands, by MsgType(35); but for those that need to know the orders."""

_CANCELS = {
    fix_orders.ORDER_CANCEL_REQUEST,
    fix_mass_cancels.ORDER_MASS_CANCEL_REQUEST,
    fix_list_requests.LIST_CANCEL_REQUEST,
}

# What every message asks after, under names that compile to C.
_NEW_ORDER_SINGLE = fix_orders.NEW_ORDER_SINGLE
_ORDER_CANCEL_REQUEST = fix_orders.ORDER_CANCEL_REQUEST
_ORDER_CANCEL_REPLACE_REQUEST = fix_orders.ORDER_CANCEL_REPLACE_REQUEST
_EPOCH_SHIFT = EPOCH_SHIFT
Reply = Callable[[int], None]  # given the time in UTC nanoseconds


class Matching(Protocol):
    """What is needed of `matching.client.MatchingClient`."""

    @property
    def connected(self) -> bool: ...

    @property
    def room(self) -> int: ...

    def submit(self, command: Command) -> None: ...

    def submit_packed(self, session_id: int, commands: list[bytes]) -> None: ...


class _Pending:
    """A request without an answer: what came, and the answer, or None until the record is back.

    Its bytes, not the message: thousands of those at once would leave the processor's cache.
    """

    def __init__(self) -> None:
        self.msg_seq_num = 0
        self.raw = b""
        self.reply: Reply | None = None


class OrderFlow(SessionAnswers):
    """Takes a session's requests, and gives it its reports. Times are UTC nanoseconds."""

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
        super().__init__(identity, session_id, store, settings, orders, rate_per_s, on_refused)
        self._order_entry = order_entry
        self._matching = matching
        self._post_trade = post_trade
        self._submitted_number = 0
        self._pending: deque[_Pending] = deque()
        self._replies = 0  # how many of those that are pending have their answer
        self._done = 0  # the last request that the matching process has done, of this connection's
        self._plain = PlainOrders(orders.catalogue, session_id, identity.account_id)
        self._packed: list[bytes] = []  # of the messages that are being received

    @property
    def is_full(self) -> bool:
        return len(self._pending) >= PENDING_MAX

    def detach(self) -> None:
        """Forget the connection. What is pending was not taken, and is asked for again."""
        self.session = None
        self._flush = self.store.flush
        self._pending.clear()
        self._replies = 0
        self._told_in_slices = None
        self._done = 0
        if self._post_trade is not None:
            self._post_trade.forget(self)

    # Requests

    def receive_all(self, messages: list[FixMessage], now_ns: int) -> None:
        """Take application messages in, also the last ones of a connection that has ended.

        Without a connection nothing can be answered here: what isn't a command comes again.
        """
        room = self._matching.room if self._matching.connected else 0
        first_number = self._number(0)
        for message in messages:
            if len(self._packed) < room and self._pack(message, first_number, now_ns):
                self._wait(message, None)
                continue
            self._submit_packed()  # it came before this one
            reply = self._ask(message, now_ns)
            self._wait(message, reply)
            if reply is not None and self.session is not None:
                self._answer(now_ns)
            room = self._matching.room if self._matching.connected else 0
        self._submit_packed()

    def _wait(self, message: FixMessage, reply: Reply | None) -> None:
        if self.session is not None:
            pending = _Pending()
            pending.msg_seq_num = message.msg_seq_num
            pending.raw = message.raw
            pending.reply = reply
            self._pending.append(pending)
            self._replies += reply is not None

    def _pack(self, message: FixMessage, first_number: int, now_ns: int) -> bool:
        """Have a plain request submitted with those beside it; say whether it was one.

        What isn't, or what its session's rate refuses, is for `_ask`.
        """
        number = first_number | message.msg_seq_num
        msg_type = message.msg_type
        bucket = self._throttle.orders
        command = None
        if number <= self._submitted_number:
            return False
        if msg_type == _NEW_ORDER_SINGLE:
            command = self._plain.enter_order(message, number)
        elif msg_type == _ORDER_CANCEL_REQUEST:
            command = self._plain.cancel_order(message, number)
            bucket = self._throttle.cancels
        elif msg_type == _ORDER_CANCEL_REPLACE_REQUEST and not self._was_undone(message):
            command = self._plain.replace_order(message, number)
        if command is None or bucket.take(now_ns, 1):
            return False
        self._packed.append(command)
        self._submitted_number = number
        return True

    def _was_undone(self, message: FixMessage) -> bool:
        """Say whether trades of the order that a G is about were busted: see `counting_undone`."""
        order = fix_orders.named_order(message, self._orders, self.identity.account_id)
        return order is not None and order.undone_lots != 0

    def _submit_packed(self) -> None:
        if self._packed:
            packed, self._packed = self._packed, []
            self._matching.submit_packed(self.session_id, packed)

    def acknowledge(self, session_number: int, now_ns: int) -> None:
        """Learn that the matching process has done a request, whose reports are all delivered.

        It counts as taken with the next `flush`, together with others; or at once, if answers wait
        for their turn.
        """
        self._submitted_number = max(self._submitted_number, session_number)
        if self.session is None and not self.store.is_held:
            self.store.defer(0, partial(self.acknowledge, session_number))
            return
        epoch = session_number >> _EPOCH_SHIFT
        if epoch != self.store.epoch:
            self.store.note_epoch(epoch)
            return
        msg_seq_num = session_number & _MSG_SEQ_NUM_MASK
        if self.session is not None:
            self._done = max(self._done, msg_seq_num)
            if self._replies:
                self._answer(now_ns)
        elif msg_seq_num == self.store.next_target_msg_seq_num:
            self.store.set_next_target(msg_seq_num + 1)

    def refuse(self, session_number: int, text: str, now_ns: int) -> None:
        """Learn that the matching process took a request for none, or has forgotten its number."""
        reason = values.BusinessRejectReason.OTHER
        for pending in self._pending:
            if pending.reply is None and self._number(pending.msg_seq_num) == session_number:
                [message] = Decoder().receive_data(pending.raw)
                pending.reply = partial(self._reject, message, reason, text)
                self._replies += 1
                self._answer(now_ns)
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

    def flush(self) -> None:
        """Let go of what has gathered: to the peer, or to the store alone."""
        if self.session is not None and not self._replies:
            self._answer(0)  # nothing is told that would need the time
        self._flush()

    def _answer(self, now_ns: int) -> None:
        """Answer in turn, as far as what came before has been done."""
        if self._told_in_slices is None:
            self._answer_next(now_ns)

    def _answer_next(self, now_ns: int) -> None:
        pending = self._pending
        taken = 0
        while pending:
            first = pending[0]
            if first.reply is not None:
                first.reply(now_ns)
                if self._told_in_slices is not None:
                    break
                self._replies -= 1
            elif first.msg_seq_num > self._done:
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
            self._replies -= 1
            assert self.session is not None
            self.session.taken(told.msg_seq_num)
            self._answer(now_ns)

    def _requests_under_way(self, msg_type: bytes) -> Iterator[FixMessage]:
        """Yield the requests of a type whose records are not back, the newest first."""
        beginning = b"\x0135=%b\x01" % msg_type
        for pending in reversed(self._pending):
            if pending.reply is None and beginning in pending.raw:
                yield from Decoder().receive_data(pending.raw)


def _is_too_late(message: FixMessage, now_ns: int) -> bool:
    """Say whether a request came later than its sender wants it done."""
    window_ms = message.get(tags.RecvWindow)
    if window_ms is None:
        return False
    sent_ns = parse_utc_timestamp(message.get(tags.SendingTime) or b"")
    return now_ns - sent_ns > float(window_ms) * 1_000_000
