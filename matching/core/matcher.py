"""What becomes of an order once it is let through: it trades, rests, leaves.

Every step moves the funds that it concerns and says what happened.
"""

from matching.core import client_order_ids, icebergs, match_bounds, order_lists, own_orders
from matching.core.event_writer import EventWriter
from matching.core.fees import fee_units, maker_fee_units
from matching.core.holds import Account
from matching.core.order import Order, SpareOrders
from matching.core.order_book import OrderBook
from matching.core.self_trade import INCOMING_ENDS, NONE, RESTING_ENDS, can_fill, prevent
from matching.core.state import State
from vocabulary.types import (
    MATCHES_PER_COMMAND_MAX,
    CancelReason,
    Side,
    Sides,
    TimeInForce,
    TradingPhase,
)

BUY = Side.BUY.value
BOTH_SIDES = Sides.BOTH.value
TRADING = TradingPhase.TRADING.value
IMMEDIATE_OR_CANCEL = TimeInForce.IMMEDIATE_OR_CANCEL.value
FILL_OR_KILL = TimeInForce.FILL_OR_KILL.value
NOT_IMMEDIATE = CancelReason.IMMEDIATE_OR_CANCEL.value
KILLED = CancelReason.FILL_OR_KILL.value
MARKET_EXHAUSTED = CancelReason.MARKET_EXHAUSTED.value
MARKET_COLLAR = CancelReason.MARKET_COLLAR.value
VOLATILITY = CancelReason.VOLATILITY_INTERRUPTION.value
SELF_TRADE_PREVENTED = CancelReason.SELF_TRADE_PREVENTED.value


