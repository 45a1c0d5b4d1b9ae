"""The engine's state as rows of plain values, and back.

`matching.core.snapshot_fields` says which fields of which class are saved: they are the columns of
the rows, in that order.

Sections come in the order in which they must be restored. Orders come worst price first and oldest
first, so that each is put behind those that are there, which costs least.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, Final

from matching.core import fee_tiers
from matching.core.holds import Account, Funds
from matching.core.order import Order, new_order
from matching.core.order_book import OrderBook
from matching.core.order_lists import OrderList
from matching.core.snapshot_fields import FIELDS
from matching.core.state import State
from matching.core.trading_phase import AUCTIONS
from matching.core.triggers import Trigger, Turn
from vocabulary.codec import pack, unpack_command
from vocabulary.commands import EnterOrder
from vocabulary.instrument import Asset
from vocabulary.limits import Limits
from vocabulary.types import Side

Row = tuple[Any, ...]
Section = tuple[str, list[Row]]

ROWS_PER_SECTION: Final = 10_000
_BUY: Final = Side.BUY.value


_clock_row = attrgetter(*FIELDS[State].saved)
_book_row = attrgetter(*FIELDS[OrderBook].saved)
_account_row = attrgetter(*FIELDS[Account].saved)
_funds_row = attrgetter(*FIELDS[Funds].saved)
_trigger_row = attrgetter(*FIELDS[Trigger].saved)
_order_row = attrgetter(
    "account.account_id",
    "client_order_id.text",
    "client_order_id.content",
    *FIELDS[Order].saved,
)


def save(state: State) -> Iterator[Section]:
    """Yield all of the state; it must not change meanwhile."""
    yield "clock", [_clock_row(state)]
    yield "assets", [(*asset, state.issued_units[key]) for key, asset in state.assets.items()]
    yield from _sections("accounts", map(_account_row, state.accounts.values()))
    yield from _sections(
        "funds",
        (
            (account.account_id, *_funds_row(funds))
            for account in state.accounts.values()
            for funds in account.funds.values()
        ),
    )
    yield from _sections(
        "books", ((state.symbols[key], *_book_row(book)) for key, book in state.books.items())
    )
    yield from _sections(
        "amendments",
        (
            (key, trade_id, amendments)
            for key, book in state.books.items()
            for trade_id, amendments in book.amendments.items()
        ),
    )
    yield from _save_states_of_few(state)
    yield from _sections("tier_fees", ((*key, *fees) for key, fees in state.tier_fees.items()))
    for account in state.accounts.values():
        for names in account.client_order_ids.pack_closed():
            yield "closed_names", [(account.account_id, names)]
    for book in state.books.values():
        for ladder in (book.buys, book.sells):
            orders = (order for level in reversed(ladder) for order in level)
            yield from _sections("orders", map(_order_row, orders))
        waiting = book.triggers.orders.values()
        rows = (
            (_trigger_row(order.trigger), *_order_row(order))
            for order in waiting
            if not order.trigger.is_turn
        )
        yield from _sections("waiting_orders", rows)
        rows = (
            (pack(order.trigger.command), *_order_row(order))
            for order in waiting
            if order.trigger.is_turn
        )
        yield from _sections("orders_to_come", rows)
    lists = (
        order.order_list.row
        for order in state.orders
        if order.order_list is not None and order is order.order_list.orders[0]
    )
    yield from _sections("order_lists", lists)


def _save_states_of_few(state: State) -> Iterator[Section]:
    """Yield what of most books is as it is at the start."""
    yield from _sections(
        "increments",
        (
            (key, book.price_increment_ticks, book.quantity_increment_lots)
            for key, book in state.books.items()
            if book.has_increments
        ),
    )
    yield from _sections(
        "uncrossing",
        (
            (key, book.uncross_ticks, book.uncross_phase)
            for key, book in state.books.items()
            if book.uncross_ticks
        ),
    )


def restore(state: State, section: Section) -> None:
    """Put the next section into a state that was empty before the first.

    Raises an exception of any kind if it is not one that `save` made of a sound state.
    """
    name, rows = section
    take = _TAKE[name]
    for row in rows:
        take(state, *row)


def _sections(name: str, rows: Iterator[Row]) -> Iterator[Section]:
    while section := list(islice(rows, ROWS_PER_SECTION)):
        yield name, section


def _take_clock(state: State, sequence: int, timestamp_ns: int) -> None:
    state.sequence = sequence
    state.timestamp_ns = timestamp_ns


def _take_asset(state: State, asset_id: int, name: str, scale: int, issued_units: int) -> None:
    state.assets[asset_id] = Asset(asset_id, name, scale)
    state.issued_units[asset_id] = issued_units


def _take_account(
    state: State, account_id: int, self_trade_prevention: int, fee_tier: int, is_suspended: bool
) -> None:
    account = state.open_account(account_id)  # the venue's is there
    account.self_trade_prevention = self_trade_prevention
    account.fee_tier = fee_tier
    account.is_suspended = is_suspended


def _take_funds(state: State, account_id: int, asset_id: int, available: int, held: int) -> None:
    funds = state.accounts[account_id].funds_in(asset_id)
    funds.available = available
    funds.held = held


def _take_book(
    state: State,
    symbol: str,
    instrument_id: int,
    base_asset_id: int,
    quote_asset_id: int,
    lot_units: int,
    tick_lot_units: int,
    limits: list[int],
    reference_ticks: int,
    maker_fee_ppm: int,
    taker_fee_ppm: int,
    phase: int,
    auction_ends_ns: int,
    indicative_ticks: int,
    indicative_lots: int,
    surplus_lots: int,
    trade_count: int,
    prevented_count: int,
    last_trade_ticks: int,
) -> None:
    venue = state.accounts[0]
    state.symbols[instrument_id] = symbol
    state.books[instrument_id] = book = OrderBook(
        instrument_id,
        lot_units,
        tick_lot_units,
        Limits._make(limits),
        venue.funds_in(base_asset_id),
        venue.funds_in(quote_asset_id),
    )
    book.maker_fee_ppm = maker_fee_ppm
    book.taker_fee_ppm = taker_fee_ppm
    book.set_reference(reference_ticks)
    book.phase = phase
    if phase in AUCTIONS:
        state.auctions[instrument_id] = book
    book.auction_ends_ns = auction_ends_ns
    book.indicative_ticks = indicative_ticks
    book.indicative_lots = indicative_lots
    book.surplus_lots = surplus_lots
    book.trade_count = trade_count
    book.prevented_count = prevented_count
    book.last_trade_ticks = last_trade_ticks


def _take_amendments(state: State, instrument_id: int, trade_id: int, amendments: int) -> None:
    state.books[instrument_id].amendments[trade_id] = amendments


def _take_increments(
    state: State, instrument_id: int, price_increment_ticks: int, quantity_increment_lots: int
) -> None:
    book = state.books[instrument_id]
    book.set_increments(price_increment_ticks, quantity_increment_lots)


def _take_uncrossing(
    state: State, instrument_id: int, uncross_ticks: int, uncross_phase: int
) -> None:
    book = state.books[instrument_id]
    book.uncross_ticks, book.uncross_phase = uncross_ticks, uncross_phase


def _take_tier_fees(state: State, tier: int, instrument_id: int, *fees: int) -> None:
    maker_fee_ppm, taker_fee_ppm = fees
    state.tier_fees[tier, instrument_id] = (maker_fee_ppm, taker_fee_ppm)
    fee_tiers.resolve(state)


def _take_closed_order(
    state: State, account_id: int, order_id: int, content: int, closed_ns: int, text: bytes
) -> None:
    """Add one name behind those of its account, as snapshots up to version 14 have them."""
    names = state.accounts[account_id].client_order_ids
    names.close(names.add_text(text, order_id, content), closed_ns)


def _take_closed_names(state: State, account_id: int, names: bytes) -> None:
    """Add an account's names. A younger order of the same name comes later, and takes it."""
    state.accounts[account_id].client_order_ids.take_closed(names)


