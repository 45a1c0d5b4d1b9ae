"""What the ops desk says to the venue about trades that were, and what it hears back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accounts.listing_api import Symbol
from accounts.ops_api import Decimal, Reply, Request


class TradePath(Request):
    symbol: Symbol
    trade_id: Annotated[int, Field(ge=1, le=2**63 - 1)]


class CorrectTradeRequest(Request):
    """What the trade should have been: at this price, and of as much or less."""

    price: Decimal
    quantity: Decimal


class TradeReply(Reply):
    """A trade as it stands. Of a busted one nothing is left.

    A fee is in what its side received, base for the buyer; below zero it is a rebate, in what the
    side gave. `sequence` is the journal's record of the change, 0 where there was none just now.
    """

    sequence: int
    symbol: str
    trade_id: int
    amendments: int
    busted: bool
    price: str
    quantity: str
    quote_quantity: str
    buyer_account_id: int
    seller_account_id: int
    buyer_order_id: int
    seller_order_id: int
    buyer_fee: str
    seller_fee: str
