"""The engine's state as rows of plain values, and back.

`FIELDS` names every field of every class that the state is made of: the saved ones are columns of
its rows, in this order; the derived ones are rebuilt from them. A test compares the table with the
classes, so a field that stands in neither column fails by its name.

Sections come in the order in which they must be restored. Orders come worst price first and oldest
first, so that each is put behind those that are there, which costs least.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from operator import attrgetter
from typing import Any, Final, NamedTuple

from matching.core.holds import Account, Funds
from matching.core.ladder import Ladder, Level, Order
from matching.core.order_book import OrderBook
from matching.core.state import State, closed_orders
from vocabulary.instrument import Asset
from vocabulary.limits import Limits
from vocabulary.types import Side

Row = tuple[Any, ...]
Section = tuple[str, list[Row]]

ROWS_PER_SECTION: Final = 10_000
_BUY: Final = Side.BUY.value


class Fields(NamedTuple):
    """What of a class is saved, and what follows from that and from where an object stands."""

    saved: tuple[str, ...]
    derived: tuple[str, ...] = ()


FIELDS: Final[dict[type, Fields]] = {
    State: Fields(
        ("sequence", "timestamp_ns"),
        ("assets", "issued_units", "books", "symbols", "accounts", "orders", "expiries"),
    ),
    Account: Fields(
        ("account_id",),
        (
            "funds",
            "orders",
            "open_order_count",
            "closed_count",
            "oldest_closed",
            "newest_closed",
        ),
    ),
    Funds: Fields(("asset_id", "available", "held")),
    OrderBook: Fields(
        (
            "instrument_id",
            "base_asset_id",
            "quote_asset_id",
            "lot_units",
            "tick_lot_units",
            "limits",
            "reference_ticks",
            "maker_fee_ppm",
            "taker_fee_ppm",
            "phase",
            "trade_count",
        ),
        (
            "quantity_lots_min",
            "quantity_lots_max",
            "notional_units_min",
            "notional_units_max",
            "open_orders_max",
            "open_counts",
            "has_bands",
            "lowest_limit_ticks",
            "highest_limit_ticks",
            "lowest_market_ticks",
            "highest_market_ticks",
            "base_fees",
            "quote_fees",
            "buys",
            "sells",
        ),
    ),
    Order: Fields(
        (
            "order_id",
            "instrument_id",
            "side",
            "price_ticks",
            "quantity_lots",
            "flags",
            "client_order_id",
            "content",
            "leaves_lots",
            "hold_per_lot",
            "closed_ns",
            "expire_time_ns",
        ),
        ("is_open", "account", "spends", "receives", "level", "older", "newer"),
    ),
    Ladder: Fields((), ("sign", "levels", "keys", "best")),
    Level: Fields((), ("price_ticks", "lots", "oldest", "newest")),
}

_clock_row = attrgetter(*FIELDS[State].saved)
_book_row = attrgetter(*FIELDS[OrderBook].saved)
_funds_row = attrgetter(*FIELDS[Funds].saved)
_order_row = attrgetter("account.account_id", *FIELDS[Order].saved)


def save(state: State) -> Iterator[Section]:
    """Yield all of the state; it must not change meanwhile."""
    yield "clock", [_clock_row(state)]
    yield "assets", [(*asset, state.issued_units[key]) for key, asset in state.assets.items()]
    yield from _sections("accounts", ((account_id,) for account_id in state.accounts))
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
        "closed_orders",
        (
            _order_row(order)
            for account in state.accounts.values()
            for order in closed_orders(account)
        ),
    )
    for book in state.books.values():
        for ladder in (book.buys, book.sells):
            orders = (order for key in ladder.keys for order in ladder.levels[key])
            yield from _sections("orders", map(_order_row, orders))


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


def _take_account(state: State, account_id: int) -> None:
    state.accounts.setdefault(account_id, Account(account_id))  # the venue's own is there before


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
    trade_count: int,
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
    book.trade_count = trade_count


def _order(
    state: State,
    account_id: int,
    order_id: int,
    instrument_id: int,
    side: int,
    price_ticks: int,
    quantity_lots: int,
    flags: int,
    client_order_id: bytes,
    content: int,
    leaves_lots: int,
    hold_per_lot: int,
    closed_ns: int,
    expire_time_ns: int,
) -> Order:
    account = state.accounts[account_id]
    book = state.books[instrument_id]
    terms = (side, price_ticks, quantity_lots, flags, client_order_id, content)
    order = Order(order_id, account, instrument_id, *terms)
    order.leaves_lots = leaves_lots
    order.hold_per_lot = hold_per_lot
    order.closed_ns = closed_ns
    order.expire_time_ns = expire_time_ns
    base = account.funds_in(book.base_asset_id)
    quote = account.funds_in(book.quote_asset_id)
    order.spends, order.receives = (quote, base) if side == _BUY else (base, quote)
    account.orders[client_order_id] = order
    return order


def _take_closed_order(state: State, *row: Any) -> None:
    """Add to its account's queue. A younger order of the same name comes later, and takes it."""
    order = _order(state, *row)
    order.is_open = False
    account = order.account
    if account.newest_closed is None:
        account.oldest_closed = order
    else:
        account.newest_closed.newer = order
    account.newest_closed = order
    account.closed_count += 1


def _take_order(state: State, *row: Any) -> None:
    order = _order(state, *row)
    book = state.books[order.instrument_id]
    book.own(order.side).append(order)
    if book.open_orders_max:
        book.count_open(order.account, 1)
    state.orders[order.order_id] = order
    order.account.open_order_count += 1
    if order.expire_time_ns:
        state.expiries.add(order)


_TAKE: Final[dict[str, Callable[..., None]]] = {
    "clock": _take_clock,
    "assets": _take_asset,
    "accounts": _take_account,
    "funds": _take_funds,
    "books": _take_book,
    "closed_orders": _take_closed_order,
    "orders": _take_order,
}
