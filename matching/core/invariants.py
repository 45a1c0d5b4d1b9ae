"""What must hold between any two commands.

Tests check it after every step; it costs far too much to run live.
"""

from collections import defaultdict

from matching.core.holds import Account
from matching.core.ladder import Ladder
from matching.core.order import Order
from matching.core.order_book import OrderBook
from matching.core.state import State, order_row
from matching.core.trading_phase import AUCTIONS
from vocabulary.types import Contingency, Side, TradingPhase


class InvariantBroken(AssertionError):
    """The engine's state contradicts itself; says where."""


def check(state: State) -> None:
    """Raise `InvariantBroken` if a book or an account contradicts itself."""
    held: defaultdict[tuple[int, int], int] = defaultdict(int)
    resting = 0
    for instrument_id, book in state.books.items():
        buys, sells = book.buys.best, book.sells.best
        is_crossed = (
            buys is not None and sells is not None and buys.price_ticks >= sells.price_ticks
        )
        if is_crossed and book.phase == TradingPhase.TRADING:
            raise InvariantBroken(f"book {instrument_id} is crossed")
        if (book.phase in AUCTIONS) != (instrument_id in state.auctions):
            raise InvariantBroken(f"book {instrument_id} is, or is not, at auction")
        for ladder in (book.buys, book.sells):
            _check_ladder(ladder)
            for level in ladder:
                for order in level:
                    resting += 1
                    held[order.account.account_id, order.spends.asset_id] += (
                        order.hold_per_lot * order.leaves_lots
                    )
                    terms = order.price_ticks * book.tick_lot_units
                    if order.hold_per_lot != (terms if order.side == Side.BUY else book.lot_units):
                        raise InvariantBroken(f"order {order.order_id} holds the wrong amount")
                    if state.orders.find(order.order_id) is not order:
                        raise InvariantBroken(f"order {order.order_id} is not among the orders")
                    name = order.client_order_id
                    if name.order_id != order.order_id or not name.is_open:
                        raise InvariantBroken(f"order {order.order_id} has another one's name")
        resting += _check_triggers(book, held)
    for order in state.orders:
        _check_plain(order)
        _check_list(order)
    timed = {(o.expire_time_ns, o.order_id) for o in state.orders if o.expire_time_ns}
    if not timed <= set(state.expiries.heap):
        raise InvariantBroken("an order's time in force is not kept")
    if resting != len(state.orders):
        raise InvariantBroken(f"{len(state.orders)} orders, of which {resting} rest")
    _check_funds(state, held)


def _check_plain(order: Order) -> None:
    """Look for what a state hash shows and a snapshot does not keep, such as enumerations."""
    row = order_row(order) + (order.trigger.row if order.trigger is not None else ())
    row += order.order_list.row if order.order_list is not None else ()
    if not all(type(value) in (int, bytes) for value in row):
        raise InvariantBroken(f"order {order.order_id} is not of plain values: {row}")


def _check_triggers(book: OrderBook, held: dict[tuple[int, int], int]) -> int:
    """Return how many orders wait for a price."""
    triggers = book.triggers
    lines = {
        order_id: key for line in (triggers.falling, triggers.rising) for key, order_id in line
    }
    priced = {
        order_id: order for order_id, order in triggers.orders.items() if not order.trigger.is_turn
    }
    if lines != {order_id: order.trigger.key for order_id, order in priced.items()}:
        raise InvariantBroken(f"orders of book {book.instrument_id} wait out of order")
    if book.waiting_count != len(triggers.orders) or triggers.prices:
        raise InvariantBroken(f"book {book.instrument_id} miscounts those who wait")
    for order in triggers.orders.values():
        units = order.hold_per_lot * order.leaves_lots
        held[order.account.account_id, order.spends.asset_id] += units
        if order.trigger.is_turn:
            continue
        is_reached = book.last_trade_ticks and order.trigger.is_reached(book.last_trade_ticks)
        if is_reached and book.phase == TradingPhase.TRADING:
            raise InvariantBroken(f"order {order.order_id} should have triggered")
    return len(triggers.orders)


