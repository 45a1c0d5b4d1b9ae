"""The matching engine: one command in, the events that it causes out.

`Engine.apply` is a function of the engine's state and its arguments and of nothing else: no clock,
no chance, no order that a hash decides. The same commands with the same sequences therefore make
the same events on every machine, which is what replay, recovery and every reader rely on.

Orders come as packed bytes and events leave as packed bytes (`vocabulary.codec` describes both),
read and written as 64-bit words. An order goes through four steps: refuse it, or hold its funds;
match it; let what is left rest or cancel it.
"""

from matching.core import (
    auction,
    client_order_ids,
    icebergs,
    list_entry,
    near,
    order_terms,
    packed,
    prefetch,
    special_orders,
)
from matching.core.client_order_ids import ClientOrderIds
from matching.core.event_writer import EventWriter
from matching.core.holds import Account
from matching.core.matcher import Matcher
from matching.core.operations import operate
from matching.core.order import Order, begin
from matching.core.order_book import OrderBook
from matching.core.prefetch import FETCH_STEPS
from matching.core.self_trade import EXPIRE_MAKER, market_buy_units
from matching.core.state import State
from vocabulary import commands as c
from vocabulary.codec import LAYOUTS, VERSIONS, unpack_command
from vocabulary.rejects import RejectReason
from vocabulary.types import (
    CancelReason,
    OrderFlags,
    OrderType,
    Side,
    Sides,
    TimeInForce,
)

# Plain integers under the names of the vocabulary, which the compiled form keeps as C integers.
ENTER_ORDER = LAYOUTS[c.EnterOrder].kind
ENTER_ORDER_WORDS = LAYOUTS[c.EnterOrder].size // 8
TRIGGER_AT = VERSIONS[c.EnterOrder][1].size // 8
REPLACE_ORDER = LAYOUTS[c.ReplaceOrder].kind
CANCEL_ORDER = LAYOUTS[c.CancelOrder].kind
CANCEL_ALL_ORDERS = LAYOUTS[c.CancelAllOrders].kind
SIDES_AT = VERSIONS[c.CancelAllOrders][0].size // 8
ENTERED_BY_AT = VERSIONS[c.CancelAllOrders][1].size // 8
FLAGS_AT = VERSIONS[c.CancelAllOrders][2].size // 8
EXPIRE_ORDERS = LAYOUTS[c.ExpireOrders].kind
EXPIRE_WORDS = LAYOUTS[c.ExpireOrders].size // 8
BUY = Side.BUY.value
BOTH_SIDES = Sides.BOTH.value
MARKET = OrderType.MARKET.value
GOOD_TILL_CANCEL = TimeInForce.GOOD_TILL_CANCEL.value
POST_ONLY = OrderFlags.POST_ONLY.value
ID_MASK = 0xFFFFFFFF
SESSION_MASK = 0xFFFFFFFFFFFFFFFF  # words have a sign, ids of sessions have none
# Where names stand in the commands, in words, and the byte of a name that is its length.
ENTER_NAME_AT = 7
REPLACE_NAME_AT = 7
REPLACE_ORIGINAL_AT = 12
CANCEL_ORIGINAL_AT = 10
LENGTH_MASK = 0xFF
# So many commands. Their source waits for Python, and not for memory.
READS_AHEAD = 0 if __file__.endswith(".py") else 16
CACHED_ORDERS = 4096  # so many are near anyway
LAST_STEP = FETCH_STEPS - 1

MALFORMED_CLIENT_ORDER_ID = RejectReason.MALFORMED_CLIENT_ORDER_ID.value
UNKNOWN_ACCOUNT = RejectReason.UNKNOWN_ACCOUNT.value
ACCOUNT_SUSPENDED = RejectReason.ACCOUNT_SUSPENDED.value
UNKNOWN_INSTRUMENT = RejectReason.UNKNOWN_INSTRUMENT.value
NOT_REPLACEABLE = RejectReason.NOT_REPLACEABLE.value
UNKNOWN_ORDER = RejectReason.UNKNOWN_ORDER.value
QUANTITY_NOT_ABOVE_CUMULATIVE = RejectReason.QUANTITY_NOT_ABOVE_CUMULATIVE.value
DISPLAY_QUANTITY_OUT_OF_RANGE = RejectReason.DISPLAY_QUANTITY_OUT_OF_RANGE.value
DUPLICATE_CLIENT_ORDER_ID = RejectReason.DUPLICATE_CLIENT_ORDER_ID.value
TOO_MANY_OPEN_ORDERS = RejectReason.TOO_MANY_OPEN_ORDERS.value
INSUFFICIENT_FUNDS = RejectReason.INSUFFICIENT_FUNDS.value
WOULD_TAKE_LIQUIDITY = RejectReason.WOULD_TAKE_LIQUIDITY.value

