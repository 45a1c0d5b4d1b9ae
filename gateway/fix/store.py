"""What a session must remember over connections and restarts, and the store that forgets.

One store belongs to one pair of CompIDs. It holds both next numbers, every sent message that may
have to be sent again, and `watermark`, a number of the owner's that is saved with each sent
message: what it had handled when the message was made. Reset starts both numbers at 1 again and
begins a new `epoch`; `(epoch, MsgSeqNum)` therefore never repeats, and rises.

Several processes may have a store in common: the one whose session is logged on holds it, the
others know what that has written, and defer what they would do.
"""

from collections.abc import Callable, Iterator


class SessionStore:
    """The numbers, and what every store does alike; how messages are kept is each one's own.

    Changes may be held back until `flush`, which writes them in one piece, in order. The session
    flushes before it hands out bytes to send: a number is on record before the peer can have seen
    it.

    `next_sender_msg_seq_num` is the number of the next message that we send,
    `next_target_msg_seq_num` the lowest of the peer's that has not been taken, never ahead of the
    owner. `creation_time_ns` is when the numbers last started at 1, `epoch` how often they have; at
    least 1. `watermark`, the highest one given with a message, survives a reset; 0 at first.
    `is_held`: it may be changed here, now.
    """

    def __init__(self, now_ns: int = 0) -> None:
        self.next_sender_msg_seq_num = 1
        self.next_target_msg_seq_num = 1
        self.creation_time_ns = now_ns
        self.epoch = 1
        self.watermark = 0
        self._used_epoch = 0
        self.is_held = True

    def append(self, msg_seq_num: int, message: bytes, watermark: int = 0) -> None:
        """Keep a sent message; the next one is numbered `msg_seq_num + 1`."""
        raise NotImplementedError

    def set_next_sender(self, msg_seq_num: int) -> None:
        """Pass over numbers whose messages are never sent again (administrative ones)."""
        self.next_sender_msg_seq_num = msg_seq_num

    def set_next_target(self, msg_seq_num: int) -> None:
        self.next_target_msg_seq_num = msg_seq_num

    def messages(self, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield the kept messages numbered `begin` to `end`, both included, in order.

        A whole day may be asked for: nothing is read before it is wanted.
        """
        raise NotImplementedError

    def reset(self, now_ns: int) -> None:
        """Start both numbers at 1, forget all messages, begin a new epoch."""
        self.next_sender_msg_seq_num = 1
        self.next_target_msg_seq_num = 1
        self.creation_time_ns = now_ns
        self.epoch = max(self.epoch, self._used_epoch) + 1

    def note_epoch(self, epoch: int) -> None:
        """Have the next epoch begin behind this one, which has been used."""
        self._used_epoch = max(self._used_epoch, epoch)

    def flush(self) -> None:
        """Write what is held back."""

    def claim(self) -> bool:
        """Hold it, as its last holder has left it; False while another process does."""
        return True

    def release(self) -> None:
        """Let other processes have it, if it is theirs, too."""

    def defer(self, watermark: int, act: Callable[[int], object]) -> None:
        """Have `act` called with the time, in its turn, once it is held.

        It is forgotten when the holder's watermark has reached `watermark`, as is what was deferred
        before it.
        """
        raise NotImplementedError

    def carry_out(self, now_ns: int) -> None:
        """Do what was deferred."""

    def _count(self, msg_seq_num: int, watermark: int) -> None:
        """Take account of a kept message's number and watermark."""
        self.next_sender_msg_seq_num = msg_seq_num + 1
        self.watermark = max(self.watermark, watermark)


class MemoryStore(SessionStore):
    """A `SessionStore` that lasts as long as its object."""

    def __init__(self, now_ns: int = 0) -> None:
        super().__init__(now_ns)
        self._messages: dict[int, bytes] = {}

    def append(self, msg_seq_num: int, message: bytes, watermark: int = 0) -> None:
        self._messages[msg_seq_num] = message
        self._count(msg_seq_num, watermark)

    def messages(self, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
        for msg_seq_num in range(begin, end + 1):
            message = self._messages.get(msg_seq_num)
            if message is not None:
                yield msg_seq_num, message

    def reset(self, now_ns: int) -> None:
        self._messages.clear()
        super().reset(now_ns)


class LiveStore(SessionStore):
    """A store that keeps no messages: what they told is out of date when asked for."""

    def append(self, msg_seq_num: int, message: bytes, watermark: int = 0) -> None:  # noqa: ARG002
        self._count(msg_seq_num, watermark)

    def messages(self, begin: int, end: int) -> Iterator[tuple[int, bytes]]:  # noqa: ARG002
        return iter(())
