"""Client order ids: which order of an account has, or lately had, a name that its owner gave it.

A name stays taken while its order is open and for 24 hours after that, by the commands' timestamps;
so does a name that a replace took from its order. Whoever enters the same order again within that
time is told of the first one, and never gets a second.

Per account the newest `CLOSED_ORDERS_REMEMBERED_MAX` such names are kept: memory has to end
somewhere, and an account that closes more orders in a day is told so in the documentation.

A name is kept as the five words that it takes up in a command: its length, its bytes and zeros. An
account's names stand in a hash table of its own: the table of one busy account never makes another
one wait while it grows.
"""

from array import array
from collections.abc import Iterator
from struct import Struct

from matching.core import packed
from vocabulary.types import CLOSED_ORDERS_REMEMBERED_MAX

REMEMBERED_NS = 24 * 3600 * 10**9
REMEMBERED_MAX = CLOSED_ORDERS_REMEMBERED_MAX
OPEN = -1
SLOTS_MIN = 16
NAME_WORDS = 5
WORD_MASK = 2**64 - 1
NAME_HASH_MASK = 2**32 - 1
HASH_SEED = 0xCBF29CE484222325
HASH_FACTOR = 0x100000001B3
# Differs from process to process, so that nobody can choose names that all meet in one place.
NAME_SEED = hash(b"client order ids") & WORD_MASK

_TEXT = Struct("<40p")
_WORDS = Struct("<5q")


def hash_words(words: memoryview, first: int, last: int, seed: int) -> int:
    """Return 64 bits that stand for some words. FNV-1a, a word at a time."""
    value = seed
    for at in range(first, last):
        value = (value ^ (words[at] & WORD_MASK)) * HASH_FACTOR & WORD_MASK
        value ^= value >> 32
    return value


def content_of(words: memoryview, first: int, last: int) -> int:
    """Return 64 bits that stand for what was asked: equal for equal words, else all but never.

    An account that would construct an equal one of another order only misleads itself.
    """
    return hash_words(words, first, last, HASH_SEED)


def hash_name(words: memoryview, at: int) -> int:
    """Return the hash of a name in some words, of 32 bits, which is never 0."""
    return hash_words(words, at, at + NAME_WORDS, NAME_SEED) & NAME_HASH_MASK or 1


class ClientOrderId:
    """A name of an account's: which order has or had it, and what was asked of that order.

    It begins blank, because a class that is called with arguments makes Python objects of them all.
    It refers to no other object, so the garbage collector keeps no links to it.
    """

    def __init__(self) -> None:
        self.order_id = 0
        self.content = 0  # `content_of` the command that entered the order
        self.closed_ns = OPEN
        self.words = [0, 0, 0, 0, 0]
        self.hash = 0

    @property
    def text(self) -> bytes:
        text: bytes = _TEXT.unpack(_WORDS.pack(*self.words))[0]
        return text

    @property
    def is_open(self) -> bool:
        return self.closed_ns == OPEN

    def is_at(self, words: memoryview, at: int) -> bool:
        """Say whether it is the name that stands at a place in some words."""
        for index in range(NAME_WORDS):  # noqa: SIM110 (a loop compiles to five comparisons)
            if self.words[index] != words[at + index]:
                return False
        return True


