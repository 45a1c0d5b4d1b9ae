"""One connection's FIX session, for either role, without sockets, clock or files.

The owner feeds it (`receive_data`, `receive_eof`, `tick`) and after each call takes what came of
it: `events_received`, in order, and `data_to_send`. Input from the peer never raises. Times are
UTC nanoseconds. The ways from state to state are in `states`.

Rules quoted in this package are those of FIX 4.4 vol. 2, by the section's name.
"""

from collections.abc import Iterable
from typing import Self

from gateway.fix import tags
from gateway.fix.codec import Decoder, FixMessage, parse_number
from gateway.fix.events import LoggedOn, LogonReceived
from gateway.fix.logged_on import LoggedOnSession
from gateway.fix.logon import fault_of_logon, is_reset
from gateway.fix.session_core import HEARTBEAT, LOGON, LOGOUT, TEST_REQUEST, text_of
from gateway.fix.settings import SECOND_NS, SessionSettings
from gateway.fix.states import State, Step
from gateway.fix.store import SessionStore
from gateway.fix.timestamps import format_utc_timestamp

__all__ = ["Session", "SessionSettings"]

# What every message asks after: an enumeration takes its time to look up a member.
_IN_SESSION, _RECOVERING, _CLOSED = State.IN_SESSION, State.RECOVERING, State.CLOSED


