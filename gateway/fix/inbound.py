"""The receiving half of a session: which number is next, what came early, what has been taken."""

from collections import deque

from gateway.fix.codec import FixMessage
from gateway.fix.store import SessionStore


class Inbound:
    """Two numbers run here, one behind the other.

    `next_expected` rises as messages are received. The store's next number rises only past what the
    owner has taken: after a crash the peer is asked again for everything in between. Administrative
    messages are taken as soon as all before them are.
    """

    def __init__(self, store: SessionStore, early_messages_max: int) -> None:
        self.next_expected = store.next_target_msg_seq_num
        self._store = store
        # What has been handed up and not taken: all from one number to another, and what came
        # behind a gap, which administrative messages leave.
        self._untaken_from = 0  # 0: nothing
        self._untaken_until = 0
        self._untaken_later: deque[int] = deque()
        self._early: dict[int, FixMessage | None] = {}
        self._early_messages_max = early_messages_max
        self._missing_until = 0

    def hand_up(self, msg_seq_num: int) -> None:
        """Pass an application message that the owner has yet to take."""
        self.next_expected = msg_seq_num + 1
        if not self._untaken_from:
            self._untaken_from = msg_seq_num
        elif self._untaken_later or msg_seq_num != self._untaken_until:
            self._untaken_later.append(msg_seq_num)
            return
        self._untaken_until = msg_seq_num + 1

    def advance(self, next_expected: int) -> None:
        """Pass everything below `next_expected`, which the owner need not know of."""
        if self._early and next_expected > self.next_expected + 1:
            for number in [number for number in self._early if number < next_expected]:
                del self._early[number]
        self.next_expected = next_expected
        if not self._untaken_from:
            self._store.set_next_target(next_expected)

    def taken(self, msg_seq_num: int) -> None:
        """Note that the owner has taken all application messages up to this one."""
        if not self._untaken_from or self._untaken_from > msg_seq_num:
            return
        self._untaken_from = msg_seq_num + 1
        if self._untaken_from >= self._untaken_until:
            self._go_on_behind_gap(msg_seq_num)
        self._store.set_next_target(self._untaken_from or self.next_expected)

    def _go_on_behind_gap(self, taken: int) -> None:
        """Let the next numbers without a gap be those not taken; 0 if there are none."""
        later = self._untaken_later
        while later and later[0] <= taken:
            later.popleft()
        self._untaken_from = self._untaken_until = later[0] if later else 0
        while later and later[0] == self._untaken_until:
            later.popleft()
            self._untaken_until += 1

    def keep_early(self, msg_seq_num: int, message: FixMessage | None) -> None:
        """Keep a message until its turn comes; None for one that needs nothing more then.

        Beyond the limit it is let go: the gap that it leaves is found when it is reached.
        """
        if len(self._early) < self._early_messages_max:
            self._early.setdefault(msg_seq_num, message)

    def take_early(self) -> tuple[bool, FixMessage | None]:
        """Return whether the next message came early, and that message."""
        if self.next_expected not in self._early:
            return False, None
        return True, self._early.pop(self.next_expected)

    @property
    def first_early(self) -> int:
        """The lowest number that came early and still waits; 0 if none does."""
        return min(self._early, default=0)

    def miss_until(self, msg_seq_num: int) -> None:
        """Note that a message came early: all numbers below it are missing."""
        self._missing_until = msg_seq_num - 1

    @property
    def is_gap_filled(self) -> bool:
        return self.next_expected > self._missing_until
