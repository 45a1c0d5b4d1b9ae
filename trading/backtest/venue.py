"""One instrument of the venue's own matching core, with all others than the firm as one account.

Orders are matched by `matching.core.engine.Engine`, which gets its real commands: queue places,
fills and fees are those that the venue itself would give, not a model's of them.

The background is the account that all recorded orders of others belong to. At each price it has an
order for every unbroken run of lots in the queue, so that the firm's orders stand between them just
where they would: what joins does so at the back, what leaves does so from the back.
"""

from array import array

from matching.core import packed
from matching.core.engine import Engine
from matching.core.event_writer import EventWriter
from matching.core.holds import Account
from matching.core.order import Level, Order
from matching.core.order_book import OrderBook
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import LAYOUTS, pack, unpack
from vocabulary.instrument import Instrument
from vocabulary.types import INT64_MAX, OrderType, Side, TimeInForce

BACKGROUND_ID = 1
INSTRUMENT_ID = 1
FIRM_SHARE = 1000  # of all that there is, a firm's account gets one part in so many
NAME_BYTES = 7


REJECTED = LAYOUTS[e.CommandRejected].kind
TRADED = LAYOUTS[e.TradeExecuted].kind
TRADE_WORDS = LAYOUTS[e.TradeExecuted].size // 8
BUY = Side.BUY.value
SELL = Side.SELL.value
RESTING_LIMIT = OrderType.LIMIT.value << 8 | TimeInForce.GOOD_TILL_CANCEL.value << 16
IMMEDIATE_LIMIT = OrderType.LIMIT.value << 8 | TimeInForce.IMMEDIATE_OR_CANCEL.value << 16
ACCOUNT_MASK = 0xFFFFFFFF


