"""Lists of orders: how they come in, and how those do that come in after the first.

See `matching.core.order_lists` for what they then mean to each other.
"""

from hashlib import blake2b

from matching.core import auction, order_terms, self_trade, stop_orders
from matching.core.holds import Account
from matching.core.matcher import Matcher
from matching.core.order import Order, new_order
from matching.core.order_book import OrderBook
from matching.core.order_lists import OrderList
from matching.core.triggers import Turn
from vocabulary import events as e
from vocabulary.codec import pack
from vocabulary.commands import EnterOrder, EnterOrderList
from vocabulary.rejects import PRECEDENCE, RejectReason
from vocabulary.types import (
    OPEN_ORDERS_PER_ACCOUNT_MAX,
    SECOND_ORDER,
    THIRD_ORDER,
    CancelReason,
    Contingency,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
)

EXPIRE_MAKER = SelfTradePrevention.EXPIRE_MAKER.value
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
GAINS = (OrderType.LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
SESSION_BYTES = 24  # the header and who sends: no part of what is asked


def enter(matcher: Matcher, command: EnterOrderList, sequence: int) -> None:
    """Let a list in, all its orders or none."""
    state, events = matcher.state, matcher.events
    account: Account | None = state.account(command.account_id)
    book: OrderBook | None = state.book(command.instrument_id)
    content = int.from_bytes(blake2b(pack(command)[SESSION_BYTES:], digest_size=8).digest())
    names = account.client_order_ids if account is not None else None
    known = [
        names.find_text(each.client_order_id, state.timestamp_ns) if names is not None else None
        for each in command.orders
    ]
    if all(name is not None and name.content == content for name in known):
        for name in known:
            assert name is not None
            events.order_repeated(name.order_id, command.account_id, command.instrument_id)
        return None

    refusal = terms_refusal(command, account, book, state.timestamp_ns)
    if refusal:
        return events.command_rejected(refusal)
    assert book is not None
    if len({each.client_order_id for each in command.orders}) < len(known) or any(known):
        return events.command_rejected(RejectReason.DUPLICATE_CLIENT_ORDER_ID)
    if has_too_many(book, account, len(known)):
        return events.command_rejected(RejectReason.TOO_MANY_OPEN_ORDERS)
    if account is None:
        return events.command_rejected(RejectReason.INSUFFICIENT_FUNDS)
    ids = (sequence, sequence + SECOND_ORDER, sequence + THIRD_ORDER)
    orders = [
        order_of(account, each, order_id, state.timestamp_ns)
        for each, order_id in zip(command.orders, ids, strict=False)
    ]
    first, *others = orders
    held_units = prepare(matcher, book, first, command.orders[0])
    beyond_units = 0
    if command.contingency == Contingency.ONE_CANCELS_OTHER:
        beyond_units = prepare_beyond(matcher, book, first, others[0], command.orders[1])
    else:
        for order, each in zip(others, command.orders[1:], strict=True):
            order.trigger = Turn(each)
            matcher.set_funds(order, book, False)
            order.hold_per_lot = 0
    if held_units + beyond_units > first.spends.available:
        return events.command_rejected(RejectReason.INSUFFICIENT_FUNDS)
    if would_take(book, first):
        return events.command_rejected(RejectReason.WOULD_TAKE_LIQUIDITY)

    # Past this line nothing can fail.
    OrderList(sequence, command.contingency.value, *orders)
    for order, each in zip(orders, command.orders, strict=True):
        order.name_row = account.client_order_ids.add_text(
            each.client_order_id, order.order_id, content
        )
    told = [order.order_id for order in orders]
    accepted = e.OrderListAccepted(
        sequence, account.account_id, book.instrument_id, command.contingency, *told
    )
    events.write(pack(accepted))
    for order in others:
        matcher.wait(book, order, beyond_units)
    if first.trigger is not None:
        return matcher.wait(book, first, held_units)
    return matcher.enter(book, first, command.first_time_in_force, False, held_units)


def terms_refusal(
    command: EnterOrderList, account: Account | None, book: OrderBook | None, now_ns: int
) -> int:
    """Return the first of all reasons for which one of the orders or the list is refused, or 0."""
    reasons = set()
    if not all(each.client_order_id for each in command.orders):
        reasons.add(RejectReason.MALFORMED_CLIENT_ORDER_ID)
    if command.account_id == 0:
        reasons.add(RejectReason.UNKNOWN_ACCOUNT)
    if account is not None and account.is_suspended:
        reasons.add(RejectReason.ACCOUNT_SUSPENDED)
    if book is None:
        reasons.add(RejectReason.UNKNOWN_INSTRUMENT)
    else:
        triggers = command.contingency == Contingency.ONE_TRIGGERS_OTHER
        for place, order in enumerate(command.orders):
            has_turn = triggers and place > 0
            refusal = order_terms.command_refusal(book, pack(order), now_ns, has_turn)
            reasons |= {RejectReason(refusal)} if refusal else set()
        if not is_supported(command):
            reasons.add(RejectReason.UNSUPPORTED_ORDER)
    return min(reasons, key=PRECEDENCE.__getitem__, default=0)


def is_supported(command: EnterOrderList) -> bool:
    """Say whether orders make a list of their kind."""
    first, *others = command.orders
    if command.contingency == Contingency.ONE_CANCELS_OTHER:
        return len(others) == 1 and are_pair(first, *others)
    return first.order_type == OrderType.LIMIT and (len(others) == 1 or are_pair(*others))


def are_pair(first: EnterOrder, second: EnterOrder) -> bool:
    """Say whether one of two orders may cancel the other."""
    is_gain = first.order_type in GAINS and (
        first.order_type != OrderType.LIMIT or OrderFlags.POST_ONLY in first.flags
    )
    are_alike = (first.side, first.quantity_lots) == (second.side, second.quantity_lots)
    return is_gain and second.order_type in STOPS and are_alike


def has_too_many(book: OrderBook, account: Account | None, more: int) -> bool:
    """Say whether an account may not open so many more orders."""
    here = book.open_counts.get(account.account_id, 0) if account is not None else 0
    in_all = account.open_order_count if account is not None else 0
    return in_all + more > OPEN_ORDERS_PER_ACCOUNT_MAX or 0 < book.open_orders_max < here + more


def order_of(account: Account, command: EnterOrder, order_id: int, now_ns: int) -> Order:
    order = new_order(
        order_id,
        account,
        command.instrument_id,
        command.side.value,
        command.price_ticks,
        command.quantity_lots,
        command.flags.value,
        order_terms.ending(command.time_in_force, command.expire_time_ns, now_ns),
    )
    order.entered_by = command.session_id
    prevention = command.self_trade_prevention.value
    order.self_trade_prevention = prevention or account.self_trade_prevention
    order.display_lots = command.display_lots
    return order


def prepare(matcher: Matcher, book: OrderBook, order: Order, command: EnterOrder) -> int:
    """Give an order its trigger, price and funds; return what it is to hold, -1 for too much."""
    is_market = command.order_type == OrderType.MARKET
    if is_market:
        order.price_ticks = book.market_limit(order.side)
    elif command.order_type > OrderType.LIMIT:
        order.trigger = stop_orders.new_trigger(
            book,
            command.order_type.value,
            command.side.value,
            command.time_in_force.value,
            command.trigger_price_ticks,
            command.trailing_bps,
        )
        if order.trigger.is_market and order.side == Side.BUY:
            trigger_price_ticks = order.trigger.price_ticks
            order.price_ticks = stop_orders.buy_limit(book, order.leaves_lots, trigger_price_ticks)
    matcher.set_funds(order, book, is_market)
    if is_market and order.side == Side.BUY:
        limit_ticks = book.calm_limit(order.side, order.price_ticks)
        units_max = order.spends.available
        if order.self_trade_prevention == EXPIRE_MAKER:
            return self_trade.market_buy_units(book, order, limit_ticks, units_max)
        return book.market_buy_units(order.leaves_lots, limit_ticks, units_max)
    return order.hold_per_lot * order.leaves_lots


def prepare_beyond(
    matcher: Matcher, book: OrderBook, first: Order, second: Order, command: EnterOrder
) -> int:
    """Prepare the second of two that cancel each other; return what it holds beyond the first."""
    prepare(matcher, book, second, command)
    second.hold_per_lot = max(second.hold_per_lot - first.hold_per_lot, 0)
    return second.hold_per_lot * second.leaves_lots


def would_take(book: OrderBook, order: Order) -> bool:
    is_post_only = order.flags & OrderFlags.POST_ONLY != 0
    return is_post_only and book.crosses(order.side, order.price_ticks)


def settle(matcher: Matcher) -> None:
    """See to what the trades of a command have set off.

    First whom they trigger; then, one after the other, the orders whose turn has come, each as if
    it were entered now, with whom it triggers in turn.
    """
    stop_orders.run(matcher)
    while matcher.activated:
        if matcher.interrupted is not None:
            auction.interrupt(matcher)
        activate(matcher, matcher.activated.pop(0))
        stop_orders.run(matcher)


def activate(matcher: Matcher, order_list: OrderList) -> None:
    """Let in those whose turn has come; they end where they would be refused as things are."""
    _, order, *others = order_list.orders
    book: OrderBook = matcher.state.books[order.instrument_id]
    commands = [each.trigger.command for each in (order, *others)]
    refusal = 0
    for each, command in zip((order, *others), commands, strict=True):
        matcher.leave_book(book, each)
        each.trigger = None
        now_ns = matcher.state.timestamp_ns
        refusal = refusal or order_terms.command_refusal(book, pack(command), now_ns, False)
    held_units = 0 if refusal else prepare(matcher, book, order, commands[0])
    beyond_units = 0
    if others and not refusal:
        beyond_units = prepare_beyond(matcher, book, order, others[0], commands[1])
    is_there = 0 <= held_units <= order.spends.available - beyond_units
    if refusal or not is_there or would_take(book, order):
        for each in (order, *others):
            each.trigger = None
            each.hold_per_lot = 0
            matcher.cancel_incoming(each, CancelReason.NOT_ACTIVATED)
        return
    if others:
        OrderList(order_list.list_id, Contingency.ONE_CANCELS_OTHER.value, order, *others)
        come_in(matcher, book, others[0], commands[1], beyond_units)
    come_in(matcher, book, order, commands[0], held_units)


def come_in(
    matcher: Matcher, book: OrderBook, order: Order, command: EnterOrder, held_units: int
) -> None:
    order.spends.hold(held_units)
    order.budget_units = 0 if order.hold_per_lot else held_units
    event = e.OrderActivated(
        order.order_id, order.account.account_id, book.instrument_id, held_units
    )
    matcher.events.write(pack(event))
    if order.trigger is not None:
        return matcher.stand_aside(book, order)
    is_market = command.order_type == OrderType.MARKET
    return matcher.admit(book, order, command.time_in_force, is_market)
