"""What a session has in every state: numbers, a way to send, events, and an end."""

from gateway.fix import tags
from gateway.fix.codec import FixMessage, encode_fields
from gateway.fix.dictionary import fix44
from gateway.fix.events import Event, SessionClosed
from gateway.fix.inbound import Inbound
from gateway.fix.message_buffer import MessageBuffer
from gateway.fix.outbound import Outbound
from gateway.fix.settings import SessionSettings
from gateway.fix.states import State, Step, step
from gateway.fix.store import MemoryStore, SessionStore

HEARTBEAT, TEST_REQUEST, RESEND_REQUEST, REJECT = b"0", b"1", b"2", b"3"
SEQUENCE_RESET, LOGOUT, LOGON, BUSINESS_MESSAGE_REJECT = b"4", b"5", b"A", b"j"
ADMINISTRATIVE = frozenset(
    {HEARTBEAT, TEST_REQUEST, RESEND_REQUEST, REJECT, SEQUENCE_RESET, LOGOUT, LOGON}
)

# "Standard Message Header": a reply goes back the way that the message came.
_ROUTE_BACK = (
    (tags.OnBehalfOfCompID, tags.DeliverToCompID),
    (tags.OnBehalfOfSubID, tags.DeliverToSubID),
    (tags.OnBehalfOfLocationID, tags.DeliverToLocationID),
    (tags.DeliverToCompID, tags.OnBehalfOfCompID),
    (tags.DeliverToSubID, tags.OnBehalfOfSubID),
    (tags.DeliverToLocationID, tags.OnBehalfOfLocationID),
)


class SessionCore:
    """The part of a `Session` that no state changes."""

    def __init__(self, settings: SessionSettings, now_ns: int) -> None:
        self.state = State.CONNECTED
        self._settings = settings
        self._dictionary = fix44()
        self._events: list[Event] = []
        self._peer = settings.target_comp_id
        self._own_comp_id = settings.sender_comp_id
        self._tolerance_ns = settings.sending_time_tolerance_ns
        self._state_since_ns = now_ns
        self._has_lasting_store = False
        self._use_passing(now_ns)

    def _use_passing(self, now_ns: int) -> None:
        """Count from 1, for what is said to a peer that has not been let in."""
        self._use(MemoryStore(), now_ns)

    def _use_lasting(self, store: SessionStore, now_ns: int) -> None:
        self._use(store, now_ns)
        self._has_lasting_store = True

    def _use(self, store: SessionStore, now_ns: int) -> None:
        """Go on with the numbers and messages of a store."""
        self._outbound = Outbound(
            self._settings.sender_comp_id,
            self._peer,
            store,
            now_ns,
            resend_chunk_bytes=self._settings.resend_chunk_bytes,
        )
        self._inbound = Inbound(store, self._settings.early_messages_max)

    def events_received(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def data_to_send(self) -> bytes:
        """Return bytes to write, after the store has recorded what they say."""
        return self._outbound.data_to_send()

    @property
    def has_more_to_send(self) -> bool:
        """Whether a resend goes on: call `data_to_send` again when the last bytes are written."""
        return self._outbound.is_resending

    @property
    def is_logged_on(self) -> bool:
        return self.state is State.IN_SESSION or self.state is State.RECOVERING

    def send_application(
        self, msg_type: bytes, body: bytes, now_ns: int, watermark: int = 0
    ) -> int:
        """Send a message whose `body` begins behind the header; return its MsgSeqNum(34).

        Once the session has closed it is kept, and delivered after the next logon.
        """
        assert self._has_lasting_store, "nobody has logged on"
        return self._outbound.send(msg_type, body, now_ns, is_kept=True, watermark=watermark)

    def send_put(self, msg_type: bytes, out: MessageBuffer, now_ns: int, watermark: int) -> int:
        """Send what was put as the body of an application message, likewise."""
        assert self._has_lasting_store, "nobody has logged on"
        return self._outbound.send_put(msg_type, out, now_ns, True, watermark)

    def send_business_reject(
        self,
        message: FixMessage,
        reason: bytes,
        text: str,
        now_ns: int,
        ref_id: bytes = b"",
        watermark: int = 0,
    ) -> int:
        """Answer an application message with BusinessMessageReject(j)."""
        fields = [
            *_route_back(message),
            (tags.RefSeqNum, b"%d" % message.msg_seq_num),
            (tags.RefMsgType, message.msg_type),
            (tags.BusinessRejectReason, reason),
            (tags.Text, text.encode()),
        ]
        if ref_id:
            fields.append((tags.BusinessRejectRefID, ref_id))
        body = encode_fields(fields)
        return self.send_application(BUSINESS_MESSAGE_REJECT, body, now_ns, watermark)

    def send_reject(
        self, message: FixMessage, reason: int, ref_tag: int | None, text: str, now_ns: int
    ) -> None:
        """Answer a message that breaks the rules of FIX itself with Reject(3)."""
        fields = [*_route_back(message), (tags.RefSeqNum, b"%d" % message.msg_seq_num)]
        if ref_tag is not None:
            fields.append((tags.RefTagID, b"%d" % ref_tag))
        fields += [
            (tags.RefMsgType, message.msg_type),
            (tags.SessionRejectReason, b"%d" % reason),
            (tags.Text, text.encode()),
        ]
        self._outbound.send(REJECT, encode_fields(fields), now_ns, is_kept=True)

    def send_logout(self, text: str, now_ns: int) -> None:
        """Ask to end the session; `SessionClosed` follows, at the latest by `tick`."""
        if self.is_logged_on:
            self._send(LOGOUT, [(tags.Text, text.encode())] if text else [], now_ns)
            self._step(Step.LOGOUT_SENT, now_ns)
        else:
            self.drop(text)

    def drop(self, text: str) -> None:
        """Close without a message, which would use up a number."""
        if self.state is not State.CLOSED:
            self._close(Step.CONNECTION_LOST, text)

    def taken(self, msg_seq_num: int) -> None:
        """Say that all application messages up to this one are safe and need not come again."""
        if self.state is not State.CLOSED:
            self._inbound.taken(msg_seq_num)

    def _is_too_low(self, message: FixMessage, now_ns: int) -> bool:
        expected, number = self._inbound.next_expected, message.msg_seq_num
        if number >= expected:
            return False
        self._end(f"MsgSeqNum(34) too low, expecting {expected} but received {number}", now_ns)
        return True

    def _end(self, text: str, now_ns: int) -> None:
        """Send Logout(5) and close at once: the peer has broken what an answer would rest on."""
        self._send(LOGOUT, [(tags.Text, text.encode())], now_ns)
        self._close(Step.RULE_BROKEN, text)

    def _close(self, taken: Step, text: str, *, by_logout: bool = False) -> None:
        self.state = step(self.state, taken)
        self._events.append(SessionClosed(text, by_logout))

    def _step(self, taken: Step, now_ns: int) -> None:
        self.state = step(self.state, taken)
        self._state_since_ns = now_ns

    def _send(self, msg_type: bytes, fields: list[tuple[int, bytes]], now_ns: int) -> None:
        self._outbound.send(msg_type, encode_fields(fields), now_ns, is_kept=False)


def _route_back(message: FixMessage) -> list[tuple[int, bytes]]:
    return [(back, value) for there, back in _ROUTE_BACK if (value := message.get(there))]


def text_of(message: FixMessage) -> str:
    return (message.get(tags.Text) or b"").decode("utf-8", "replace")
