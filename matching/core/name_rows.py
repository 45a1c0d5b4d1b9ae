"""Where the names of all accounts' orders lie: rows of nine words in memory, no object to a name.

A row is a name's five words, the order's id, what was asked of that order, when it was closed, and
which row is next in the list of its account that it is in. While the order is open, the complement
of the row before it stands in the place of the time, and is below 0. Rows are taken one after the
other, so the names of orders that came together lie together; one that is given back is the next to
be taken. They lie in pages, since an array that grows would be copied as a whole, and whoever asked
for that row would wait for it.
"""

from __future__ import annotations

from array import array

from matching.core import packed
from vocabulary.types import CLOSED_NAMES_MAX

NAME_WORDS = 5
ORDER_ID_AT = 5
CONTENT_AT = 6
CLOSED_AT = 7
LATER_AT = 8  # of a row that was given back: the one given back before it
ROW_WORDS = 9
PAGE_BITS = 10
PAGE_ROWS = 1 << PAGE_BITS
ROW_IN_PAGE = PAGE_ROWS - 1


class NameRows:
    """The rows, by their number; there is none of number 0."""

    def __init__(self) -> None:
        self.pages = [new_page()]
        self.end = 1
        self.free = 0  # the row that was given back last, 0 for none
        self.closed_max = CLOSED_NAMES_MAX  # of one account

    def words(self, row: int) -> memoryview:
        """Return the words of a row."""
        return packed.row_in(self.pages, row >> PAGE_BITS, (row & ROW_IN_PAGE) * ROW_WORDS)

    def fetch(self, row: int) -> None:
        """Have memory fetch what closing a name writes."""
        packed.fetch_word(self.words(row), CLOSED_AT)

    def has_name(self, row: int, words: memoryview, at: int) -> bool:
        """Say whether a row has the name that stands at a place in some words."""
        name = self.words(row)
        for index in range(NAME_WORDS):  # noqa: SIM110 (a loop compiles to five comparisons)
            if name[index] != words[at + index]:
                return False
        return True

    def take(self) -> int:
        """Return a row that nobody has."""
        row = self.free
        if row:
            self.free = self.words(row)[LATER_AT]
            return row
        row = self.end
        self.end = row + 1
        if row >> PAGE_BITS == len(self.pages):
            self.add_page()
        return row

    def add_page(self) -> None:
        self.pages.append(new_page())

    def give_back(self, row: int) -> None:
        self.words(row)[LATER_AT] = self.free
        self.free = row


def new_page() -> array[int]:
    return array("q", [0]) * (PAGE_ROWS * ROW_WORDS)