def _check_list(order: Order) -> None:
    if order.order_list is None:
        return
    orders = order.order_list.orders
    if order not in orders or any(each.order_list is not order.order_list for each in orders):
        raise InvariantBroken(f"order {order.order_id} is not in its own list")
    cancels = order.order_list.contingency == Contingency.ONE_CANCELS_OTHER
    if cancels and len({each.leaves_lots for each in orders}) > 1:
        raise InvariantBroken(f"one order of list {order.order_list.list_id} should be canceled")


def _check_ladder(ladder: Ladder) -> None:
    levels = list(reversed(ladder))
    keys = [ladder.sign * level.price_ticks for level in levels]
    if keys != sorted(set(keys)) or list(ladder) != levels[::-1]:
        raise InvariantBroken("a ladder's prices are out of order")
    if ladder.best is not (levels[-1] if levels else None):
        raise InvariantBroken("a ladder's best level is not its best")
    if not all(page.occupied for page in ladder.pages):
        raise InvariantBroken("a ladder has an empty page")
    if any(ladder.level_at(level.price_ticks) is not level for level in levels):
        raise InvariantBroken("a level is not found by its price")
    for level in levels:
        orders = list(level)
        if not orders or level.newest is not orders[-1]:
            raise InvariantBroken(f"level {level.price_ticks} has lost its newest order")
        if level.lots != sum(order.leaves_lots for order in orders):
            raise InvariantBroken(f"level {level.price_ticks} has a wrong number of lots")
        for order in orders:
            if not 0 < order.leaves_lots <= order.quantity_lots:
                raise InvariantBroken(f"order {order.order_id} leaves {order.leaves_lots} lots")
            shown = order.leaves_lots - order.hidden_lots
            if not 0 < shown <= (order.display_lots or order.leaves_lots) or order.hidden_lots < 0:
                raise InvariantBroken(f"order {order.order_id} shows {shown} lots")
            if order.level is not level or order.price_ticks != level.price_ticks:
                raise InvariantBroken(f"order {order.order_id} rests at the wrong level")


def _check_names(account_id: int, account: Account, now_ns: int) -> None:
    names = account.client_order_ids
    known = list(names)
    closed = list(names.closed())
    closed_count = sum(not name.is_open for name in known)
    if account.open_order_count != len(known) - closed_count:
        raise InvariantBroken(f"account {account_id} miscounts its open orders")
    if names.closed_count != closed_count or known[len(known) - len(closed) :] != closed:
        raise InvariantBroken(f"account {account_id} miscounts its closed orders")
    if names.count != len(known):
        raise InvariantBroken(f"account {account_id} has lost a name")
    for name in known:
        if name.is_open and names.find_text(name.text, now_ns) != name:
            raise InvariantBroken(f"account {account_id} does not find {name.text!r}")


def _check_funds(state: State, held: dict[tuple[int, int], int]) -> None:
    total: defaultdict[int, int] = defaultdict(int)
    for account_id, account in state.accounts.items():
        _check_names(account_id, account, state.timestamp_ns)
        for asset_id, funds in account.funds.items():
            total[asset_id] += funds.available + funds.held
            if funds.available < 0 or funds.held < 0:
                raise InvariantBroken(f"account {account_id} is negative in asset {asset_id}")
            if funds.held != held[account_id, asset_id]:
                raise InvariantBroken(
                    f"account {account_id} holds {funds.held} of asset {asset_id},"
                    f" its open orders {held[account_id, asset_id]}"
                )
    for asset_id, issued in state.issued_units.items():
        if total[asset_id] != issued:
            raise InvariantBroken(
                f"{issued} units of asset {asset_id} issued, {total[asset_id]} there"
            )