class SimulatedVenue:
    """The engine, the background's levels, and what happened to the firm's accounts.

    `now_ns` is the time of what is submitted next. `refused` counts the background's commands that
    the engine did not take.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.engine = Engine()
        self.instrument = instrument
        self.sequence = 0
        self.now_ns = 0
        self.refused = 0
        self.entering = _words(c.EnterOrder)
        self.replacing = _words(c.ReplaceOrder)
        self.canceling = _words(c.CancelOrder)
        self.changed: list[tuple[int, int]] = []
        """Side and price of the levels at which the background was traded with."""
        self.own_events: list[e.Event] = []
        """What happened to the firm's orders, or to its own commands, since the last `take`."""
        self._list()
        self.background: Account = self.engine.state.accounts[BACKGROUND_ID]
        self.book: OrderBook = self.engine.state.books[INSTRUMENT_ID]

    # --- The background.

    def level_lots(self, side: int, price_ticks: int) -> int:
        """Return all that rests at a price, the firm's orders with it."""
        level: Level | None = self.book.own(side).level_at(price_ticks)
        return level.lots if level is not None else 0

    def background_lots(self, side: int, price_ticks: int) -> int:
        """Return what others have at a price."""
        return self.lots_of_others(self.book.own(side).level_at(price_ticks))

    def lots_of_others(self, level: Level | None) -> int:
        """Return what others have at a level; there need not be one."""
        if level is None:
            return 0
        lots = level.lots
        if self.firm_order_count():
            order: Order | None = level.oldest
            while order is not None:
                if order.account is not self.background:
                    lots -= order.leaves_lots
                order = order.newer
        return lots

    def firm_order_count(self) -> int:
        """Return how many orders of the firm's rest."""
        return len(self.engine.state.orders) - self.background.open_order_count

    def settle(self, side: int, price_ticks: int, lots: int) -> None:
        """Let the background have so many lots at a price."""
        level: Level | None = self.book.own(side).level_at(price_ticks)
        missing = lots - self.lots_of_others(level)
        if missing > 0:
            self.grow(level, side, price_ticks, missing)
        elif missing < 0:
            self.shrink(level, -missing)

    def shrink(self, level: Level | None, lots: int) -> None:
        """Take so many of the background's lots at a level away, the newest first."""
        order: Order | None = level.newest if level is not None else None
        while lots > 0:
            assert order is not None
            older = order.older
            if order.account is self.background:
                taken = min(lots, order.leaves_lots)
                if taken == order.leaves_lots:
                    self.cancel(order)
                else:
                    self.replace(order, order.quantity_lots - taken)
                lots -= taken
            order = older

    def grow(self, level: Level | None, side: int, price_ticks: int, lots: int) -> None:
        """Let the background join the queue at a level with so many lots more."""
        newest = level.newest if level is not None else None
        if newest is not None and newest.account is self.background:
            self.replace(newest, newest.quantity_lots + lots)  # it is the last in the queue anyway
        else:
            self.enter(side | RESTING_LIMIT, price_ticks, lots)

    def take(self, side: int, price_ticks: int, lots: int) -> None:
        """Let an immediate order of the background meet the queue, up to a price."""
        if self.book.crosses(side, price_ticks):
            self.enter(side | IMMEDIATE_LIMIT, price_ticks, lots)

    # --- The firm.

    def open_account(self, account_id: int) -> None:
        """Give one of the firm's strategies an account, with ample funds."""
        share = INT64_MAX // FIRM_SHARE
        for asset in (self.instrument.base, self.instrument.quote):
            self._operate(c.CreditFunds(0, 0, account_id, asset.asset_id, share))

    def submit(self, command: c.EnterOrder | c.CancelOrder) -> tuple[int, list[e.Event]]:
        """Carry out a command of the firm's; return its sequence and all that it caused."""
        data = pack(command)
        self.sequence += 1
        self.engine.state.timestamp_ns = self.now_ns
        self.engine.dispatch(data, packed.words_of(data), 0, self.sequence)
        return self.sequence, self._taken_events()

    def take_own_events(self) -> list[e.Event]:
        """Return what the background's commands did to the firm's orders since the last call."""
        events, self.own_events = self.own_events, []
        return events

    # --- The background's commands, as words: see `vocabulary.codec`.

    def enter(self, terms: int, price_ticks: int, lots: int) -> None:
        words = self.entering
        words[4] = terms
        words[5] = price_ticks
        words[6] = lots
        # Its client order id: a length and as many bytes, such as no other order has.
        words[7] = NAME_BYTES | self.sequence << 8
        self.carry_out(words)

    def replace(self, order: Order, quantity_lots: int) -> None:
        words = self.replacing
        words[4] = order.order_id
        words[5] = order.price_ticks
        words[6] = quantity_lots
        self.carry_out(words)

    def cancel(self, order: Order) -> None:
        words = self.canceling
        words[4] = order.order_id
        self.carry_out(words)

    def carry_out(self, words: memoryview) -> None:
        """Submit a command and look at what it did."""
        self.sequence += 1
        self.engine.state.timestamp_ns = self.now_ns
        self.engine.dispatch(b"", packed.words_in(words), 0, self.sequence)
        self.look_at(self.engine.events)

    def look_at(self, events: EventWriter) -> None:
        """Note refusals, and trades with their levels and, where it took part, the firm's side."""
        words = events.words
        at = 0
        while at < events.end:
            kind = words[at] & 0xFFFF
            if kind == REJECTED:
                self.refused += 1
            elif kind == TRADED:
                incoming_side = words[at + 2] >> 32 & 0xFF
                self.changed.append((SELL if incoming_side == BUY else BUY, words[at + 3]))
                accounts = words[at + 9]
                if accounts & ACCOUNT_MASK != BACKGROUND_ID or accounts >> 32 != BACKGROUND_ID:
                    traded = bytes(memoryview(events.buffer)[at : at + TRADE_WORDS])
                    self.own_events.append(_event(traded, 0))
            at += words[at] >> 35
        events.end = 0  # seen: nobody else reads them

    def _taken_events(self) -> list[e.Event]:
        data = self.engine.events.take()
        events = []
        at = 0
        while at < len(data):
            event = _event(data, at)
            at += LAYOUTS[type(event)].size
            events.append(event)
        return events

    def _list(self) -> None:
        instrument = self.instrument
        for asset in (instrument.base, instrument.quote):
            self._operate(c.ListAsset(0, 0, asset.asset_id, asset.scale, asset.name.encode()))
        self._operate(
            c.ListInstrument(
                0,
                0,
                INSTRUMENT_ID,
                instrument.base.asset_id,
                instrument.quote.asset_id,
                instrument.lot_units,
                instrument.tick_lot_units,
                0,
                instrument.maker_fee_ppm,
                instrument.taker_fee_ppm,
                instrument.symbol.encode(),
            )
        )
        endless = INT64_MAX // 2
        for asset in (instrument.base, instrument.quote):
            self._operate(c.CreditFunds(0, 0, BACKGROUND_ID, asset.asset_id, endless))

    def _operate(self, command: c.Command) -> None:
        self.sequence += 1
        answer = _event(self.engine.apply(pack(command), self.sequence, self.now_ns), 0)
        assert not isinstance(answer, e.CommandRejected), f"{command}: {answer}"


def _words(command_type: type[c.Command]) -> memoryview:
    """Return the words of a command of the background's, all of whose other fields are 0."""
    layout = LAYOUTS[command_type]
    words = array("q", bytes(layout.size))
    words[0] = layout.kind | layout.version << 16 | layout.size << 32
    words[3] = BACKGROUND_ID | INSTRUMENT_ID << 32
    return memoryview(words)


def _event(data: bytes, offset: int) -> e.Event:
    event, _ = unpack(data, offset)
    assert isinstance(event, e.Event)
    return event
