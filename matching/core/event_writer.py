"""Writes the engine's events in the layout of `vocabulary.codec`, as 64-bit words.

Every event is a whole number of words: a header of kind, version and size, then the fields, with
the narrow ones side by side in one word. Writing words into one array, and not objects, is what
lets the engine say more than a million things a second; a test holds every event written here
against the codec's reading of it.
"""

from array import array

from google_crc32c import value as crc32c

from matching.core import packed
from vocabulary import events as e
from vocabulary.codec import LAYOUTS, RECORD_HEADER

EVENT_WORDS_MAX = 17
RECORD_HEADER_WORDS = RECORD_HEADER.size // 8


def header_word(event_type: type[e.Event]) -> int:
    layout = LAYOUTS[event_type]
    return layout.kind | layout.version << 16 | layout.size << 32


COMMAND_REJECTED = header_word(e.CommandRejected)
ORDER_ACCEPTED = header_word(e.OrderAccepted)
ORDER_REPLACED = header_word(e.OrderReplaced)
ORDER_RESTED = header_word(e.OrderRested)
TRADE_EXECUTED = header_word(e.TradeExecuted)
AUCTION_TRADE_EXECUTED = header_word(e.AuctionTradeExecuted)
ORDER_CANCELED = header_word(e.OrderCanceled)
ORDER_REPEATED = header_word(e.OrderRepeated)
ORDER_TRIGGERED = header_word(e.OrderTriggered)
MATCH_PREVENTED = header_word(e.MatchPrevented)


