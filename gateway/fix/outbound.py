"""The sending half of a session: numbers, the store, and messages sent again."""

from collections.abc import Iterator

from gateway.fix.codec import SOH, encode
from gateway.fix.message_buffer import HEAD_BYTES_MAX, MessageBuffer
from gateway.fix.store import SessionStore
from gateway.fix.timestamps import format_utc_timestamp

_OUT = MessageBuffer()


class Outbound:
    """Numbers messages, records them and collects their bytes.

    `now_ns` is the last time that the session was told, for messages sent again: a long resend
    outlasts the call that began it. While one runs, new messages wait behind it, so the peer reads
    every number in order.
    """

    def __init__(
        self,
        sender_comp_id: bytes,
        target_comp_id: bytes,
        store: SessionStore,
        now_ns: int,
        *,
        resend_chunk_bytes: int = 65_536,
    ) -> None:
        self.now_ns = now_ns
        self.last_sent_ns = now_ns
        self.store = store
        self._identity = b"\x0149=%b\x0156=%b\x0134=" % (sender_comp_id, target_comp_id)
        self._resend_chunk_bytes = resend_chunk_bytes
        self._heads: dict[bytes, bytes] = {}
        self._time_ns = -1
        self._time_field = b""
        self._out: list[bytes] = []
        self._resend: Iterator[bytes] | None = None
        self._next_resend: tuple[int, int] | None = None
        self._behind_resend: list[bytes] = []

    def send(
        self, msg_type: bytes, body: bytes, now_ns: int, is_kept: bool, watermark: int = 0
    ) -> int:
        """Send a message with the next number and return that.

        `is_kept` says whether it is sent again when the peer asks; otherwise a gap fill takes its
        place. FIX 4.4 vol. 2, "Message Recovery": administrative messages except Reject(3).
        """
        _OUT.start()
        _OUT.put(body)
        return self.send_put(msg_type, _OUT, now_ns, is_kept, watermark)

    def send_put(
        self, msg_type: bytes, out: MessageBuffer, now_ns: int, is_kept: bool, watermark: int
    ) -> int:
        """Send what was put as the body of a message, likewise."""
        head = self._heads.get(msg_type)
        if head is None:
            head = self._heads[msg_type] = b"35=%b%b" % (msg_type, self._identity)
        if now_ns != self._time_ns:  # all that one batch sends has the same time
            self._time_ns = now_ns
            self._time_field = b"\x0152=%b\x01" % format_utc_timestamp(now_ns)
        number = self.store.next_sender_msg_seq_num
        if len(head) + len(self._time_field) <= HEAD_BYTES_MAX:
            message = out.message(head, number, self._time_field)
        else:  # a peer may give itself any name
            message = encode(b"%b%d%b%b" % (head, number, self._time_field, out.fields()))
        if is_kept:
            self.store.append(number, message, watermark)
        else:
            self.store.set_next_sender(number + 1)
        (self._out if self._resend is None else self._behind_resend).append(message)
        self.last_sent_ns = now_ns
        return number

    @property
    def is_resending(self) -> bool:
        return self._resend is not None

    def resend(self, begin: int, end: int) -> None:
        """Send the messages `begin` to `end` again; one request at a time, the newest waits."""
        if self._resend is None:
            self._resend = self._messages_again(begin, end)
        else:
            self._next_resend = (begin, end)

    def data_to_send(self) -> bytes:
        """Return what is to be written now: all that waits, or the next piece of a resend."""
        out, self._out = self._out, []
        if self._resend is not None:
            self._take_from_resend(self._resend, out)
        self.store.flush()
        return b"".join(out)

    def _take_from_resend(self, resend: Iterator[bytes], out: list[bytes]) -> None:
        size = 0
        for message in resend:
            out.append(message)
            size += len(message)
            if size >= self._resend_chunk_bytes:
                return
        self._resend = None
        if self._next_resend is not None:
            self._resend = self._messages_again(*self._next_resend)
            self._next_resend = None
        else:
            out += self._behind_resend
            self._behind_resend = []

    def _messages_again(self, begin: int, end: int) -> Iterator[bytes]:
        following = begin
        for number, message in self.store.messages(begin, end):
            if number > following:
                yield self._gap_fill(following, number)
            yield self._again(message)
            following = number + 1
        if following <= end:
            yield self._gap_fill(following, end + 1)

    def _again(self, message: bytes) -> bytes:
        """Mark a message as sent before: PossDupFlag(43)=Y, its first SendingTime(52) in 122."""
        start = message.index(b"\x0135=") + 1
        time_at = message.index(b"\x0152=", start) + 1
        time_end = message.index(SOH, time_at)
        first_time = message[time_at + 3 : time_end]
        return encode(
            b"%b43=Y\x0152=%b\x01122=%b%b"
            % (message[start:time_at], self._time(), first_time, message[time_end:-7])
        )

    def _gap_fill(self, number: int, following: int) -> bytes:
        now = self._time()
        return encode(
            b"35=4%b%d\x0143=Y\x0152=%b\x01122=%b\x01123=Y\x0136=%d\x01"
            % (self._identity, number, now, now, following)
        )

    def _time(self) -> bytes:
        return format_utc_timestamp(self.now_ns)


def store_application(
    sender_comp_id: bytes,
    target_comp_id: bytes,
    store: SessionStore,
    msg_type: bytes,
    body: bytes,
    now_ns: int,
    watermark: int = 0,
) -> int:
    """Keep a message for a peer that is not connected, and return its MsgSeqNum(34).

    The next Logon(A) shows the peer that it is missing, and the peer asks for it.
    """
    outbound = Outbound(sender_comp_id, target_comp_id, store, now_ns)
    return outbound.send(msg_type, body, now_ns, is_kept=True, watermark=watermark)
