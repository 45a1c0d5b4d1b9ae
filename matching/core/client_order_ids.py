"""Client order ids: which order of an account has, or lately had, a name that its owner gave it.

A name stays taken while its order is open and for 24 hours after that, by the commands' timestamps;
so does a name that a replace took from its order. Whoever enters the same order again within that
time is told of the first one, and never gets a second.

Per account the newest `CLOSED_ORDERS_REMEMBERED_MAX` such names are kept: memory has to end
somewhere, and an account that closes more orders in a day is told so in the documentation.

A name is kept as the five words that it takes up in a command: its length, its bytes and zeros. It
lies in a row of `matching.core.name_rows`, one behind the other for all accounts, and is spoken of
by its row's number. An account's names stand in a hash table of its own: the table of one busy
account never makes another one wait while it grows.
"""

from array import array
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from matching.core import name_rows, packed
from matching.core.name_rows import NameRows
from vocabulary.types import CLOSED_ORDERS_REMEMBERED_MAX

REMEMBERED_NS = 24 * 3600 * 10**9
REMEMBERED_MAX = CLOSED_ORDERS_REMEMBERED_MAX
OPEN = -1
SLOT_BITS_MIN = 5
QUEUE_MIN = 32
NAME_WORDS = name_rows.NAME_WORDS
ORDER_ID_AT = name_rows.ORDER_ID_AT
CONTENT_AT = name_rows.CONTENT_AT
CLOSED_AT = name_rows.CLOSED_AT
HASH_BITS = 32
ROW_MASK = 2**32 - 1
WORD_MASK = 2**64 - 1
SIGN_BIT = 2**63
HASH_SEED = 0xCBF29CE484222325
HASH_FACTOR = 0x100000001B3
# Differ from process to process, so that nobody can choose names that all meet in one place.
NAME_FACTORS = [hash(b"client order ids %d" % word) & WORD_MASK | 1 for word in range(6)]
FACTOR_0, FACTOR_1, FACTOR_2, FACTOR_3, FACTOR_4, LAST_FACTOR = NAME_FACTORS

_TEXT = Struct("<40p")
_WORDS = Struct("<5q")


def content_of(words: memoryview, first: int, last: int) -> int:
    """Return 64 bits that stand for what was asked: equal for equal words, else all but never.

    An account that would construct an equal one of another order only misleads itself. FNV-1a, a
    word at a time.
    """
    value = HASH_SEED
    for at in range(first, last):
        value = (value ^ (words[at] & WORD_MASK)) * HASH_FACTOR & WORD_MASK
        value ^= value >> 32
    return value


def hash_name(words: memoryview, at: int) -> int:
    """Return the hash of a name in some words, of 32 bits.

    The words are multiplied side by side: one after the other, each would wait for the one before.
    """
    value = (
        words[at] * FACTOR_0
        + words[at + 1] * FACTOR_1
        + words[at + 2] * FACTOR_2
        + words[at + 3] * FACTOR_3
        + words[at + 4] * FACTOR_4
    ) & WORD_MASK
    return ((value ^ value >> HASH_BITS) * LAST_FACTOR & WORD_MASK) >> HASH_BITS


class ClientOrderId(NamedTuple):
    """What is known of a name: which order has or had it, and what was asked of that order."""

    order_id: int
    content: int
    """`content_of` the command that entered the order."""
    closed_ns: int
    text: bytes

    @property
    def is_open(self) -> bool:
        return self.closed_ns == OPEN