REQUESTED = CancelReason.REQUESTED.value
MASS_CANCELED = CancelReason.MASS_CANCELED.value
EXPIRED = CancelReason.EXPIRED.value


class Engine:
    """Applies commands, one after the other."""

    def __init__(self) -> None:
        self.state = State()
        self.events = EventWriter()
        self.matcher = Matcher(self.state, self.events)

    def apply(self, command: bytes, sequence: int, timestamp_ns: int) -> bytes:
        """Apply one command, which the sequencer found well formed, and return its events.

        `timestamp_ns` is when the command was sequenced.
        """
        self.state.timestamp_ns = timestamp_ns
        self.dispatch(command, packed.words_of(command), 0, sequence)
        return self.events.take()

    def apply_batch(self, commands: bytes, first_sequence: int, timestamp_ns: int) -> bytes:
        """Apply packed commands with consecutive sequences and return all their events."""
        self.run(commands, first_sequence, timestamp_ns, False)
        return self.events.take()

    def record_batch(self, commands: bytes, first_sequence: int, timestamp_ns: int) -> bytes:
        """Apply packed commands with consecutive sequences and return their records."""
        self.run(commands, first_sequence, timestamp_ns, True)
        return self.events.take()

    def run(
        self, commands: bytes, first_sequence: int, timestamp_ns: int, is_recorded: bool
    ) -> None:
        self.state.timestamp_ns = timestamp_ns
        words = packed.words_of(commands)
        at = 0
        end = len(commands) // 8
        sequence = first_sequence
        ahead = at
        while at < end:
            if at >= ahead and READS_AHEAD:
                ahead = self.read_ahead(words, at, end)
            if is_recorded:
                record = self.events.begin_record(words, at, sequence, timestamp_ns)
                self.dispatch(commands, words, at, sequence)
                self.events.end_record(record)
            else:
                self.dispatch(commands, words, at, sequence)
            at += words[at] >> 35  # the size in bytes, from the header's upper half
            sequence += 1

    def read_ahead(self, words: memoryview, at: int, end: int) -> int:
        """Fetch what the next commands are about, and return where those behind them start.

        One after the other, each of them would wait for memory; memory fetches many at a time.
        """
        ends = at
        for _ in range(READS_AHEAD):
            if ends >= end:
                break
            if words[ends] & 0xFFFF == ENTER_ORDER:
                self.fetch_name(words, ends)
            ends += words[ends] >> 35
        if self.state.orders.count > CACHED_ORDERS:
            for step in range(FETCH_STEPS):
                ahead = at
                while ahead < ends:
                    self.fetch(words, ahead, step)
                    ahead += words[ahead] >> 35
        return ends

    def fetch_name(self, words: memoryview, at: int) -> None:
        """Fetch where a new order's client order id goes, and what the order is to spend."""
        account = near.account(self.state, words[at + 3] & ID_MASK)
        if account is not None:
            account.client_order_ids.fetch(words, at + ENTER_NAME_AT)
            prefetch.funds(account)

    def fetch(self, words: memoryview, at: int, step: int) -> None:
        """Fetch what a command is about; at the last step the orders are near."""
        kind = words[at] & 0xFFFF
        if kind == ENTER_ORDER:
            book = near.book(self.state, words[at + 3] >> 32)
            if book is not None:
                book.own(words[at + 4] & 0xFF).fetch(words[at + 5], step)
        elif kind in (CANCEL_ORDER, REPLACE_ORDER):
            self.state.orders.fetch(words[at + 4], step)
            order = self.state.orders.find(words[at + 4]) if step == LAST_STEP else None
            if order is not None:
                prefetch.terms(order)
                self.state.name_rows.fetch(order.name_row)

    def funds(self, account_id: int = 0) -> list[tuple[int, int, int, int]]:
        """Return rows of account, asset, available and held units; of all accounts for 0.

        Among all stands account 0, the venue's own, with the fees it collected.
        """
        return self.state.funds(account_id or None)

    def state_hash(self) -> str:
        return self.state.state_hash()

    @property
    def sequence(self) -> int:
        return self.state.sequence

    @property
    def next_expiry_ns(self) -> int:
        """The time of the next open order or auction to end by itself; 0 if none ever does."""
        order_ns = self.state.expiries.next_ns()
        auction_ns = auction.next_end_ns(self.state) if self.state.auctions else 0
        return min(order_ns or auction_ns, auction_ns or order_ns)

    @property
    def open_order_count(self) -> int:
        return len(self.state.orders)

    def dispatch(self, data: bytes, words: memoryview, at: int, sequence: int) -> None:
        kind = words[at] & 0xFFFF
        self.matcher.matches = 0
        if kind == ENTER_ORDER:
            self.enter_order(data, words, at, sequence)
        elif kind == CANCEL_ORDER:
            self.cancel_order(words, at)
        elif kind == REPLACE_ORDER:
            self.replace_order(words, at)
        elif kind == CANCEL_ALL_ORDERS:
            self.cancel_all_orders(words, at)
        elif kind == EXPIRE_ORDERS:
            self.expire(words[at + EXPIRE_WORDS] if words[at] >> 35 > EXPIRE_WORDS else 0)
        else:
            self.unpack_and_do(data, at, sequence)
        if self.matcher.moved:
            list_entry.settle(self.matcher)
        if self.matcher.interrupted is not None:
            auction.interrupt(self.matcher)
        if self.state.auctions:
            # Expiries and cancels of all there are may have changed any auction.
            auction.publish(self.matcher, words[at + 3] >> 32 if kind <= CANCEL_ORDER else 0)
        self.state.sequence = sequence

    def unpack_and_do(self, data: bytes, at: int, sequence: int) -> None:
        """Carry out a command of which there are few."""
        command, _ = unpack_command(data, at * 8)
        if isinstance(command, c.EnterOrderList):
            list_entry.enter(self.matcher, command, sequence)
        else:
            operate(self.matcher, command)

    # --- The commands. Refusals stand in the order of RejectReason.

    def enter_order(self, data: bytes, words: memoryview, at: int, sequence: int) -> None:
        account_id = words[at + 3] & ID_MASK
        instrument_id = words[at + 3] >> 32
        price_ticks = words[at + 5]
        lots = words[at + 6]
        side = words[at + 4] & 0xFF
        is_market = words[at + 4] >> 8 & 0xFF == MARKET
        flags = words[at + 4] >> 24 & 0xFF
        account: Account | None = near.account(self.state, account_id)
        book: OrderBook | None = near.book(self.state, instrument_id)
        end = at + (words[at] >> 35)
        prevention = words[at + ENTER_ORDER_WORDS] & 0xFF if end > at + ENTER_ORDER_WORDS else 0
        content = client_order_ids.content_of(words, at + 3, end)
        now_ns = self.state.timestamp_ns
        name_hash = client_order_ids.hash_name(words, at + ENTER_NAME_AT)
        known = 0
        if account is not None:
            known = account.client_order_ids.find(name_hash, words, at + ENTER_NAME_AT, now_ns)
            if known and account.client_order_ids.content(known) == content:
                order_id = account.client_order_ids.order_id(known)
                return self.events.order_repeated(order_id, account_id, instrument_id)

        if words[at + ENTER_NAME_AT] & LENGTH_MASK == 0:
            return self.events.command_rejected(MALFORMED_CLIENT_ORDER_ID)
        if account_id == 0:
            return self.events.command_rejected(UNKNOWN_ACCOUNT)
        if account is not None and account.is_suspended:
            return self.events.command_rejected(ACCOUNT_SUSPENDED)
        if book is None:
            return self.events.command_rejected(UNKNOWN_INSTRUMENT)
        refusal = order_terms.terms_refusal(book, words, at, now_ns, False)
        if refusal:
            return self.events.command_rejected(refusal)
        if account is None:
            return self.events.command_rejected(INSUFFICIENT_FUNDS)
        if known:
            return self.events.command_rejected(DUPLICATE_CLIENT_ORDER_ID)
        if book.has_too_many(account):
            return self.events.command_rejected(TOO_MANY_OPEN_ORDERS)
        if end > at + TRIGGER_AT:
            return self.enter_special(book, account, data, at, sequence, content)
        limit_ticks = book.market_limit(side) if is_market else price_ticks
        expire_time_ns = order_terms.ending(words[at + 4] >> 16 & 0xFF, words[at + 12], now_ns)
        order = self.matcher.spare_orders.take()
        begin(
            order, sequence, account, instrument_id, side, limit_ticks, lots, flags, expire_time_ns
        )
        order.entered_by = words[at + 1] & SESSION_MASK
        order.self_trade_prevention = prevention or account.self_trade_prevention
        self.matcher.set_funds(order, book, is_market)
        held_units = order.hold_per_lot * lots
        if is_market and side == BUY:
            held_units = self.market_buy_units(book, order)
        if held_units < 0 or held_units > order.spends.available:
            return self.events.command_rejected(INSUFFICIENT_FUNDS)
        if flags & POST_ONLY and book.crosses(side, price_ticks):
            return self.events.command_rejected(WOULD_TAKE_LIQUIDITY)

        # Past this line nothing can fail.
        order.name_row = account.client_order_ids.add(
            name_hash, words, at + ENTER_NAME_AT, sequence, content
        )
        time_in_force = words[at + 4] >> 16 & 0xFF
        self.matcher.enter(book, order, time_in_force, is_market, held_units)
        return self.matcher.spare_orders.keep(order)

    def enter_special(
        self,
        book: OrderBook,
        account: Account,
        data: bytes,
        at: int,
        sequence: int,
        content: int,
    ) -> None:
        """Go on with an order that waits, is for an amount of money or displays a part of it."""
        command, _ = unpack_command(data, at * 8)
        assert isinstance(command, c.EnterOrder)
        special_orders.enter(self.matcher, book, account, command, sequence, content)

    def market_buy_units(self, book: OrderBook, order: Order) -> int:
        """Return what a market order that buys is to hold; -1 if its account has not as much."""
        limit_ticks = book.calm_limit(order.side, order.price_ticks)
        units_max = order.spends.available
        if order.self_trade_prevention == EXPIRE_MAKER:
            return market_buy_units(book, order, limit_ticks, units_max)
        return book.market_buy_units(order.leaves_lots, limit_ticks, units_max)

    def replace_order(self, words: memoryview, at: int) -> None:
        account_id = words[at + 3] & ID_MASK
        instrument_id = words[at + 3] >> 32
        price_ticks = words[at + 5]
        lots = words[at + 6]
        account: Account | None = near.account(self.state, account_id)
        book: OrderBook | None = near.book(self.state, instrument_id)

        if account is not None and account.is_suspended:
            return self.events.command_rejected(ACCOUNT_SUSPENDED)
        if book is None:
            return self.events.command_rejected(UNKNOWN_INSTRUMENT)
        refusal = order_terms.phase_refusal(book, False, GOOD_TILL_CANCEL, 0)
        if refusal:
            return self.events.command_rejected(refusal)
        refusal = order_terms.replace_refusal(book, price_ticks, lots)
        if refusal:
            return self.events.command_rejected(refusal)
        order = self.open_order(
            account_id, instrument_id, words[at + 4], words, at + REPLACE_ORIGINAL_AT
        )
        if order is None:
            return self.events.command_rejected(UNKNOWN_ORDER)
        if order.trigger is not None or order.order_list is not None:
            return self.events.command_rejected(NOT_REPLACEABLE)
        names = order.account.client_order_ids
        leaves_lots = lots - (order.quantity_lots - order.leaves_lots)
        if leaves_lots <= 0:
            return self.events.command_rejected(QUANTITY_NOT_ABOVE_CUMULATIVE)
        if order.display_lots and icebergs.has_too_many_parts(leaves_lots, order.display_lots):
            return self.events.command_rejected(DISPLAY_QUANTITY_OUT_OF_RANGE)
        is_renamed = words[at + REPLACE_NAME_AT] & LENGTH_MASK != 0 and (
            not names.rows.has_name(order.name_row, words, at + REPLACE_NAME_AT)
        )
        if is_renamed and self.is_taken(names, words, at + REPLACE_NAME_AT):
            return self.events.command_rejected(DUPLICATE_CLIENT_ORDER_ID)
        hold_per_lot = price_ticks * book.tick_lot_units if order.side == BUY else book.lot_units
        more_units = hold_per_lot * leaves_lots - order.hold_per_lot * order.leaves_lots
        if more_units > order.spends.available:
            return self.events.command_rejected(INSUFFICIENT_FUNDS)
        if order.flags & POST_ONLY and book.crosses(order.side, price_ticks):
            return self.events.command_rejected(WOULD_TAKE_LIQUIDITY)

        # Past this line nothing can fail.
        if is_renamed:
            self.matcher.rename(order, words, at + REPLACE_NAME_AT)
        self.matcher.replace(book, order, price_ticks, lots)
        return self.matcher.spare_orders.keep(order)

    def cancel_order(self, words: memoryview, at: int) -> None:
        instrument_id = words[at + 3] >> 32
        book: OrderBook | None = near.book(self.state, instrument_id)
        if book is None:
            return self.events.command_rejected(UNKNOWN_INSTRUMENT)
        order = self.open_order(
            words[at + 3] & ID_MASK,
            instrument_id,
            words[at + 4],
            words,
            at + CANCEL_ORIGINAL_AT,
        )
        if order is None:
            return self.events.command_rejected(UNKNOWN_ORDER)
        # Past this line nothing can fail.
        self.matcher.cancel_resting(book, order, REQUESTED)
        return self.matcher.spare_orders.keep(order)

    def cancel_all_orders(self, words: memoryview, at: int) -> None:
        account_id = words[at + 3] & ID_MASK
        instrument_id = words[at + 3] >> 32
        account: Account | None = near.account(self.state, account_id)
        if instrument_id and instrument_id not in self.state.books:
            return self.events.command_rejected(UNKNOWN_INSTRUMENT)
        if account is None:
            return None
        # Past this line nothing can fail.
        size = words[at] >> 35
        sides = words[at + SIDES_AT] & 0xFF if size > SIDES_AT else BOTH_SIDES
        entered_by = words[at + ENTERED_BY_AT] & SESSION_MASK if size > ENTERED_BY_AT else 0
        flags = words[at + FLAGS_AT] & 0xFF if size > FLAGS_AT else 0
        chosen = (instrument_id, sides, entered_by, flags)
        return self.matcher.cancel_all(account, *chosen, MASS_CANCELED)

    def expire(self, steps_max: int) -> None:
        """End orders and auctions whose time is over; what the bound leaves stays due."""
        steps = 0
        next_ns = self.state.expiries.next_ns()
        while 0 < next_ns <= self.state.timestamp_ns:
            if steps == steps_max > 0:
                return
            steps += 1
            order = self.state.orders.find(self.state.expiries.heap[0][1])
            assert order is not None
            self.matcher.cancel_resting(self.state.books[order.instrument_id], order, EXPIRED)
            next_ns = self.state.expiries.next_ns()
        auction.end_auctions(self.matcher, steps_max)

    # --- The steps that they share.

    def is_taken(self, names: ClientOrderIds, words: memoryview, at: int) -> bool:
        """Say whether an account has, or lately had, an order of the name at a place."""
        name_hash = client_order_ids.hash_name(words, at)
        return names.find(name_hash, words, at, self.state.timestamp_ns) != 0

    def open_order(
        self, account_id: int, instrument_id: int, order_id: int, words: memoryview, name_at: int
    ) -> Order | None:
        """Return an account's open order by order id or, where that is 0, by client order id."""
        account: Account | None = near.account(self.state, account_id)
        if account is None:
            return None
        if order_id == 0:
            name_hash = client_order_ids.hash_name(words, name_at)
            names = account.client_order_ids
            known = names.find(name_hash, words, name_at, self.state.timestamp_ns)
            if not known or not names.is_open(known):
                return None
            order_id = names.order_id(known)
        order: Order | None = self.state.orders.find(order_id)
        if order is None or order.account is not account or order.instrument_id != instrument_id:
            return None
        return order
