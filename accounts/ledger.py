"""Double entry: every movement of money as legs that sum to zero per asset.

The venue has two accounts of its own beside its customers'. Custody stands for the world outside:
what customers brought in is what custody is short of. Fees gathers what trades paid.
"""

from __future__ import annotations

from typing import NamedTuple

from vocabulary.events import FundsCredited, TradeBusted, TradeCorrected, TradeExecuted
from vocabulary.types import Side

FEES_ACCOUNT_ID = 0
"""The engine knows it, too, and by this number."""

CUSTODY_ACCOUNT_ID = -1
"""Negative, so that none of the engine's accounts can ever be it."""


Leg = tuple[int, int, int]
"""Account, asset, and what the one gains (or, below zero, loses) in smallest units of the other.

A plain tuple, as a trade has six of them.
"""


class TradeSides(NamedTuple):
    """A trade by who bought and who sold. The buyer pays its fee in base, the seller in quote.

    A fee below zero is a rebate, in the asset that its side gave.
    """

    buyer_account_id: int
    seller_account_id: int
    buyer_order_id: int
    seller_order_id: int
    buyer_fee_units: int
    seller_fee_units: int


def trade_sides(event: TradeExecuted) -> TradeSides:
    """Return a trade's sides by buyer and seller; the event has them by who came and who rested."""
    if event.incoming_side is Side.BUY:
        return TradeSides(
            event.incoming_account_id,
            event.resting_account_id,
            event.incoming_order_id,
            event.resting_order_id,
            event.incoming_fee_units,
            event.resting_fee_units,
        )
    return TradeSides(
        event.resting_account_id,
        event.incoming_account_id,
        event.resting_order_id,
        event.incoming_order_id,
        event.resting_fee_units,
        event.incoming_fee_units,
    )


def amended_sides(event: TradeBusted) -> TradeSides:
    """Return the sides of a trade as it was before an amendment."""
    return TradeSides(
        event.buyer_account_id,
        event.seller_account_id,
        event.buyer_order_id,
        event.seller_order_id,
        event.buyer_fee_units,
        event.seller_fee_units,
    )


def amendment_legs(event: TradeBusted, base_asset_id: int, quote_asset_id: int) -> list[Leg]:
    """Return the trade's legs the other way, and behind them those of the corrected one."""
    assets = (base_asset_id, quote_asset_id)
    sides = amended_sides(event)
    undone = trade_legs(sides, event.base_units, event.quote_units, *assets)
    legs = [(account_id, asset_id, -units) for account_id, asset_id, units in undone]
    if isinstance(event, TradeCorrected):
        fees = (event.corrected_buyer_fee_units, event.corrected_seller_fee_units)
        corrected = TradeSides(*sides[:4], *fees)
        units = (event.corrected_base_units, event.corrected_quote_units)
        legs += trade_legs(corrected, *units, *assets)
    return legs


def credit_legs(event: FundsCredited) -> list[Leg]:
    """Return custody -> customer."""
    return [
        (CUSTODY_ACCOUNT_ID, event.asset_id, -event.amount_units),
        (event.account_id, event.asset_id, event.amount_units),
    ]


def trade_legs(
    sides: TradeSides, base_units: int, quote_units: int, base_asset_id: int, quote_asset_id: int
) -> list[Leg]:
    """Return base: seller -> buyer and fees; quote: buyer -> seller and fees.

    Each side pays its fee in the asset that it receives. A rebate comes out of the other side's
    fee. A leg of nothing is left out.
    """
    *_, buyer_fee, seller_fee = sides
    buyer_rebate = seller_rebate = 0
    if buyer_fee < 0:
        buyer_fee, buyer_rebate = 0, -buyer_fee
    if seller_fee < 0:
        seller_fee, seller_rebate = 0, -seller_fee
    legs = [
        (sides.seller_account_id, base_asset_id, seller_rebate - base_units),
        (sides.buyer_account_id, base_asset_id, base_units - buyer_fee),
        (sides.buyer_account_id, quote_asset_id, buyer_rebate - quote_units),
        (sides.seller_account_id, quote_asset_id, quote_units - seller_fee),
        (FEES_ACCOUNT_ID, base_asset_id, buyer_fee - seller_rebate),
        (FEES_ACCOUNT_ID, quote_asset_id, seller_fee - buyer_rebate),
    ]
    return [leg for leg in legs if leg[2]]