def _take_order(state: State, *row: Any) -> None:
    order = _order(state, *row)
    book = state.books[order.instrument_id]
    book.own(order.side).append(order)
    _open(state, book, order)


def _take_waiting_order(state: State, trigger: Sequence[int], *row: Any) -> None:
    order = _order(state, *row)
    book = state.books[order.instrument_id]
    order_type, time_in_force, price_ticks, trailing_bps, best_ticks = trigger
    terms = (time_in_force, price_ticks, trailing_bps, best_ticks)
    order.trigger = Trigger(order_type, order.side, *terms)
    book.triggers.add(order)
    book.waiting_count += 1
    _open(state, book, order)


def _take_order_to_come(state: State, command: bytes, *row: Any) -> None:
    order = _order(state, *row)
    book = state.books[order.instrument_id]
    entered, _ = unpack_command(command)
    assert isinstance(entered, EnterOrder)
    order.trigger = Turn(entered)
    book.triggers.add(order)
    book.waiting_count += 1
    _open(state, book, order)


def _take_order_list(state: State, list_id: int, contingency: int, *order_ids: int) -> None:
    orders = [order for order_id in order_ids if (order := state.orders.find(order_id))]
    assert len(orders) == len(order_ids)
    OrderList(list_id, contingency, *orders)


def _open(state: State, book: OrderBook, order: Order) -> None:
    state.orders.add(order)
    order.account.open_order_count += 1
    if book.open_orders_max:
        book.count_open(order.account, 1)
    if order.expire_time_ns:
        state.expiries.add(order)


def _order(
    state: State,
    account_id: int,
    text: bytes,
    content: int,
    order_id: int,
    entered_by: int,
    instrument_id: int,
    side: int,
    price_ticks: int,
    quantity_lots: int,
    flags: int,
    leaves_lots: int,
    hidden_lots: int,
    display_lots: int,
    hold_per_lot: int,
    expire_time_ns: int,
    self_trade_prevention: int,
) -> Order:
    account = state.accounts[account_id]
    book = state.books[instrument_id]
    terms = (instrument_id, side, price_ticks, quantity_lots, flags, expire_time_ns)
    order = new_order(order_id, account, *terms)
    order.entered_by = entered_by
    order.leaves_lots = leaves_lots
    order.hidden_lots = hidden_lots
    order.display_lots = display_lots
    order.hold_per_lot = hold_per_lot
    order.self_trade_prevention = self_trade_prevention
    order.name_row = account.client_order_ids.add_text(text, order_id, content)
    base = account.funds_in(book.base_asset_id)
    quote = account.funds_in(book.quote_asset_id)
    order.spends, order.receives = (quote, base) if side == _BUY else (base, quote)
    return order


_TAKE: Final[dict[str, Callable[..., None]]] = {
    "clock": _take_clock,
    "assets": _take_asset,
    "accounts": _take_account,
    "funds": _take_funds,
    "books": _take_book,
    "amendments": _take_amendments,
    "increments": _take_increments,
    "uncrossing": _take_uncrossing,
    "tier_fees": _take_tier_fees,
    "closed_orders": _take_closed_order,
    "closed_names": _take_closed_names,
    "orders": _take_order,
    "waiting_orders": _take_waiting_order,
    "orders_to_come": _take_order_to_come,
    "order_lists": _take_order_list,
}
