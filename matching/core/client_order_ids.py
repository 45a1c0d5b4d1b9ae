"""Client order ids: which order of an account has, or lately had, a name that its owner gave it.

A name stays taken while its order is open and for 24 hours after that, by the commands' timestamps;
so does a name that a replace took from its order. Whoever enters the same order again within that
time is told of the first one, and never gets a second.

Per account the newest `CLOSED_ORDERS_REMEMBERED_MAX` such names are kept: memory has to end
somewhere, and an account that closes more orders in a day is told so in the documentation.

A name is kept as the five words that it takes up in a command: its length, its bytes and zeros. An
account's names stand in a hash table of its own, whose buckets are linked through the names: the
table of one busy account never makes another one wait while it grows.
"""

from collections.abc import Iterator
from struct import Struct

from matching.core import packed
from vocabulary.types import CLOSED_ORDERS_REMEMBERED_MAX

REMEMBERED_NS = 24 * 3600 * 10**9
REMEMBERED_MAX = CLOSED_ORDERS_REMEMBERED_MAX
OPEN = -1
BUCKETS_MIN = 8
NAME_WORDS = 5
WORD_MASK = 2**64 - 1
HASH_SEED = 0xCBF29CE484222325
HASH_FACTOR = 0x100000001B3
# Differs from process to process, so that nobody can choose names that all meet in one bucket.
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


class ClientOrderId:
    """A name of an account's: which order has or had it, and what was asked of that order.

    It begins blank, because a class that is called with arguments makes Python objects of them all.
    """

    def __init__(self) -> None:
        self.order_id = 0
        self.content = 0  # `content_of` the command that entered the order
        self.closed_ns = OPEN
        self.words = [0, 0, 0, 0, 0]
        self.hash = 0
        self.chained: ClientOrderId | None = None  # the next one in its bucket
        self.closed_next: ClientOrderId | None = None  # the one that was closed after it

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
    """The names of an account's open orders, and of those that it closed lately."""

    def __init__(self) -> None:
        self.buckets: list[ClientOrderId | None] = [None] * BUCKETS_MIN
        self.count = 0
        self.closed_count = 0
        self.closed_first: ClientOrderId | None = None
        self.closed_last: ClientOrderId | None = None

    def __iter__(self) -> Iterator[ClientOrderId]:
        """Yield all that are known, in no order that means anything."""
        for bucket in self.buckets:
            known = bucket
            while known is not None:
                yield known
                known = known.chained

    def closed(self) -> Iterator[ClientOrderId]:
        """Yield those of closed orders, the one that was closed first first."""
        known = self.closed_first
        while known is not None:
            yield known
            known = known.closed_next

    def find(self, words: memoryview, at: int, now_ns: int) -> ClientOrderId | None:
        """Return the name at a place in some words, if an order has it; the youngest such."""
        value = hash_words(words, at, at + NAME_WORDS, NAME_SEED)
        known = self.buckets[value & (len(self.buckets) - 1)]
        while known is not None and (known.hash != value or not known.is_at(words, at)):
            known = known.chained
        if known is None or known.closed_ns == OPEN or now_ns - known.closed_ns < REMEMBERED_NS:
            return known
        return None

    def add(self, words: memoryview, at: int, order_id: int, content: int) -> ClientOrderId:
        """Take the name at a place in some words for an order, and return it."""
        known = ClientOrderId()
        known.order_id = order_id
        known.content = content
        known.hash = hash_words(words, at, at + NAME_WORDS, NAME_SEED)
        for index in range(NAME_WORDS):
            known.words[index] = words[at + index]
        if self.count == len(self.buckets):
            self.grow()
        bucket = known.hash & (len(self.buckets) - 1)
        known.chained = self.buckets[bucket]
        self.buckets[bucket] = known
        self.count += 1
        return known

    def add_text(self, text: bytes, order_id: int, content: int) -> ClientOrderId:
        """Take a name for an order, and return it."""
        words = _TEXT.pack(text)
        return self.add(packed.words_of(words), 0, order_id, content)

    def grow(self) -> None:
        """Make twice as many buckets. Within each, the youngest names stay first."""
        before = self.buckets
        buckets: list[ClientOrderId | None] = [None] * (2 * len(before))
        for at in range(len(before)):
            known = reverse(before[at])
            while known is not None:
                following = known.chained
                bucket = known.hash & (len(buckets) - 1)
                known.chained = buckets[bucket]
                buckets[bucket] = known
                known = following
        self.buckets = buckets

    def close(self, known: ClientOrderId, now_ns: int) -> None:
        """Keep a closed order's name, and let go of those that are too old or too many."""
        known.closed_ns = now_ns
        if self.closed_last is None:
            self.closed_first = known
        else:
            self.closed_last.closed_next = known
        self.closed_last = known
        self.closed_count += 1
        first = self.closed_first
        assert first is not None
        while self.closed_count > REMEMBERED_MAX or now_ns - first.closed_ns >= REMEMBERED_NS:
            self.forget(first)
            self.closed_count -= 1
            self.closed_first = first.closed_next
            first = self.closed_first
            assert first is not None  # what was closed just now is neither old nor one too many

    def forget(self, known: ClientOrderId) -> None:
        """Take a name out of its bucket."""
        bucket = known.hash & (len(self.buckets) - 1)
        before = self.buckets[bucket]
        if before is known:
            self.buckets[bucket] = known.chained
        else:
            while before is not None and before.chained is not known:
                before = before.chained
            assert before is not None
            before.chained = known.chained
        self.count -= 1


def reverse(known: ClientOrderId | None) -> ClientOrderId | None:
    """Turn a chain around and return its new first."""
    turned: ClientOrderId | None = None
    while known is not None:
        following = known.chained
        known.chained = turned
        turned = known
        known = following
    return turned
