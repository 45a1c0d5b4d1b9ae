"""Packed commands as 64-bit words: a view of them or, where compiled, their address.

`packed.pxd` has the compiled form. A memoryview would be handed from function to function by its
208 bytes; an address is one word.
"""

from __future__ import annotations

from array import array

from vocabulary.packed import words_of

__all__ = [
    "bytes_in",
    "bytes_of",
    "entries_in",
    "fetch_entry",
    "fetch_word",
    "row_in",
    "table_in",
    "words_in",
    "words_of",
]


def bytes_in(words: array[int], start: int, end: int) -> bytes:
    """Return the bytes from one to another of words that are in an array."""
    return memoryview(words).cast("B")[start:end].tobytes()


def words_in(words: memoryview) -> memoryview:
    """Return words that are in an array, likewise."""
    return words


def row_in(pages: list[array[int]], page: int, at: int) -> memoryview:
    """Return the words of a page from some place on, to be read and written."""
    return memoryview(pages[page])[at:]


def entries_in(table: memoryview) -> memoryview:
    """Return the entries of a table, likewise."""
    return table


def table_in(tables: list[array[int]], table: int) -> memoryview:
    """Return the entries of one of several tables, likewise."""
    return memoryview(tables[table])


def bytes_of(words: memoryview, count: int) -> bytes:
    """Return the bytes of the first so many words."""
    return words[:count].tobytes()


def fetch_entry(table: memoryview, at: int) -> None:
    """Have memory fetch an entry that is needed soon; Python itself never waits for memory."""


def fetch_word(words: memoryview, at: int) -> None:
    """Have memory fetch a word, likewise."""