class Matcher:
    """Carries out what `matching.core.engine` has decided. Nothing here refuses."""

    def __init__(self, state: State, events: EventWriter) -> None:
        self.state = state
        self.events = events
        self.spare_orders = SpareOrders()
        self.moved: list[OrderBook] = []  # in which trades may have reached orders that wait
        self.activated: list[order_lists.OrderList] = []  # whose first order is filled
        self.interrupted: OrderBook | None = None  # its auction begins when the command is done
        self.matches = 0  # that the command made
        self.matches_max = MATCHES_PER_COMMAND_MAX
        self.is_exhausted = False  # it is interrupted as it would have made more

    def set_funds(self, order: Order, book: OrderBook, is_market: bool) -> None:
        """Give an order the funds that it spends and receives, and what a lot of it holds."""
        account = order.account
        account.turn_to(book.base_asset_id, book.quote_asset_id)
        if order.side == BUY:
            order.spends = account.quote_funds
            order.receives = account.base_funds
            order.hold_per_lot = 0 if is_market else order.price_ticks * book.tick_lot_units
        else:
            order.spends = account.base_funds
            order.receives = account.quote_funds
            order.hold_per_lot = book.lot_units

    def enter(
        self,
        book: OrderBook,
        order: Order,
        time_in_force: int,
        is_market: bool,
        held_units: int,
    ) -> None:
        """Let a new order in: hold its funds, match it, and let the rest of it rest or end."""
        account = order.account
        order.spends.hold(held_units)
        order.budget_units = 0 if order.hold_per_lot else held_units
        self.events.order_accepted(
            order.order_id, account.account_id, order.instrument_id, held_units
        )
        return self.admit(book, order, time_in_force, is_market)

    def wait(self, book: OrderBook, order: Order, held_units: int) -> None:
        """Let a new order in that waits for the price: hold its funds, and let it stand aside."""
        account = order.account
        order.spends.hold(held_units)
        self.events.order_accepted(
            order.order_id, account.account_id, order.instrument_id, held_units
        )
        return self.stand_aside(book, order)

    def stand_aside(self, book: OrderBook, order: Order) -> None:
        """Let an order wait, which holds its funds."""
        book.triggers.add(order)
        book.waiting_count += 1
        self.open(book, order)
        if order.expire_time_ns:
            self.state.expiries.add(order)

    def trigger(self, book: OrderBook, order: Order, price_ticks: int) -> None:
        """Let an order in whose wait a trade at this price has ended."""
        trigger = order.trigger
        self.events.order_triggered(
            order.order_id,
            order.account.account_id,
            order.instrument_id,
            trigger.price_ticks,
            price_ticks,
        )
        if order.order_list is not None:
            order_lists.triggered(self, book, order)
        self.leave_book(book, order)
        order.trigger = None
        is_market = trigger.is_market
        if is_market:
            limit_ticks = book.market_limit(order.side)
            order.price_ticks = (
                min(order.price_ticks, limit_ticks) if order.side == BUY else limit_ticks
            )
        return self.admit(book, order, trigger.time_in_force, is_market)

    def admit(self, book: OrderBook, order: Order, time_in_force: int, is_market: bool) -> None:
        """Match an order that holds its funds, and let the rest of it rest or end."""
        if time_in_force == FILL_OR_KILL and not self.can_fill(book, order):
            return self.cancel_incoming(order, KILLED)
        may_rest = self.match(book, order)
        if order.leaves_lots == 0:
            return self.finish(book, order)
        if not may_rest:
            return self.cancel_incoming(order, SELF_TRADE_PREVENTED)
        if is_market or time_in_force == IMMEDIATE_OR_CANCEL:
            return self.cancel_incoming(order, self.reason_not_to_rest(book, order, is_market))
        if not self.may_join(book, order):
            return self.cancel_incoming(order, SELF_TRADE_PREVENTED)
        if order.expire_time_ns:
            self.state.expiries.add(order)
        return self.rest(book, order)

    def reason_not_to_rest(self, book: OrderBook, order: Order, is_market: bool) -> int:
        if self.interrupted is not None:
            return VOLATILITY
        if not is_market:
            return NOT_IMMEDIATE
        return MARKET_EXHAUSTED if book.opposite(order.side).best is None else MARKET_COLLAR

    def may_join(self, book: OrderBook, order: Order) -> bool:
        """Say whether an order may join those that are collected, which is where it may cross."""
        is_matched = book.phase == TRADING and self.interrupted is None
        if is_matched or order.self_trade_prevention <= NONE:
            return True
        return own_orders.pass_by(self, book, order)

    def can_fill(self, book: OrderBook, order: Order) -> bool:
        """Say whether an order would be filled whole."""
        limit_ticks = book.calm_limit(order.side, order.price_ticks)
        if order.self_trade_prevention > NONE:
            is_there = can_fill(book, order, limit_ticks)
        else:
            is_there = book.can_fill(order.side, limit_ticks, order.leaves_lots)
        return is_there and match_bounds.fit(book, order, self.matches_max - self.matches)

    def match(self, book: OrderBook, incoming: Order) -> bool:
        """Trade an order with what rests on the other side, best price first, oldest first.

        Return False if what is left of it must end, as it met an order of its own account.
        """
        if book.phase != TRADING:
            return True
        ladder = book.sells if incoming.side == BUY else book.buys
        limit_ticks = incoming.price_ticks
        if book.has_volatility_band:
            limit_ticks = book.calm_limit(incoming.side, limit_ticks)
        first_ticks = last_ticks = 0
        may_rest = True
        while incoming.leaves_lots > 0:
            level = ladder.best
            if level is None:
                break
            if incoming.side == BUY:
                if level.price_ticks > limit_ticks:
                    break
            elif level.price_ticks < limit_ticks:
                break
            if self.matches == self.matches_max:
                self.is_exhausted = True
                self.interrupted = book
                break
            self.matches += 1
            resting = level.oldest
            assert resting is not None
            if incoming.self_trade_prevention > NONE and resting.account is incoming.account:
                ends = prevent(book, resting, incoming, self.events)
                if ends & RESTING_ENDS:
                    self.cancel_resting(book, resting, SELF_TRADE_PREVENTED)
                elif resting.order_list is not None:
                    order_lists.traded(self, book, resting)
                if ends & INCOMING_ENDS:
                    may_rest = False
                    break
                continue
            last_ticks = level.price_ticks
            if first_ticks == 0:
                first_ticks = last_ticks
            self.trade(book, resting, incoming)
            if resting.leaves_lots == 0:
                self.leave_book(book, resting)
                self.close(resting)
            elif resting.leaves_lots == resting.hidden_lots:
                icebergs.refresh(book, resting, self.events)
            if resting.order_list is not None:
                order_lists.traded(self, book, resting)
            else:
                self.spare_orders.keep(resting)
        if last_ticks:
            book.set_reference(last_ticks)
            book.last_trade_ticks = last_ticks
            if book.waiting_count:
                self.note_trades(book, first_ticks, last_ticks)
        is_calm = limit_ticks == incoming.price_ticks or incoming.leaves_lots == 0
        if may_rest and not is_calm and book.crosses(incoming.side, incoming.price_ticks):
            self.interrupted = book
        return may_rest

    def note_trades(self, book: OrderBook, first_ticks: int, last_ticks: int) -> None:
        """Keep what trades may trigger: between two prices a match never turns around."""
        book.triggers.prices += [first_ticks, last_ticks]
        if book not in self.moved:
            self.moved.append(book)

    def trade(self, book: OrderBook, resting: Order, incoming: Order) -> None:
        """Let two orders meet at the resting order's price and move the funds."""
        lots = min(resting.leaves_lots - resting.hidden_lots, incoming.leaves_lots)
        price_ticks = resting.price_ticks
        base_units = lots * book.lot_units
        quote_units = lots * price_ticks * book.tick_lot_units
        if incoming.side == BUY:
            incoming_spent, resting_spent = quote_units, base_units
            incoming_fees, resting_fees = book.base_fees, book.quote_fees
        else:
            incoming_spent, resting_spent = base_units, quote_units
            incoming_fees, resting_fees = book.quote_fees, book.base_fees
        incoming_fee = fee_units(resting_spent, book.taker_ppm(incoming.account))
        resting_ppm = book.maker_ppm(resting.account)
        resting_fee = maker_fee_units(incoming_spent, resting_spent, resting_ppm, incoming_fee)
        if incoming.hold_per_lot:
            unheld = incoming.hold_per_lot * lots
        else:
            unheld = incoming_spent if incoming.leaves_lots > lots else incoming.budget_units
            incoming.budget_units -= unheld

        incoming.spends.held -= unheld
        incoming.spends.available += unheld - incoming_spent
        incoming.receives.available += resting_spent - incoming_fee
        incoming_fees.available += incoming_fee
        resting.spends.held -= resting_spent
        if resting_fee >= 0:
            resting.receives.available += incoming_spent - resting_fee
            resting_fees.available += resting_fee
        else:
            resting.receives.available += incoming_spent
            resting.spends.available -= resting_fee
            incoming_fees.available += resting_fee
        incoming.leaves_lots -= lots
        book.own(resting.side).reduce(resting, lots)
        book.trade_count += 1
        self.events.trade_executed(
            book.trade_count,
            book.instrument_id,
            incoming.side,
            price_ticks,
            lots,
            base_units,
            quote_units,
            resting.order_id,
            incoming.order_id,
            resting.account.account_id,
            incoming.account.account_id,
            resting.leaves_lots,
            incoming.leaves_lots,
            resting.quantity_lots - resting.leaves_lots,
            incoming.quantity_lots - incoming.leaves_lots,
            resting_fee,
            incoming_fee,
            unheld - incoming_spent,
        )

    def replace(self, book: OrderBook, order: Order, price_ticks: int, quantity_lots: int) -> None:
        """Give a resting order new terms, in place where that is no advantage over others."""
        account = order.account
        ladder = book.own(order.side)
        previous_price = order.price_ticks
        previous_leaves = order.leaves_lots
        previous_hidden = order.hidden_lots
        leaves_lots = quantity_lots - (order.quantity_lots - previous_leaves)
        hold_per_lot = price_ticks * book.tick_lot_units if order.side == BUY else book.lot_units
        held_units = hold_per_lot * leaves_lots
        kept_priority = price_ticks == previous_price and leaves_lots <= previous_leaves
        order.spends.hold(held_units - order.hold_per_lot * previous_leaves)
        if kept_priority:
            ladder.reduce(order, previous_leaves - leaves_lots)
            order.hidden_lots -= min(previous_hidden, previous_leaves - leaves_lots)
        else:
            self.leave_book(book, order)
            order.hidden_lots = 0
            order.leaves_lots = leaves_lots
            order.price_ticks = price_ticks
            order.hold_per_lot = hold_per_lot
        order.quantity_lots = quantity_lots
        if order.display_lots:
            previous = (previous_price, previous_leaves, previous_hidden)
            icebergs.report_replaced(order, kept_priority, previous, held_units, self.events)
        else:
            self.events.order_replaced(
                order.order_id,
                account.account_id,
                book.instrument_id,
                order.side,
                kept_priority,
                previous_price,
                previous_leaves,
                price_ticks,
                quantity_lots,
                leaves_lots,
                held_units,
            )
        if not kept_priority:
            may_rest = self.match(book, order)
            if order.leaves_lots == 0:
                self.close(order)
            elif may_rest and self.may_join(book, order):
                self.rest(book, order)
            else:
                self.cancel_incoming(order, SELF_TRADE_PREVENTED)

    def rename(self, order: Order, words: memoryview, at: int) -> None:
        """Give an order the name that stands at a place in some words; the old one stays taken."""
        names = order.account.client_order_ids
        former = order.name_row
        names.close(former, self.state.timestamp_ns)
        value = client_order_ids.hash_name(words, at)
        order.name_row = names.add(value, words, at, order.order_id, names.content(former))

    def rest(self, book: OrderBook, order: Order) -> None:
        """Put what is left of an order into the book."""
        account = order.account
        ladder = book.buys if order.side == BUY else book.sells
        ladder.append(order)
        self.open(book, order)
        if order.display_lots:
            icebergs.show(order)
            icebergs.report_rested(order, self.events)
        else:
            self.events.order_rested(
                order.order_id,
                account.account_id,
                book.instrument_id,
                order.side,
                order.price_ticks,
                order.leaves_lots,
            )

    def open(self, book: OrderBook, order: Order) -> None:
        """Count an order that stays."""
        self.state.orders.add(order)
        order.account.open_order_count += 1
        if book.open_orders_max:
            book.count_open(order.account, 1)

    def leave_book(self, book: OrderBook, order: Order) -> None:
        """Take an order out of the book, filled, canceled or to be entered anew."""
        if order.trigger is None:
            ladder = book.buys if order.side == BUY else book.sells
            ladder.remove(order)
        else:
            book.triggers.remove(order)
            book.waiting_count -= 1
        self.state.orders.remove(order)
        order.account.open_order_count -= 1
        if book.open_orders_max:
            book.count_open(order.account, -1)

    def finish(self, book: OrderBook, order: Order) -> None:
        """End an order that was filled as it came."""
        self.close(order)
        if order.order_list is not None:
            order_lists.traded(self, book, order)

    def close(self, order: Order) -> None:
        """End an order that is not in the book, or not any more."""
        order.account.client_order_ids.close(order.name_row, self.state.timestamp_ns)

    def cancel_all(
        self,
        account: Account,
        instrument_id: int,
        sides: int,
        entered_by: int,
        flags: int,
        reason: int,
    ) -> None:
        """Cancel an account's open orders, the oldest first.

        Those of an instrument, of a side and of the session that entered them, or (0) of all; and
        that have all of some flags.
        """
        for order_id in sorted(account.client_order_ids.open_order_ids()):
            order = self.state.orders.find(order_id)
            if order is None:  # it ended with the other of its list
                continue
            if (
                instrument_id in (0, order.instrument_id)
                and sides in (BOTH_SIDES, order.side)
                and entered_by in (0, order.entered_by)
                and order.flags & flags == flags
            ):
                self.cancel_resting(self.state.books[order.instrument_id], order, reason)

    def cancel_resting(self, book: OrderBook, order: Order, reason: int) -> None:
        self.leave_book(book, order)
        self.close(order)
        released_units = order.hold_per_lot * order.leaves_lots
        order.spends.release(released_units)
        self.report_cancel(order, order.trigger is None, reason, released_units)
        if order.order_list is not None:
            order_lists.ended(self, book, order, reason)

    def cancel_incoming(self, order: Order, reason: int) -> None:
        """End an incoming order that is not to rest."""
        self.close(order)
        released_units = order.hold_per_lot * order.leaves_lots + order.budget_units
        order.spends.release(released_units)
        self.report_cancel(order, False, reason, released_units)
        if order.order_list is not None:
            order_lists.ended(self, self.state.books[order.instrument_id], order, reason)

    def report_cancel(
        self, order: Order, was_resting: bool, reason: int, released_units: int
    ) -> None:
        if order.hidden_lots:
            icebergs.report_canceled(order, reason, released_units, self.events)
        else:
            self.events.order_canceled(
                order.order_id,
                order.account.account_id,
                order.instrument_id,
                order.side,
                was_resting,
                reason,
                order.price_ticks if was_resting else 0,
                order.leaves_lots,
                order.quantity_lots - order.leaves_lots,
                released_units,
            )
