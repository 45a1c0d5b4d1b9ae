"""Trades that the desk undoes, or lets have been other ones.

The funds move at once and exactly, or not at all: an account that has spent what the trade brought
it is asked for nothing else. The orders stay as they are; what was undone is not traded again.
"""

from collections import defaultdict
from typing import Final

import msgspec

from matching.core.fees import fee_units, maker_fee_units
from matching.core.holds import Account
from matching.core.order_book import OrderBook
from matching.core.state import VENUE_ACCOUNT_ID, State
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.rejects import RejectReason
from vocabulary.types import INT64_MAX, PRICE_TICKS_MAX

BUSTED = -1
FACTS_END: Final = len(c.AmendTrade.__struct_fields__)
"""Where the fields end that say what a trade was, as they do in the event."""

Movements = defaultdict[tuple[int, int], int]
"""How many units of an asset an account gains, by both."""


def amend_trade(state: State, command: c.AmendTrade) -> e.Event:
    """Bust a trade or, where the command is `CorrectTrade`, correct it."""
    buyer = state.accounts.get(command.buyer_account_id)
    seller = state.accounts.get(command.seller_account_id)
    book = state.books.get(command.instrument_id)
    if buyer is None or seller is None or state.accounts[VENUE_ACCOUNT_ID] in (buyer, seller):
        return e.CommandRejected(RejectReason.UNKNOWN_ACCOUNT)
    if book is None:
        return e.CommandRejected(RejectReason.UNKNOWN_INSTRUMENT)
    if not 0 < command.trade_id <= book.trade_count:
        return e.CommandRejected(RejectReason.UNKNOWN_TRADE)
    amendments = book.amendments.get(command.trade_id, 0)
    if amendments == BUSTED:
        return e.CommandRejected(RejectReason.TRADE_BUSTED)
    if amendments != command.amendments:
        return e.CommandRejected(RejectReason.TRADE_AMENDED)
    if isinstance(command, c.CorrectTrade) and not is_possible(book, command):
        return e.CommandRejected(RejectReason.INVALID_CORRECTION)
    was = (command.instrument_id, amendments + 1, *msgspec.structs.astuple(command)[4:FACTS_END])
    amended = e.TradeBusted(*was)
    if isinstance(command, c.CorrectTrade):
        amended = e.TradeCorrected(*was, **corrected_terms(book, buyer, seller, command))
    movements = movements_of(book, amended)
    if any(
        state.accounts[account_id].funds_in(asset_id).available + units < 0
        for (account_id, asset_id), units in movements.items()
    ):
        return e.CommandRejected(RejectReason.FUNDS_SPENT)
    # Past this line nothing can fail.
    for (account_id, asset_id), units in movements.items():
        state.accounts[account_id].funds_in(asset_id).available += units
    is_there_still = isinstance(command, c.CorrectTrade)
    book.amendments[command.trade_id] = amendments + 1 if is_there_still else BUSTED
    return amended


def is_possible(book: OrderBook, command: c.CorrectTrade) -> bool:
    price_ticks, lots = command.corrected_price_ticks, command.corrected_quantity_lots
    if not 0 < price_ticks <= PRICE_TICKS_MAX or not 0 < lots <= command.quantity_lots:
        return False
    return price_ticks * lots * book.tick_lot_units <= INT64_MAX


def corrected_terms(
    book: OrderBook, buyer: Account, seller: Account, command: c.CorrectTrade
) -> dict[str, int]:
    """Return the event's fields that say what the trade is now."""
    price_ticks, lots = command.corrected_price_ticks, command.corrected_quantity_lots
    base_units = lots * book.lot_units
    quote_units = lots * price_ticks * book.tick_lot_units
    if command.buyer_is_maker:
        seller_fee = fee_units(quote_units, book.taker_ppm(seller))
        buyer_fee = maker_fee_units(base_units, quote_units, book.maker_ppm(buyer), seller_fee)
    else:
        buyer_fee = fee_units(base_units, book.taker_ppm(buyer))
        seller_fee = maker_fee_units(quote_units, base_units, book.maker_ppm(seller), buyer_fee)
    return {
        "corrected_price_ticks": price_ticks,
        "corrected_quantity_lots": lots,
        "corrected_base_units": base_units,
        "corrected_quote_units": quote_units,
        "corrected_buyer_fee_units": buyer_fee,
        "corrected_seller_fee_units": seller_fee,
    }


def movements_of(book: OrderBook, amended: e.TradeBusted) -> Movements:
    """Return what an amendment moves in all: a side that a correction hardly changes, little."""
    movements: Movements = defaultdict(int)
    accounts = (amended.buyer_account_id, amended.seller_account_id)
    units = (amended.base_units, amended.quote_units)
    fees = (amended.buyer_fee_units, amended.seller_fee_units)
    move_trade(movements, book, -1, accounts, units, fees)
    if isinstance(amended, e.TradeCorrected):
        units = (amended.corrected_base_units, amended.corrected_quote_units)
        fees = (amended.corrected_buyer_fee_units, amended.corrected_seller_fee_units)
        move_trade(movements, book, 1, accounts, units, fees)
    return movements


def move_trade(
    movements: Movements,
    book: OrderBook,
    sign: int,
    accounts: tuple[int, int],
    units: tuple[int, int],
    fees: tuple[int, int],
) -> None:
    """Add what a trade moves (`sign` 1), or its undoing does (-1).

    Pairs are buyer and seller, base and quote. A fee is in what its side received, a rebate in
    what it gave.
    """
    buyer, seller = accounts
    base_units, quote_units = units
    buyer_fee, seller_fee = fees
    base, quote = book.base_asset_id, book.quote_asset_id
    for giver, receiver, asset_id, moved in (
        (seller, buyer, base, base_units),
        (buyer, seller, quote, quote_units),
        (buyer, VENUE_ACCOUNT_ID, base if buyer_fee >= 0 else quote, buyer_fee),
        (seller, VENUE_ACCOUNT_ID, quote if seller_fee >= 0 else base, seller_fee),
    ):
        movements[giver, asset_id] -= sign * moved
        movements[receiver, asset_id] += sign * moved
