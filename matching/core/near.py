"""Accounts and books by their ids, of which low ones are places in a list.

Each command asks for both. `near.pxd` has the compiled form: what is in the lists is known, and not
looked at once more.
"""

from matching.core.holds import Account
from matching.core.order_book import OrderBook
from matching.core.state import State


def account(state: State, account_id: int) -> Account | None:
    if account_id < len(state.near_accounts):
        found = state.near_accounts[account_id]
        if found is not None:
            return found
    return state.account(account_id)


def book(state: State, instrument_id: int) -> OrderBook | None:
    if instrument_id < len(state.near_books):
        found = state.near_books[instrument_id]
        if found is not None:
            return found
    return state.book(instrument_id)