class ClientOrderIds:
    """The names of an account's open orders, and of those that it closed lately.

    A hash table with open addressing, at most half full. An entry is one word, a name's hash above
    its row's number, or 0: a new name, as nearly all are, is known by the hashes alone to be new.
    The upper bits of a hash say where it belongs, so a table twice as large has its names in the
    same order, and is filled from the first to the last. The rows of closed orders' names also
    stand in a queue, which is a ring. To add to it looks at none that is there already: on a venue
    with many accounts each look would wait for memory.
    """

    def __init__(self, rows: NameRows) -> None:
        self.rows = rows
        self.entries = memoryview(array("Q", [0]) * (1 << SLOT_BITS_MIN))
        self.mask = (1 << SLOT_BITS_MIN) - 1
        self.shift = HASH_BITS - SLOT_BITS_MIN
        self.count = 0
        self.queue = memoryview(array("I", [0]) * QUEUE_MIN)
        self.queue_mask = QUEUE_MIN - 1
        self.queue_at = 0  # where the oldest one stands, but for the mask
        self.queue_end = 0
        self.oldest_ns = 0  # when that one was closed

    def __iter__(self) -> Iterator[ClientOrderId]:
        """Yield all that are known, in no order that means anything."""
        return (self.at_row(entry & ROW_MASK) for entry in self.entries if entry)

    def closed(self) -> Iterator[ClientOrderId]:
        """Yield those of closed orders, the one that was closed first first."""
        places = range(self.queue_at, self.queue_end)
        return (self.at_row(self.queue[place & self.queue_mask]) for place in places)

    @property
    def closed_count(self) -> int:
        return self.queue_end - self.queue_at

    def at_row(self, row: int) -> ClientOrderId:
        """Return what a row says."""
        words = self.rows.words(row)
        name = [words[at] for at in range(NAME_WORDS)]
        text: bytes = _TEXT.unpack(_WORDS.pack(*name))[0]
        content = words[CONTENT_AT] & WORD_MASK
        return ClientOrderId(words[ORDER_ID_AT], content, words[CLOSED_AT], text)

    def open_order_ids(self) -> list[int]:
        """Return the ids of the account's open orders, in no order that means anything."""
        order_ids = []
        for slot in range(self.mask + 1):
            entry = self.entries[slot]
            if entry:
                words = self.rows.words(entry & ROW_MASK)
                if words[CLOSED_AT] == OPEN:
                    order_ids.append(words[ORDER_ID_AT])
        return order_ids

    def order_id(self, row: int) -> int:
        return self.rows.words(row)[ORDER_ID_AT]

    def content(self, row: int) -> int:
        return self.rows.words(row)[CONTENT_AT] & WORD_MASK

    def is_open(self, row: int) -> bool:
        return self.rows.words(row)[CLOSED_AT] == OPEN

    def find(self, value: int, words: memoryview, at: int, now_ns: int) -> int:
        """Return the row of the name at a place in some words, 0 if no order has it or lately had.

        `value` is its `hash_name`.
        """
        slot = value >> self.shift
        entry = self.entries[slot]
        while entry:
            if entry >> HASH_BITS == value:
                closed_ns = self.rows.words(entry & ROW_MASK)[CLOSED_AT]
                is_kept = closed_ns == OPEN or now_ns - closed_ns < REMEMBERED_NS
                # One that is not kept may stand before a younger order's.
                if is_kept and self.rows.has_name(entry & ROW_MASK, words, at):
                    return entry & ROW_MASK
            slot = (slot + 1) & self.mask
            entry = self.entries[slot]
        return 0

    def find_text(self, text: bytes, now_ns: int) -> ClientOrderId | None:
        """Return what is known of a name, likewise, given as text."""
        words = _TEXT.pack(text)
        value = hash_name(packed.words_of(words), 0)
        row = self.find(value, packed.words_of(words), 0, now_ns)
        return self.at_row(row) if row else None

    def fetch(self, words: memoryview, at: int) -> None:
        """Have memory fetch what is needed soon to find the name at a place, and to add it."""
        packed.fetch_entry(self.entries, hash_name(words, at) >> self.shift)

    def add(self, value: int, words: memoryview, at: int, order_id: int, content: int) -> int:
        """Take the name at a place in some words, of that hash, for an order; return its row."""
        if 2 * self.count > self.mask:
            self.grow()
        row = self.rows.take()
        taken = self.rows.words(row)
        for index in range(NAME_WORDS):
            taken[index] = words[at + index]
        taken[ORDER_ID_AT] = order_id
        taken[CONTENT_AT] = (content ^ SIGN_BIT) - SIGN_BIT  # words have a sign
        taken[CLOSED_AT] = OPEN
        self.put(value << HASH_BITS | row)
        self.count += 1
        return row

    def add_text(self, text: bytes, order_id: int, content: int) -> int:
        """Take a name for an order, likewise, given as text."""
        words = _TEXT.pack(text)
        value = hash_name(packed.words_of(words), 0)
        return self.add(value, packed.words_of(words), 0, order_id, content)

    def put(self, entry: int) -> None:
        slot = entry >> HASH_BITS + self.shift
        while self.entries[slot]:
            slot = (slot + 1) & self.mask
        self.entries[slot] = entry

    def grow(self) -> None:
        """Make twice as many slots."""
        entries = self.entries
        slots = self.mask + 1
        self.entries = memoryview(array("Q", [0]) * (2 * slots))
        self.mask = 2 * slots - 1
        self.shift -= 1
        for slot in range(slots):
            if entries[slot]:
                self.put(entries[slot])

    def close(self, row: int, now_ns: int) -> None:
        """Keep a closed order's name, and let go of those that are too old or too many."""
        self.rows.words(row)[CLOSED_AT] = now_ns
        if self.queue_at == self.queue_end:
            self.oldest_ns = now_ns
        if self.queue_end - self.queue_at > self.queue_mask:
            self.lengthen_queue()
        self.queue[self.queue_end & self.queue_mask] = row
        self.queue_end += 1
        # What was closed just now is neither old nor one too many, so some is always left.
        while (
            self.queue_end - self.queue_at > REMEMBERED_MAX
            or now_ns - self.oldest_ns >= REMEMBERED_NS
        ):
            self.forget_oldest()

    def lengthen_queue(self) -> None:
        """Make a ring of twice the size; each name's place in it goes by one more bit."""
        queue = self.queue
        mask = self.queue_mask
        self.queue = memoryview(array("I", [0]) * (2 * len(queue)))
        self.queue_mask = 2 * mask + 1
        for place in range(self.queue_at, self.queue_end):
            self.queue[place & self.queue_mask] = queue[place & mask]

    def forget_oldest(self) -> None:
        """Let go of the first name in the queue, behind which there is another one."""
        self.forget(self.queue[self.queue_at & self.queue_mask])
        self.queue_at += 1
        oldest = self.queue[self.queue_at & self.queue_mask]
        self.oldest_ns = self.rows.words(oldest)[CLOSED_AT]

    def forget(self, row: int) -> None:
        """Take a name out, and let those behind it move up as far as they may."""
        hole = hash_name(self.rows.words(row), 0) >> self.shift
        while self.entries[hole] & ROW_MASK != row:
            hole = (hole + 1) & self.mask
        slot = (hole + 1) & self.mask
        entry = self.entries[slot]
        while entry:
            # What lies at or before the hole on its way from where it belongs can fill it.
            home = entry >> HASH_BITS + self.shift
            if (slot - home) & self.mask >= (slot - hole) & self.mask:
                self.entries[hole] = entry
                hole = slot
            slot = (slot + 1) & self.mask
            entry = self.entries[slot]
        self.entries[hole] = 0
        self.count -= 1
        self.rows.give_back(row)