class EventWriter:
    """The events since the last `take`, or the records that they are part of."""

    def __init__(self) -> None:
        self.buffer = array("q", bytes(8 * 4096))
        self.words = self.buffer
        self.room = len(self.buffer)
        self.end = 0

    def take(self) -> bytes:
        """Return the events' bytes and begin anew."""
        data = packed.bytes_in(self.words, 0, 8 * self.end)
        self.end = 0
        return data

    def begin_record(self, words: memoryview, at: int, sequence: int, timestamp_ns: int) -> int:
        """Begin the record of the command at a word, and return where it starts."""
        size = words[at] >> 35  # in words, from the header's upper half
        start = self.reserve(RECORD_HEADER_WORDS + size)
        self.words[start + 1] = sequence
        self.words[start + 2] = timestamp_ns
        for index in range(size):
            self.words[start + RECORD_HEADER_WORDS + index] = words[at + index]
        self.end = start + RECORD_HEADER_WORDS + size
        return start

    def end_record(self, start: int) -> None:
        """End the record, behind the events of its command: its size and checksum are known."""
        self.words[start] = (self.end - start) << 35
        crc = crc32c(packed.bytes_in(self.words, 8 * start + 4, 8 * self.end))
        self.words[start] |= crc

    def write(self, data: bytes) -> None:
        """Append an event that is bytes already."""
        words = array("q", data)
        self.reserve(len(words))
        self.buffer[self.end : self.end + len(words)] = words
        self.end += len(words)

    def reserve(self, words: int) -> int:
        """Return where the next event starts, with room for so many words."""
        if self.end + words > self.room:
            # A view of the old array may be in use, so that it can't grow in place.
            self.buffer = self.buffer + array("q", bytes(8 * (self.room + words)))
            self.words = self.buffer
            self.room = len(self.buffer)
        return self.end

    def command_rejected(self, reason: int) -> None:
        at = self.reserve(2)
        self.words[at] = COMMAND_REJECTED
        self.words[at + 1] = reason
        self.end = at + 2

    def order_accepted(
        self, order_id: int, account_id: int, instrument_id: int, held_units: int
    ) -> None:
        at = self.reserve(4)
        self.words[at] = ORDER_ACCEPTED
        self.words[at + 1] = order_id
        self.words[at + 2] = account_id | instrument_id << 32
        self.words[at + 3] = held_units
        self.end = at + 4

    def order_repeated(self, order_id: int, account_id: int, instrument_id: int) -> None:
        at = self.reserve(3)
        self.words[at] = ORDER_REPEATED
        self.words[at + 1] = order_id
        self.words[at + 2] = account_id | instrument_id << 32
        self.end = at + 3

    def order_replaced(
        self,
        order_id: int,
        account_id: int,
        instrument_id: int,
        side: int,
        kept_priority: bool,
        previous_price_ticks: int,
        previous_leaves_lots: int,
        price_ticks: int,
        quantity_lots: int,
        leaves_lots: int,
        held_units: int,
    ) -> None:
        at = self.reserve(10)
        self.words[at] = ORDER_REPLACED
        self.words[at + 1] = order_id
        self.words[at + 2] = account_id | instrument_id << 32
        self.words[at + 3] = side | kept_priority << 8
        self.words[at + 4] = previous_price_ticks
        self.words[at + 5] = previous_leaves_lots
        self.words[at + 6] = price_ticks
        self.words[at + 7] = quantity_lots
        self.words[at + 8] = leaves_lots
        self.words[at + 9] = held_units
        self.end = at + 10

    def order_rested(
        self,
        order_id: int,
        account_id: int,
        instrument_id: int,
        side: int,
        price_ticks: int,
        leaves_lots: int,
    ) -> None:
        at = self.reserve(6)
        self.words[at] = ORDER_RESTED
        self.words[at + 1] = order_id
        self.words[at + 2] = account_id | instrument_id << 32
        self.words[at + 3] = side
        self.words[at + 4] = price_ticks
        self.words[at + 5] = leaves_lots
        self.end = at + 6

    def trade_executed(
        self,
        trade_id: int,
        instrument_id: int,
        incoming_side: int,
        price_ticks: int,
        quantity_lots: int,
        base_units: int,
        quote_units: int,
        resting_order_id: int,
        incoming_order_id: int,
        resting_account_id: int,
        incoming_account_id: int,
        resting_leaves_lots: int,
        incoming_leaves_lots: int,
        resting_cumulative_lots: int,
        incoming_cumulative_lots: int,
        resting_fee_units: int,
        incoming_fee_units: int,
        released_units: int,
    ) -> None:
        at = self.reserve(EVENT_WORDS_MAX)
        self.words[at] = TRADE_EXECUTED
        self.words[at + 1] = trade_id
        self.words[at + 2] = instrument_id | incoming_side << 32
        self.words[at + 3] = price_ticks
        self.words[at + 4] = quantity_lots
        self.words[at + 5] = base_units
        self.words[at + 6] = quote_units
        self.words[at + 7] = resting_order_id
        self.words[at + 8] = incoming_order_id
        self.words[at + 9] = resting_account_id | incoming_account_id << 32
        self.words[at + 10] = resting_leaves_lots
        self.words[at + 11] = incoming_leaves_lots
        self.words[at + 12] = resting_cumulative_lots
        self.words[at + 13] = incoming_cumulative_lots
        self.words[at + 14] = resting_fee_units
        self.words[at + 15] = incoming_fee_units
        self.words[at + 16] = released_units
        self.end = at + EVENT_WORDS_MAX

    def at_auction(self, buy_price_ticks: int, sell_price_ticks: int) -> None:
        """Let the trade that was just written be an auction's, whose layout has these behind."""
        at = self.reserve(2)
        self.words[at - EVENT_WORDS_MAX] = AUCTION_TRADE_EXECUTED
        self.words[at] = buy_price_ticks
        self.words[at + 1] = sell_price_ticks
        self.end = at + 2

    def order_triggered(
        self,
        order_id: int,
        account_id: int,
        instrument_id: int,
        trigger_price_ticks: int,
        price_ticks: int,
    ) -> None:
        at = self.reserve(5)
        self.words[at] = ORDER_TRIGGERED
        self.words[at + 1] = order_id
        self.words[at + 2] = account_id | instrument_id << 32
        self.words[at + 3] = trigger_price_ticks
        self.words[at + 4] = price_ticks
        self.end = at + 5

    def match_prevented(
        self,
        prevented_match_id: int,
        instrument_id: int,
        incoming_side: int,
        account_id: int,
        self_trade_prevention: int,
        price_ticks: int,
        quantity_lots: int,
        resting_order_id: int,
        incoming_order_id: int,
        resting_decrease_lots: int,
        incoming_decrease_lots: int,
        resting_released_units: int,
        incoming_released_units: int,
    ) -> None:
        at = self.reserve(12)
        self.words[at] = MATCH_PREVENTED
        self.words[at + 1] = prevented_match_id
        self.words[at + 2] = instrument_id | incoming_side << 32
        self.words[at + 3] = account_id | self_trade_prevention << 32
        self.words[at + 4] = price_ticks
        self.words[at + 5] = quantity_lots
        self.words[at + 6] = resting_order_id
        self.words[at + 7] = incoming_order_id
        self.words[at + 8] = resting_decrease_lots
        self.words[at + 9] = incoming_decrease_lots
        self.words[at + 10] = resting_released_units
        self.words[at + 11] = incoming_released_units
        self.end = at + 12

    def order_canceled(
        self,
        order_id: int,
        account_id: int,
        instrument_id: int,
        side: int,
        was_resting: bool,
        reason: int,
        price_ticks: int,
        leaves_lots: int,
        cumulative_lots: int,
        released_units: int,
    ) -> None:
        at = self.reserve(8)
        self.words[at] = ORDER_CANCELED
        self.words[at + 1] = order_id
        self.words[at + 2] = account_id | instrument_id << 32
        self.words[at + 3] = side | was_resting << 8 | reason << 16
        self.words[at + 4] = price_ticks
        self.words[at + 5] = leaves_lots
        self.words[at + 6] = cumulative_lots
        self.words[at + 7] = released_units
        self.end = at + 8
