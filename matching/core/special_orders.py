"""New orders that ask for more than a side, a price and a quantity: how they come in.

`matching.core.engine` has refused what all orders are refused for. These are rarer, so they come as
command objects.
"""

from matching.core import order_terms, quote_amounts, stop_orders
from matching.core.holds import Account
from matching.core.matcher import Matcher
from matching.core.order import Order, new_order
from matching.core.order_book import OrderBook
from vocabulary import events as e
from vocabulary.codec import pack
from vocabulary.commands import Command, EnterOrder
from vocabulary.rejects import RejectReason
from vocabulary.types import OrderFlags, OrderType, Side


def enter(
    matcher: Matcher,
    book: OrderBook,
    account: Account,
    command: Command,
    sequence: int,
    content: int,
) -> None:
    """Let an order in, or say why not; `content` is that of its client order id."""
    assert isinstance(command, EnterOrder)
    order = new_order(
        sequence,
        account,
        book.instrument_id,
        command.side.value,
        command.price_ticks,
        command.quantity_lots,
        command.flags.value,
        order_terms.ending(
            command.time_in_force, command.expire_time_ns, matcher.state.timestamp_ns
        ),
    )
    order.entered_by = command.session_id
    prevention = command.self_trade_prevention.value
    order.self_trade_prevention = prevention or account.self_trade_prevention
    order.display_lots = command.display_lots
    take = take_amount if command.quote_units else take_iceberg
    if command.order_type > OrderType.LIMIT:
        take = take_waiting
    take(matcher, book, order, command, content)


def take_amount(
    matcher: Matcher, book: OrderBook, order: Order, command: EnterOrder, content: int
) -> None:
    """Go on with an order at market by quote amount; a buyer holds all of it."""
    order.price_ticks = book.market_limit(order.side)
    lots = quote_amounts.lots_for(book, order, command.quote_units)
    order.quantity_lots = order.leaves_lots = lots
    matcher.set_funds(order, book, True)
    held_units = command.quote_units if order.side == Side.BUY else order.hold_per_lot * lots
    if held_units > order.spends.available:
        return refuse(matcher, RejectReason.INSUFFICIENT_FUNDS)
    if not book.quantity_lots_min <= lots <= book.quantity_lots_max:
        return refuse(matcher, RejectReason.NO_QUANTITY_FOR_AMOUNT)

    # Past this line nothing can fail.
    name(order, command, content)
    order.spends.hold(held_units)
    order.budget_units = 0 if order.hold_per_lot else held_units
    accepted = e.OrderAccepted(
        order.order_id, order.account.account_id, book.instrument_id, held_units, lots
    )
    matcher.events.write(pack(accepted))
    return matcher.admit(book, order, command.time_in_force, True)


def take_iceberg(
    matcher: Matcher, book: OrderBook, order: Order, command: EnterOrder, content: int
) -> None:
    """Go on with a limit order of which not all is to be displayed."""
    matcher.set_funds(order, book, False)
    held_units = order.hold_per_lot * order.leaves_lots
    if held_units > order.spends.available:
        return refuse(matcher, RejectReason.INSUFFICIENT_FUNDS)
    if order.flags & OrderFlags.POST_ONLY and book.crosses(order.side, order.price_ticks):
        return refuse(matcher, RejectReason.WOULD_TAKE_LIQUIDITY)

    # Past this line nothing can fail.
    name(order, command, content)
    return matcher.enter(book, order, command.time_in_force, False, held_units)


def take_waiting(
    matcher: Matcher, book: OrderBook, order: Order, command: EnterOrder, content: int
) -> None:
    """Go on with an order that is to wait for the price."""
    trigger = stop_orders.new_trigger(
        book,
        command.order_type.value,
        command.side.value,
        command.time_in_force.value,
        command.trigger_price_ticks,
        command.trailing_bps,
    )
    if trigger.is_market and command.side == Side.BUY:
        order.price_ticks = stop_orders.buy_limit(book, order.leaves_lots, trigger.price_ticks)
    order.trigger = trigger
    matcher.set_funds(order, book, False)
    held_units = order.hold_per_lot * order.leaves_lots
    if held_units > order.spends.available:
        return refuse(matcher, RejectReason.INSUFFICIENT_FUNDS)

    # Past this line nothing can fail.
    name(order, command, content)
    return matcher.wait(book, order, held_units)


def refuse(matcher: Matcher, reason: RejectReason) -> None:
    return matcher.events.command_rejected(reason)


def name(order: Order, command: EnterOrder, content: int) -> None:
    """Let an order have its client order id."""
    names = order.account.client_order_ids
    order.name_row = names.add_text(command.client_order_id, order.order_id, content)
