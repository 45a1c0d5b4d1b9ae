"""Writes the commands of single orders in the layout of `vocabulary.codec`, as 64-bit words.

What a door has read from a message goes straight into the command's bytes: no object stands for the
command in between. A test holds every command written here against the codec's bytes of it.
"""

from __future__ import annotations

from vocabulary import commands as c
from vocabulary.codec import LAYOUTS

_SESSION_ID, _SESSION_NUMBER, _ACCOUNT_AND_INSTRUMENT = 1, 2, 3  # words, in every one of these
_TEXT_WORDS = 5  # a byte of length and up to 39 of text
_ENTER_ORDER_WORDS = 13
_REPLACE_ORDER_WORDS = 17
_CANCEL_ORDER_WORDS = 15
_WORDS_MAX = 17


def _header_word(command_type: type[c.Command]) -> int:
    layout = LAYOUTS[command_type]
    return layout.kind | layout.version << 16 | layout.size << 32


_ENTER_ORDER = _header_word(c.EnterOrder)
_REPLACE_ORDER = _header_word(c.ReplaceOrder)
_CANCEL_ORDER = _header_word(c.CancelOrder)


class CommandWriter:
    """Packs the commands of one session, which trades for one account, one after the other.

    The fields are those of `vocabulary.commands`; nothing is checked. A text is given as the bytes
    that it stands in, at most 39 of them, and where it begins and ends.
    """

    def __init__(self, session_id: int, account_id: int) -> None:
        self._octets = bytearray(8 * _WORDS_MAX)
        self._words = memoryview(self._octets).cast("Q")
        self._words[_SESSION_ID] = session_id
        self._account_id = account_id

    def enter_order(
        self,
        session_number: int,
        instrument_id: int,
        side: int,
        order_type: int,
        time_in_force: int,
        flags: int,
        price_ticks: int,
        quantity_lots: int,
        octets: bytes,
        id_start: int,
        id_stop: int,
    ) -> bytes:
        """Return an `EnterOrder` of version 1: its other fields have their defaults."""
        words = self._words
        words[0] = _ENTER_ORDER
        words[_SESSION_NUMBER] = session_number
        words[_ACCOUNT_AND_INSTRUMENT] = self._account_id | instrument_id << 32
        words[4] = side | order_type << 8 | time_in_force << 16 | flags << 24
        words[5] = price_ticks
        words[6] = quantity_lots
        self._write_text(7, octets, id_start, id_stop)
        words[12] = 0
        return self._packed(_ENTER_ORDER_WORDS)

    def replace_order(
        self,
        session_number: int,
        instrument_id: int,
        order_id: int,
        price_ticks: int,
        quantity_lots: int,
        octets: bytes,
        id_start: int,
        id_stop: int,
        original_start: int,
        original_stop: int,
    ) -> bytes:
        """Return a `ReplaceOrder`."""
        words = self._words
        words[0] = _REPLACE_ORDER
        words[_SESSION_NUMBER] = session_number
        words[_ACCOUNT_AND_INSTRUMENT] = self._account_id | instrument_id << 32
        words[4] = order_id
        words[5] = price_ticks
        words[6] = quantity_lots
        self._write_text(7, octets, id_start, id_stop)
        self._write_text(12, octets, original_start, original_stop)
        return self._packed(_REPLACE_ORDER_WORDS)

    def cancel_order(
        self,
        session_number: int,
        instrument_id: int,
        order_id: int,
        octets: bytes,
        id_start: int,
        id_stop: int,
        original_start: int,
        original_stop: int,
    ) -> bytes:
        """Return a `CancelOrder`."""
        words = self._words
        words[0] = _CANCEL_ORDER
        words[_SESSION_NUMBER] = session_number
        words[_ACCOUNT_AND_INSTRUMENT] = self._account_id | instrument_id << 32
        words[4] = order_id
        self._write_text(5, octets, id_start, id_stop)
        self._write_text(10, octets, original_start, original_stop)
        return self._packed(_CANCEL_ORDER_WORDS)

    def _write_text(self, word: int, octets: bytes, start: int, stop: int) -> None:
        """Write a text from a word on: its length, its bytes, and zeros up to the fifth word."""
        written = self._octets
        for index in range(word, word + _TEXT_WORDS):
            self._words[index] = 0
        at = 8 * word
        written[at] = stop - start
        for index in range(start, stop):
            at += 1
            written[at] = octets[index]

    def _packed(self, words: int) -> bytes:
        written = self._octets
        return bytes(written[: 8 * words])
