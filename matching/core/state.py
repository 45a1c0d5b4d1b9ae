"""All that the engine remembers."""

from hashlib import blake2b

from matching.core.expiry import Expiries
from matching.core.holds import PREVENTS_NOTHING, Account
from matching.core.name_rows import NameRows
from matching.core.order import Order
from matching.core.order_book import OrderBook
from matching.core.order_table import OrderTable
from vocabulary.instrument import Asset

VENUE_ACCOUNT_ID = 0
"""The account that collects the fees. It never trades."""

NEAR_ACCOUNTS = 1 << 14
NEAR_BOOKS = 1 << 10
"""Ids below these, which the ledger gives out first, are looked up without hashing them
(`matching.core.near`)."""


class State:
    """Books, funds and open orders, as of `sequence`."""

    def __init__(self) -> None:
        self.sequence = 0
        self.timestamp_ns = 0
        self.assets: dict[int, Asset] = {}
        self.issued_units: dict[int, int] = {}  # by asset: all that was ever credited
        self.books: dict[int, OrderBook] = {}
        self.symbols: dict[int, str] = {}
        self.tier_fees: dict[tuple[int, int], tuple[int, int]] = {}  # by tier and instrument
        self.name_rows = NameRows()
        self.accounts: dict[int, Account] = {}
        self.open_account(VENUE_ACCOUNT_ID)
        self.orders = OrderTable()  # the resting ones
        self.expiries = Expiries(self.orders)
        self.near_accounts: list[Account | None] = [None] * NEAR_ACCOUNTS
        self.near_books: list[OrderBook | None] = [None] * NEAR_BOOKS
        self.auctions: dict[int, OrderBook] = {}  # the books whose indicative price is published

    def account(self, account_id: int) -> Account | None:
        """Return an account, which from then on has its place if its id is low."""
        account = self.accounts.get(account_id)
        if account_id < NEAR_ACCOUNTS:
            self.near_accounts[account_id] = account
        return account

    def open_account(self, account_id: int) -> Account:
        """Return an account, a new one if nothing was known of it."""
        account = self.accounts.get(account_id)
        if account is None:
            account = self.accounts[account_id] = Account(account_id, self.name_rows)
        return account

    def book(self, instrument_id: int) -> OrderBook | None:
        """Return an instrument's book, likewise."""
        book = self.books.get(instrument_id)
        if instrument_id < NEAR_BOOKS:
            self.near_books[instrument_id] = book
        return book

    def funds(self, account_id: int | None = None) -> list[tuple[int, int, int, int]]:
        """Return rows of account, asset, available and held units; of one account or all.

        Funds of nothing at all are left out: whether an account once had some makes no difference.
        """
        accounts = self.accounts if account_id is None else [account_id]
        return [
            (owner, asset_id, funds.available, funds.held)
            for owner in sorted(accounts)
            if owner in self.accounts
            for asset_id, funds in sorted(self.accounts[owner].funds.items())
            if funds.available or funds.held
        ]

    def state_hash(self) -> str:
        """Return a digest of all this that does not depend on its layout in memory.

        What came later stands in it only where it is not the default, so that a journal from before
        leads to the hash that it always led to. Which session entered an order is no part of it:
        the order's id says which record did.
        """
        digest = blake2b(digest_size=16)

        def add(*row: object) -> None:
            digest.update(repr(row).encode())

        add("sequence", self.sequence, self.timestamp_ns)
        for asset_id, asset in sorted(self.assets.items()):
            add("asset", *asset, self.issued_units[asset_id])
        for row in self.funds():
            add("funds", *row)
        for tier_and_instrument, tier_fees in sorted(self.tier_fees.items()):
            add("tier fees", *tier_and_instrument, *tier_fees)
        for account_id, account in sorted(self.accounts.items()):
            if account.self_trade_prevention != PREVENTS_NOTHING:
                add("self-trade prevention", account_id, account.self_trade_prevention)
            if account.fee_tier:
                add("fee tier", account_id, account.fee_tier)
            if account.is_suspended:
                add("suspended", account_id)
            for order_id, content, closed_ns, text in account.client_order_ids.closed():
                closed = f"('closed', {account_id}, {order_id}, {text!r})({content}, {closed_ns})"
                digest.update(closed.encode())  # by far the most rows of all
        for instrument_id, book in sorted(self.books.items()):
            terms = (book.base_asset_id, book.quote_asset_id, book.lot_units, book.tick_lot_units)
            fees = (book.maker_fee_ppm, book.taker_fee_ppm)
            add("book", instrument_id, self.symbols[instrument_id], *terms, *fees)
            add(*book.limits, book.reference_ticks, book.phase)
            add(book.trade_count, book.prevented_count)
            for amended in sorted(book.amendments.items()):
                add("amended", *amended)
            cross = (book.indicative_ticks, book.indicative_lots, book.surplus_lots)
            add(*cross, book.auction_ends_ns)
            add(book.last_trade_ticks)
            if book.uncross_ticks:
                add("uncrossing", book.uncross_ticks, book.uncross_phase)
            if book.has_increments:
                add("increments", book.price_increment_ticks, book.quantity_increment_lots)
            for ladder in (book.buys, book.sells):
                for level in ladder:
                    for order in level:
                        add(*order_row(order))
                        if order.display_lots:
                            add("displays", order.display_lots, order.hidden_lots)
            for _, order in sorted(book.triggers.orders.items()):
                add("waiting", *order_row(order), *order.trigger.row)
                if order.display_lots:
                    add("displays", order.display_lots)
        for order_list in sorted(
            order.order_list.row for order in self.orders if order.order_list is not None
        ):
            add("list", *order_list)
        return digest.hexdigest()


def order_row(order: Order) -> tuple[object, ...]:
    """Return what there is to know of an open order."""
    return (
        order.order_id,
        order.account.account_id,
        order.side,
        order.price_ticks,
        order.quantity_lots,
        order.leaves_lots,
        order.flags,
        order.client_order_id.text,
        order.client_order_id.content,
        order.expire_time_ns,
        order.self_trade_prevention,
    )