class Session(LoggedOnSession):
    """An acceptor's session, made when a connection is; `Session.initiator` makes the other."""

    def __init__(self, settings: SessionSettings, now_ns: int) -> None:
        super().__init__(settings, now_ns)
        self._decoder = Decoder(settings.message_bytes_max)
        self._is_initiator = False
        self._logon: FixMessage | None = None
        self._backlog: list[FixMessage] = []
        self._backlog_bytes = 0
        self._heartbeat_interval_ns = settings.heartbeat_interval_s * SECOND_NS
        self._last_received_ns = now_ns
        self._is_test_request_open = False

    @classmethod
    def initiator(cls, settings: SessionSettings, store: SessionStore, now_ns: int) -> Self:
        session = cls(settings, now_ns)
        session._initiate(store, now_ns)
        return session

    def _initiate(self, store: SessionStore, now_ns: int) -> None:
        self._is_initiator = True
        self._use_lasting(store, now_ns)

    def receive_data(self, data: bytes, now_ns: int) -> None:
        if self.state is _CLOSED:
            return
        self._outbound.now_ns = now_ns
        messages = self._decoder.receive_data(data)
        if messages:
            self._last_received_ns = now_ns
            self._is_test_request_open = False
        for message in messages:
            self._receive(message, now_ns)
        if self._decoder.garbled_count and self.state in {State.CONNECTED, State.AWAITING_LOGON}:
            self._close(Step.RULE_BROKEN, "garbled message before Logon(A)")

    def receive_eof(self, now_ns: int) -> None:
        self._outbound.now_ns = now_ns
        if self.state is not State.CLOSED:
            self._close(Step.CONNECTION_LOST, "connection lost")

    def tick(self, now_ns: int) -> None:
        """Do what time asks for; call it every second or more often."""
        self._outbound.now_ns = now_ns
        waited_ns = now_ns - self._state_since_ns
        if self.is_logged_on:
            self._keep_alive(now_ns)
        elif self.state in {State.CONNECTED, State.AWAITING_LOGON}:
            if waited_ns >= self._settings.logon_timeout_ns:
                self._close(Step.TIMED_OUT, "no Logon(A) in time")
        elif self.state is State.LOGGING_OUT and waited_ns >= self._settings.logout_timeout_ns:
            self._close(Step.TIMED_OUT, "no answer to Logout(5)")

    @property
    def garbled_count(self) -> int:
        return self._decoder.garbled_count

    @property
    def last_received_ns(self) -> int:
        """When the peer last said something; at first, when the connection was made."""
        return self._last_received_ns

    def send_logon(self, now_ns: int, fields: Iterable[tuple[int, bytes]] = ()) -> None:
        """Begin, as initiator; `fields` are added to the Logon(A)."""
        settings = self._settings
        if settings.reset_on_logon:
            self._outbound.store.reset(now_ns)
            self._use_lasting(self._outbound.store, now_ns)
        own = [
            (tags.EncryptMethod, b"0"),
            (tags.HeartBtInt, b"%d" % settings.heartbeat_interval_s),
        ]
        if settings.reset_on_logon:
            own.append((tags.ResetSeqNumFlag, b"Y"))
        if settings.username:
            own += [(tags.Username, settings.username), (tags.Password, settings.password)]
        self._step(Step.LOGON_SENT, now_ns)
        self._send(LOGON, [*own, *fields], now_ns)

    def send_test_request(self, test_req_id: bytes, now_ns: int) -> None:
        """Ask the peer for a Heartbeat(0) of its own, whenever it was last heard."""
        self._send(TEST_REQUEST, [(tags.TestReqID, test_req_id)], now_ns)

    def accept_logon(
        self, store: SessionStore, now_ns: int, fields: Iterable[tuple[int, bytes]] = ()
    ) -> bool:
        """Let the peer in; `fields` are added to our Logon(A).

        Return whether the session is on: the connection may have ended while the owner made up its
        mind, and MsgSeqNum(34) may be too low, which closes it.
        """
        logon = self._logon
        if self.state is not State.AUTHENTICATING or logon is None:
            return False
        if is_reset(logon):
            store.reset(now_ns)
        self._use_lasting(store, now_ns)
        if self._is_too_low(logon, now_ns) or self._is_ahead_of_us(logon, now_ns):
            return False
        self._step(Step.LOGON_ACCEPTED, now_ns)
        self._heartbeat_interval_ns = int(logon.get(tags.HeartBtInt) or 0) * SECOND_NS
        answer = [(tags.EncryptMethod, b"0"), (tags.HeartBtInt, logon.get(tags.HeartBtInt) or b"")]
        if is_reset(logon):
            answer.append((tags.ResetSeqNumFlag, b"Y"))
        number = store.next_sender_msg_seq_num
        wanted = _next_expected(logon)
        if wanted:
            gapless = self._inbound.next_expected + (0 if self._comes_early(logon) else 1)
            answer.append((tags.NextExpectedMsgSeqNum, b"%d" % gapless))
        self._send(LOGON, [*answer, *fields], now_ns)
        if 0 < wanted < number:
            self._outbound.resend(wanted, number - 1)
        self._begin(logon, now_ns)
        backlog, self._backlog = self._backlog, []
        for message in backlog:
            self._receive(message, now_ns)
        return True

    def refuse_logon(self, text: str, now_ns: int) -> None:
        """Send Logout(5) with the reason and close; the session's numbers are not touched."""
        if self.state is State.AUTHENTICATING:
            self._send(LOGOUT, [(tags.Text, text.encode())], now_ns)
            self._close(Step.LOGON_REFUSED, text)

    def _receive(self, message: FixMessage, now_ns: int) -> None:
        if self.state is _IN_SESSION or self.state is _RECOVERING:
            self._receive_in_session(message, now_ns)
            return
        match self.state:
            case State.CONNECTED | State.AWAITING_LOGON:
                self._receive_first(message, now_ns)
            case State.AUTHENTICATING:
                self._keep_for_later(message)
            case State.LOGGING_OUT:
                self._receive_while_logging_out(message, now_ns)
            case State.CLOSED:
                pass

    def _receive_first(self, message: FixMessage, now_ns: int) -> None:
        """Take the message that must be a Logon(A).

        "Logon": if the first message is not a valid one, the connection is to be closed.
        """
        if self.state is State.AWAITING_LOGON and message.msg_type == LOGOUT:
            self._close(Step.LOGOUT_RECEIVED, text_of(message) or "logon refused", by_logout=True)
            return
        if message.msg_type != LOGON or (self.state is State.CONNECTED and self._is_initiator):
            kind = message.msg_type.decode("latin-1")
            self._close(Step.RULE_BROKEN, f"first message was of type {kind}, not Logon(A)")
            return
        fault = fault_of_logon(message, self._settings, self._dictionary, now_ns)
        if fault:
            self._refuse_first(message, fault, now_ns)
        elif self._is_initiator:
            self._receive_answer(message, now_ns)
        else:
            self._ask_owner(message, now_ns)

    def _refuse_first(self, message: FixMessage, fault: str, now_ns: int) -> None:
        if not self._is_initiator:
            self._peer = message.get(tags.SenderCompID) or b""
            self._use_passing(now_ns)
        self._end(fault, now_ns)

    def _ask_owner(self, logon: FixMessage, now_ns: int) -> None:
        self._step(Step.LOGON_RECEIVED, now_ns)
        self._logon = logon
        self._peer = logon.get(tags.SenderCompID) or b""
        self._use_passing(now_ns)
        self._events.append(
            LogonReceived(
                logon,
                self._peer,
                logon.get(tags.Username),
                logon.get(tags.Password),
                int(logon.get(tags.HeartBtInt) or 0),
                is_reset(logon),
            )
        )

    def _receive_answer(self, logon: FixMessage, now_ns: int) -> None:
        """Take the acceptor's Logon(A); it may start both numbers at 1 on its own account."""
        if is_reset(logon) and not self._settings.reset_on_logon:
            store = self._outbound.store
            store.reset(now_ns)
            store.set_next_sender(2)
            self._use_lasting(store, now_ns)
        if not self._is_too_low(logon, now_ns):
            self._step(Step.LOGON_RECEIVED, now_ns)
            self._begin(logon, now_ns)

    def _begin(self, logon: FixMessage, now_ns: int) -> None:
        """Both Logon(A) are exchanged: note the peer's number, and what is missing before it."""
        self._events.append(LoggedOn(self._heartbeat_interval_ns // SECOND_NS))
        if self._comes_early(logon):
            self._inbound.keep_early(logon.msg_seq_num, None)
            if _next_expected(logon):
                self._wait_for_missing(logon.msg_seq_num, now_ns)
            else:
                self._ask_for_missing(logon.msg_seq_num, now_ns)
        else:
            self._inbound.advance(logon.msg_seq_num + 1)

    def _comes_early(self, logon: FixMessage) -> bool:
        return logon.msg_seq_num > self._inbound.next_expected

    def _is_ahead_of_us(self, logon: FixMessage, now_ns: int) -> bool:
        """End the session if the peer expects a number that we have not come to."""
        wanted, number = _next_expected(logon), self._outbound.store.next_sender_msg_seq_num
        if wanted <= number:
            return False
        what = f"expecting at most {number} but received {wanted}"
        self._end(f"NextExpectedMsgSeqNum(789) too high, {what}", now_ns)
        return True

    def _keep_for_later(self, message: FixMessage) -> None:
        self._backlog.append(message)
        self._backlog_bytes += len(message.raw)
        if self._backlog_bytes > self._settings.backlog_bytes_max:
            self._close(Step.RULE_BROKEN, "too much sent before Logon(A) was answered")

    def _keep_alive(self, now_ns: int) -> None:
        """Send Heartbeat(0) after silence of ours, TestRequest(1) after silence of the peer's.

        "Heartbeat": the peer is given "some reasonable transmission time" beyond HeartBtInt(108):
        here a fifth of it.
        """
        interval_ns = self._heartbeat_interval_ns
        self._ask_again(now_ns, interval_ns)
        silence_ns = now_ns - self._last_received_ns
        if now_ns - self._outbound.last_sent_ns >= interval_ns:
            self._send(HEARTBEAT, [], now_ns)
        if self._is_test_request_open:
            if silence_ns >= interval_ns * 12 // 5:
                self._close(Step.TIMED_OUT, "no answer to TestRequest(1)")
        elif silence_ns >= interval_ns * 6 // 5:
            self._is_test_request_open = True
            self._send(TEST_REQUEST, [(tags.TestReqID, format_utc_timestamp(now_ns))], now_ns)


def _next_expected(logon: FixMessage) -> int:
    """Return NextExpectedMsgSeqNum(789), 0 where a Logon(A) has none.

    FIX 4.4 vol. 2, "Logon": with it neither side asks; each sends again what the other says that it
    has not got, behind its own Logon(A).
    """
    return parse_number(logon.get(tags.NextExpectedMsgSeqNum) or b"")
