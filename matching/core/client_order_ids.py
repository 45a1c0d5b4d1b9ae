"""Client order ids: which order of an account has, or lately had, a name that its owner gave it.

A name stays taken while its order is open and for 24 hours after that, by the commands' timestamps;
so does a name that a replace took from its order. Whoever enters the same order again within that
time is told of the first one, and never gets a second.

Memory has to end somewhere: per account the newest `CLOSED_NAMES_MAX` names of closed orders are
kept, more than 100 a second for 24 hours.

A name is kept as the five words that it takes up in a command: its length, its bytes and zeros. It
lies in a row of `matching.core.name_rows`, one behind the other for all accounts, and is spoken of
by its row's number. An account's names stand in hash tables of its own: those of one busy account
never make another one wait while they grow.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from matching.core import name_rows, packed
from matching.core.name_rows import NameRows

REMEMBERED_NS = 24 * 3600 * 10**9
FORGOTTEN_AT_ONCE = 2  # so that those too old become fewer, and nobody waits for all of them
OPEN = -1
SLOTS_MIN = 1 << 5
SLOTS_MAX = 1 << 12  # of a table
NAMES_PACKED = 1_000
NAME_WORDS = name_rows.NAME_WORDS
ORDER_ID_AT = name_rows.ORDER_ID_AT
CONTENT_AT = name_rows.CONTENT_AT
CLOSED_AT = name_rows.CLOSED_AT
LATER_AT = name_rows.LATER_AT
PACKED_WORDS = CLOSED_AT + 1
ROW_WORDS = name_rows.ROW_WORDS
PAGE_BITS = name_rows.PAGE_BITS
ROW_IN_PAGE = name_rows.ROW_IN_PAGE
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


def content_of(words: memoryview, first: int, last: int) -> int:
    """Return 64 bits that stand for what was asked: equal for equal words, else all but never.

    An account that would construct an equal one of another order only misleads itself. FNV-1a, a
    word at a time.
    """
    value = HASH_SEED
    for at in range(first, last):
        value = (value ^ words[at]) * HASH_FACTOR & WORD_MASK
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

    Hash tables with open addressing, each at most half full. An entry is one word, a name's hash
    above its row's number, or 0: a new name, as nearly all are, is known by the hashes alone to be
    new. The lower bits of a hash say where it belongs in its table. There is one table, which
    doubles, until it has `SLOTS_MAX` entries; from then on it is split, as each half is later
    (extendible hashing), and the upper bits of a hash say which table it is. So nobody ever waits
    for more than a few thousand names to be moved.

    The rows of open orders' names are in one list, in the order in which these came, and those of
    closed orders' names in another, in the order in which these were closed. To add to it or to
    leave it looks at none that is there already: on a venue with many accounts each look would wait
    for memory.
    """

    def __init__(self, rows: NameRows) -> None:
        self.rows = rows
        self.table_shift = HASH_BITS  # which leaves no bit: there is one table
        self.mask = SLOTS_MIN - 1
        self.count = 0
        self.open_first = 0
        self.open_last = 0
        self.closed_first = 0
        self.closed_last = 0
        self.closed_count = 0
        self.oldest_ns = 0  # when the first one was closed
        self.tables = [new_table(SLOTS_MIN)]
        self.only = memoryview(self.tables[0])  # unless there are several

    def __iter__(self) -> Iterator[ClientOrderId]:
        """Yield all that have a row, those that are too old by now among them."""
        for first in (self.open_first, self.closed_first):
            row = first
            while row:
                yield self.at_row(row)
                row = self.words(row)[LATER_AT]

    def closed(self) -> Iterator[ClientOrderId]:
        """Yield those of closed orders, the one that was closed first first.

        Which of them are too old is judged as of the last close, however many have been let go of:
        that is the state, and the rest is how it lies in memory.
        """
        return map(self.at_row, self.closed_rows())

    def closed_rows(self) -> list[int]:
        """Return the rows of these."""
        rows: list[int] = []
        row = self.closed_first
        if row:
            kept_ns = self.words(self.closed_last)[CLOSED_AT] - REMEMBERED_NS
            while row:
                if self.words(row)[CLOSED_AT] > kept_ns:
                    rows.append(row)
                row = self.words(row)[LATER_AT]
        return rows

    def words(self, row: int) -> memoryview:
        """Return the words of a row."""
        pages = self.rows.pages
        return packed.row_in(pages, row >> PAGE_BITS, (row & ROW_IN_PAGE) * ROW_WORDS)

    def table(self, value: int) -> memoryview:
        """Return the entries of the table where a hash belongs, and behind them their number."""
        if self.table_shift == HASH_BITS:
            return packed.entries_in(self.only)
        return packed.table_in(self.tables, value >> self.table_shift)

    def at_row(self, row: int) -> ClientOrderId:
        """Return what a row says."""
        words = self.words(row)
        text = packed.bytes_of(words, NAME_WORDS)
        content = words[CONTENT_AT] & WORD_MASK
        closed_ns = max(words[CLOSED_AT], OPEN)
        return ClientOrderId(words[ORDER_ID_AT], content, closed_ns, text[1 : 1 + text[0]])

    def pack_closed(self) -> Iterator[bytes]:
        """Yield what is known of closed orders' names, some thousand of them at a time."""
        rows = self.closed_rows()
        for first in range(0, len(rows), NAMES_PACKED):
            some = rows[first : first + NAMES_PACKED]
            yield b"".join([packed.bytes_of(self.words(row), PACKED_WORDS) for row in some])

    def take_closed(self, data: bytes) -> None:
        """Add such names behind those that are there. Raises `ValueError` for part of one."""
        if len(data) % (8 * PACKED_WORDS):
            raise ValueError("not all of a client order id")
        words = packed.words_of(data)
        for at in range(0, len(data) // 8, PACKED_WORDS):
            content = words[at + CONTENT_AT] & WORD_MASK
            row = self.add(hash_name(words, at), words, at, words[at + ORDER_ID_AT], content)
            self.close(row, words[at + CLOSED_AT])

    def open_order_ids(self) -> list[int]:
        """Return the ids of the account's open orders, in no order that means anything."""
        order_ids = []
        row = self.open_first
        while row:
            words = self.words(row)
            order_ids.append(words[ORDER_ID_AT])
            row = words[LATER_AT]
        return order_ids

    def order_id(self, row: int) -> int:
        return self.words(row)[ORDER_ID_AT]

    def content(self, row: int) -> int:
        return self.words(row)[CONTENT_AT] & WORD_MASK

    def is_open(self, row: int) -> bool:
        return self.words(row)[CLOSED_AT] < 0

    def find(self, value: int, words: memoryview, at: int, now_ns: int) -> int:
        """Return the row of the name at a place in some words, 0 if no order has it or lately had.

        `value` is its `hash_name`.
        """
        table = self.table(value)
        slot = value & self.mask
        entry = table[slot]
        while entry:
            if entry >> HASH_BITS == value:
                closed_ns = self.words(entry & ROW_MASK)[CLOSED_AT]
                is_kept = closed_ns < 0 or now_ns - closed_ns < REMEMBERED_NS
                # One that is not kept may stand before a younger order's.
                if is_kept and self.rows.has_name(entry & ROW_MASK, words, at):
                    return entry & ROW_MASK
            slot = (slot + 1) & self.mask
            entry = table[slot]
        return 0

    def find_text(self, text: bytes, now_ns: int) -> ClientOrderId | None:
        """Return what is known of a name, likewise, given as text."""
        words = _TEXT.pack(text)
        value = hash_name(packed.words_of(words), 0)
        row = self.find(value, packed.words_of(words), 0, now_ns)
        return self.at_row(row) if row else None

    def fetch(self, words: memoryview, at: int) -> None:
        """Have memory fetch what is needed soon to find the name at a place, and to add it."""
        value = hash_name(words, at)
        packed.fetch_entry(self.table(value), value & self.mask)

    def add(self, value: int, words: memoryview, at: int, order_id: int, content: int) -> int:
        """Take the name at a place in some words, of that hash, for an order; return its row."""
        if 2 * self.count > self.mask and 2 * self.count_beside(value) > self.mask:
            self.make_room(value)
        row = self.rows.take()
        taken = self.words(row)
        taken[0] = words[at]
        taken[1] = words[at + 1]
        taken[2] = words[at + 2]
        taken[3] = words[at + 3]
        taken[4] = words[at + 4]
        taken[ORDER_ID_AT] = order_id
        taken[CONTENT_AT] = (content ^ SIGN_BIT) - SIGN_BIT  # words have a sign
        earlier = self.open_last
        taken[CLOSED_AT] = ~earlier
        taken[LATER_AT] = 0
        if earlier:
            self.words(earlier)[LATER_AT] = row
        else:
            self.open_first = row
        self.open_last = row
        self.put(self.table(value), value << HASH_BITS | row)
        self.count += 1
        return row

    def add_text(self, text: bytes, order_id: int, content: int) -> int:
        """Take a name for an order, likewise, given as text."""
        words = _TEXT.pack(text)
        value = hash_name(packed.words_of(words), 0)
        return self.add(value, packed.words_of(words), 0, order_id, content)

    def put(self, table: memoryview, entry: int) -> None:
        slot = entry >> HASH_BITS & self.mask
        while table[slot]:
            slot = (slot + 1) & self.mask
        table[slot] = entry
        if self.table_shift < HASH_BITS:
            table[self.mask + 1] += 1

    def count_beside(self, value: int) -> int:
        """Return how many there are in the table where a hash belongs; one alone has them all."""
        return self.count if self.table_shift == HASH_BITS else self.table(value)[self.mask + 1]

    def make_room(self, value: int) -> None:
        """Double the only table, or split the one where a hash belongs."""
        former = memoryview(self.tables[value >> self.table_shift])
        entries = packed.entries_in(former)
        slots = self.mask + 1
        if slots < SLOTS_MAX:
            self.mask = 2 * slots - 1
            self.tables = [new_table(2 * slots)]
            self.only = memoryview(self.tables[0])
        else:
            self.split(value >> self.table_shift)
        for slot in range(slots):
            if entries[slot]:
                self.put(self.table(entries[slot] >> HASH_BITS), entries[slot])

    def split(self, place: int) -> None:
        """Put two empty tables in the places of the one that stands there, and maybe beside it."""
        tables = self.tables
        former = tables[place]
        first = place
        while first and tables[first - 1] is former:
            first -= 1
        end = place + 1
        while end < len(tables) and tables[end] is former:
            end += 1
        if end - first == 1:
            tables = self.tables = [table for table in tables for _ in range(2)]
            self.table_shift -= 1
            first, end = 2 * first, 2 * end
        half = (end - first) // 2
        tables[first:end] = [new_table(SLOTS_MAX)] * half + [new_table(SLOTS_MAX)] * half

    def close(self, row: int, now_ns: int) -> None:
        """Keep a closed order's name, and let go of some that are too old or one too many."""
        words = self.words(row)
        earlier = ~words[CLOSED_AT]
        later = words[LATER_AT]
        if earlier:
            self.words(earlier)[LATER_AT] = later
        else:
            self.open_first = later
        if later:
            self.words(later)[CLOSED_AT] = ~earlier
        else:
            self.open_last = earlier
        words[CLOSED_AT] = now_ns
        words[LATER_AT] = 0
        if self.closed_last:
            self.words(self.closed_last)[LATER_AT] = row
        else:
            self.closed_first = row
            self.oldest_ns = now_ns
        self.closed_last = row
        self.closed_count += 1
        # What was closed just now is neither old nor one too many, so some is always left.
        if self.closed_count > self.rows.closed_max:
            self.forget_oldest()
        for _ in range(FORGOTTEN_AT_ONCE):
            if now_ns - self.oldest_ns < REMEMBERED_NS:
                break
            self.forget_oldest()

    def forget_oldest(self) -> None:
        """Let go of the first name of a closed order, behind which there is another one."""
        row = self.closed_first
        self.closed_first = self.words(row)[LATER_AT]
        self.closed_count -= 1
        self.oldest_ns = self.words(self.closed_first)[CLOSED_AT]
        self.take_out(row)
        self.rows.give_back(row)

    def take_out(self, row: int) -> None:
        """Take a name out of its table, and let those behind it move up as far as they may."""
        value = hash_name(self.words(row), 0)
        table = self.table(value)
        hole = value & self.mask
        while table[hole] & ROW_MASK != row:
            hole = (hole + 1) & self.mask
        slot = (hole + 1) & self.mask
        entry = table[slot]
        while entry:
            # What lies at or before the hole on its way from where it belongs can fill it.
            home = entry >> HASH_BITS & self.mask
            if (slot - home) & self.mask >= (slot - hole) & self.mask:
                table[hole] = entry
                hole = slot
            slot = (slot + 1) & self.mask
            entry = table[slot]
        table[hole] = 0
        self.count -= 1
        if self.table_shift < HASH_BITS:
            table[self.mask + 1] -= 1


def new_table(slots: int) -> array[int]:
    """Return a table without entries; behind them stands how many there are, if it is not alone."""
    return array("Q", [0]) * (slots + 1)
