"""Ladders and orders alone: no accounts, no funds, no checks, no events but trades.

What the engine's own books cost without all that the engine adds. The commands are those of a flow
file (`agio.flow_file`), 4 words each; trades come out as 4 words: the resting order's id, the
incoming one's, price and quantity.
"""

from array import array
from collections.abc import Iterator

from matching.core.ladder import Ladder
from matching.core.order import Resting
from matching.core.order_table import OrderTable
from matching.core.prefetch import FETCH_STEPS
from vocabulary.types import Side

LIMIT = 1
IMMEDIATE_OR_CANCEL = 2
MARKET = 3
CANCEL = 4
REPLACE = 5

SELL = Side.SELL.value
COMMAND_WORDS = 4
TRADE_WORDS = 4
TICKS_MAX = 2**62
READS_AHEAD = 16
CACHED_ORDERS = 4096  # so many are near anyway


class BareBook:
    """The books of some symbols, numbered from 0."""

    def __init__(self, symbols: int) -> None:
        self.ladders = [Ladder(sign) for _ in range(symbols) for sign in (1, -1)]
        self.orders = OrderTable()
        self.spare: list[Resting] = []  # closed ones, for the next to come
        self.buffer = array("q", bytes(8 * TRADE_WORDS * 4096))
        self.words = self.buffer
        self.room = len(self.buffer)
        self.end = 0

    def run(self, commands: memoryview, first: int, count: int) -> bytes:
        """Execute some commands, given as words, and return the trades that they caused."""
        at = COMMAND_WORDS * first
        end = COMMAND_WORDS * (first + count)
        ahead = at
        while at < end:
            if at == ahead and self.orders.count > CACHED_ORDERS:
                ahead = min(at + READS_AHEAD * COMMAND_WORDS, end)
                self.read_ahead(commands, at, ahead)
            self.execute(
                commands[at] & 0xFF,
                commands[at] >> 8 & 0xFF,
                commands[at] >> 16 & 0xFFFF,
                commands[at + 1],
                commands[at + 2],
                commands[at + 3],
            )
            at += COMMAND_WORDS
        trades = bytes(memoryview(self.buffer)[: self.end])
        self.end = 0
        return trades

    def read_ahead(self, commands: memoryview, at: int, end: int) -> None:
        """Fetch what the next commands are about: memory fetches many things at a time."""
        for step in range(FETCH_STEPS):
            ahead = at
            while ahead < end:
                kind = commands[ahead] & 0xFF
                side = 2 * (commands[ahead] >> 16 & 0xFFFF) + (commands[ahead] >> 8 & 0xFF) - 1
                if kind >= CANCEL:
                    self.orders.fetch(commands[ahead + 1], step)
                ladder = self.ladders[side]
                if kind in (LIMIT, REPLACE):
                    ladder.fetch(commands[ahead + 2], step)
                elif kind != CANCEL and step == 1:
                    ladder = self.ladders[side ^ 1]
                    ladder.fetch_front()
                ahead += COMMAND_WORDS

    def resting(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield symbol, order id, price and open lots: bids then asks, best price first."""
        for index, ladder in enumerate(self.ladders):
            for level in ladder:
                for order in level:
                    yield index // 2, order.order_id, level.price_ticks, order.leaves_lots

    def execute(
        self, kind: int, side: int, symbol: int, order_id: int, price_ticks: int, lots: int
    ) -> None:
        own = self.ladders[2 * symbol + side - 1]
        opposite = self.ladders[2 * symbol + 2 - side]
        if kind == LIMIT:
            self.enter(own, opposite, order_id, price_ticks, lots)
        elif kind == CANCEL:
            found = self.orders.find(order_id)
            if found is not None:
                self.leave(own, found)
        elif kind == IMMEDIATE_OR_CANCEL:
            self.match(opposite, order_id, price_ticks, lots)
        elif kind == MARKET:
            self.match(opposite, order_id, 0 if side == SELL else TICKS_MAX, lots)
        else:
            found = self.orders.find(order_id)
            if found is not None:
                self.replace(own, opposite, found, price_ticks, lots)

    def enter(
        self, own: Ladder, opposite: Ladder, order_id: int, price_ticks: int, lots: int
    ) -> None:
        lots = self.match(opposite, order_id, price_ticks, lots)
        if lots:
            order = self.spare.pop() if self.spare else Resting()
            order.order_id = order_id
            order.price_ticks = price_ticks
            order.leaves_lots = lots
            own.append(order)
            self.orders.add(order)

    def replace(
        self, own: Ladder, opposite: Ladder, order: Resting, price_ticks: int, lots: int
    ) -> None:
        if order.price_ticks == price_ticks and lots <= order.leaves_lots:
            own.reduce(order, order.leaves_lots - lots)
        else:
            order_id = order.order_id
            self.leave(own, order)
            self.enter(own, opposite, order_id, price_ticks, lots)

    def match(self, ladder: Ladder, order_id: int, limit_ticks: int, lots: int) -> int:
        """Trade with what rests on a side, up to a limit, and return what is left."""
        limit = ladder.sign * limit_ticks
        while lots > 0:
            level = ladder.best
            if level is None or ladder.sign * level.price_ticks < limit:
                break
            resting = level.oldest
            assert resting is not None
            traded = min(lots, resting.leaves_lots)
            lots -= traded
            self.report(resting.order_id, order_id, level.price_ticks, traded)
            if traded == resting.leaves_lots:
                self.leave(ladder, resting)
            else:
                ladder.reduce(resting, traded)
        return lots

    def leave(self, ladder: Ladder, order: Resting) -> None:
        ladder.remove(order)
        self.orders.remove(order)
        self.spare.append(order)

    def report(self, resting_id: int, incoming_id: int, price_ticks: int, lots: int) -> None:
        at = self.end
        if at + TRADE_WORDS > self.room:
            self.buffer = self.buffer + array("q", bytes(8 * self.room))
            self.words = self.buffer
            self.room = len(self.buffer)
        self.words[at] = resting_id
        self.words[at + 1] = incoming_id
        self.words[at + 2] = price_ticks
        self.words[at + 3] = lots
        self.end = at + TRADE_WORDS