class ClientOrderIds:
    """The names of an account's open orders, and of those that it closed lately.

    A hash table with open addressing, at most half full. The hashes lie in an array of their own,
    0 where there is none: a new name, as nearly all are, is known by them alone to be new. The
    names of closed orders also stand in a queue. To add to it looks at none that is there already:
    on a venue with many accounts each look would wait for memory.
    """

    def __init__(self) -> None:
        self.buffer = array("I", bytes(4 * SLOTS_MIN))
        self.hashes = self.buffer
        self.names: list[ClientOrderId | None] = [None] * SLOTS_MIN
        self.mask = SLOTS_MIN - 1
        self.count = 0
        self.queue: list[ClientOrderId | None] = []  # closed ones, forgotten before `queue_at`
        self.queue_at = 0
        self.oldest_ns = 0  # when the first of them was closed

    def __iter__(self) -> Iterator[ClientOrderId]:
        """Yield all that are known, in no order that means anything."""
        return (name for name in self.names if name is not None)

    def closed(self) -> Iterator[ClientOrderId]:
        """Yield those of closed orders, the one that was closed first first."""
        return (name for name in self.queue if name is not None)

    @property
    def closed_count(self) -> int:
        return len(self.queue) - self.queue_at

    def find(self, value: int, words: memoryview, at: int, now_ns: int) -> ClientOrderId | None:
        """Return the name at a place in some words, if an order has it or lately had.

        `value` is its `hash_name`.
        """
        slot = value & self.mask
        while self.hashes[slot]:
            if self.hashes[slot] == value:
                known = self.names[slot]
                assert known is not None
                is_kept = known.closed_ns == OPEN or now_ns - known.closed_ns < REMEMBERED_NS
                # One that is not kept may stand before a younger order's.
                if is_kept and known.is_at(words, at):
                    return known
            slot = (slot + 1) & self.mask
        return None

    def find_text(self, text: bytes, now_ns: int) -> ClientOrderId | None:
        """Return a name likewise, given as text."""
        words = _TEXT.pack(text)
        return self.find(hash_name(packed.words_of(words), 0), packed.words_of(words), 0, now_ns)

    def look_at(self, words: memoryview, at: int) -> int:
        """Have memory fetch what is needed soon to find the name at a place, and to add it.

        The number returned says nothing; what is used for nothing, no compiler would fetch.
        """
        slot = hash_name(words, at) & self.mask
        # A branch here would be foretold wrong as often as not, and undo what is under way.
        return self.hashes[slot] + (self.names[slot] is None)

    def add(
        self, value: int, words: memoryview, at: int, order_id: int, content: int
    ) -> ClientOrderId:
        """Take the name at a place in some words, of that hash, for an order, and return it."""
        known = ClientOrderId()
        known.order_id = order_id
        known.content = content
        for index in range(NAME_WORDS):
            known.words[index] = words[at + index]
        known.hash = value
        if 2 * self.count > self.mask:
            self.grow()
        self.put(value, known)
        self.count += 1
        return known

    def add_text(self, text: bytes, order_id: int, content: int) -> ClientOrderId:
        """Take a name for an order, and return it."""
        words = _TEXT.pack(text)
        value = hash_name(packed.words_of(words), 0)
        return self.add(value, packed.words_of(words), 0, order_id, content)

    def put(self, value: int, known: ClientOrderId | None) -> None:
        slot = value & self.mask
        while self.hashes[slot]:
            slot = (slot + 1) & self.mask
        self.hashes[slot] = value
        self.names[slot] = known

    def grow(self) -> None:
        """Make four times as many slots."""
        hashes, names = self.buffer, self.names
        slots = 4 * len(names)
        self.buffer = array("I", bytes(4 * slots))
        self.hashes = self.buffer
        self.names = [None] * slots
        self.mask = slots - 1
        for slot in range(len(names)):
            if hashes[slot]:
                self.put(hashes[slot], names[slot])

    def close(self, known: ClientOrderId, now_ns: int) -> None:
        """Keep a closed order's name, and let go of those that are too old or too many."""
        known.closed_ns = now_ns
        if self.queue_at == len(self.queue):
            self.oldest_ns = now_ns
        self.queue.append(known)
        # What was closed just now is neither old nor one too many, so some is always left.
        while (
            len(self.queue) - self.queue_at > REMEMBERED_MAX
            or now_ns - self.oldest_ns >= REMEMBERED_NS
        ):
            self.forget_oldest()

    def forget_oldest(self) -> None:
        """Let go of the first name in the queue, behind which there is another one."""
        known = self.queue[self.queue_at]
        assert known is not None
        self.forget(known)
        self.queue[self.queue_at] = None
        self.queue_at += 1
        if 2 * self.queue_at > len(self.queue):
            del self.queue[: self.queue_at]
            self.queue_at = 0
        oldest = self.queue[self.queue_at]
        assert oldest is not None
        self.oldest_ns = oldest.closed_ns

    def forget(self, known: ClientOrderId) -> None:
        """Take a name out, and let those behind it move up as far as they may."""
        hole = known.hash & self.mask
        while self.names[hole] is not known:
            hole = (hole + 1) & self.mask
        slot = (hole + 1) & self.mask
        while self.hashes[slot]:
            # What lies at or before the hole on its way from where it belongs can fill it.
            if (slot - self.hashes[slot]) & self.mask >= (slot - hole) & self.mask:
                self.hashes[hole] = self.hashes[slot]
                self.names[hole] = self.names[slot]
                hole = slot
            slot = (slot + 1) & self.mask
        self.hashes[hole] = 0
        self.names[hole] = None
        self.count -= 1
