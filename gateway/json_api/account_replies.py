"""An account's funds as its owner sees them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from vocabulary.instrument import Asset, Instrument, decimal_text


class Balance(NamedTuple):
    """Smallest units of an asset: free to use, and held for open orders."""

    asset: Asset
    available_units: int
    held_units: int


def account_status(
    account_id: int,
    balances: Iterable[Balance],
    fees_ppm: tuple[int, int],
    permissions: frozenset[str],
    updated_ms: int,
    *,
    omit_zero_balances: bool,
) -> dict[str, Any]:
    """Return an account's state; `fees_ppm` are its highest maker and taker rates."""
    return {
        "makerCommission": fees_ppm[0] // 100,
        "takerCommission": fees_ppm[1] // 100,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _rates(*fees_ppm),
        "canTrade": "trade" in permissions,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": updated_ms,
        "accountType": "SPOT",
        "balances": [
            {
                "asset": asset.name,
                "free": asset.text(available_units),
                "locked": asset.text(held_units),
            }
            for asset, available_units, held_units in balances
            if available_units or held_units or not omit_zero_balances
        ],
        "permissions": ["SPOT"],
        "uid": account_id,
    }


def commission(instrument: Instrument, fees_ppm: tuple[int, int]) -> dict[str, Any]:
    """Return what an account pays in an instrument as maker and as taker: nothing but that."""
    nothing = _rates(0, 0)
    return {
        "symbol": instrument.symbol,
        "standardCommission": _rates(*fees_ppm),
        "specialCommission": nothing,
        "taxCommission": nothing,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": None,
            "discount": "0.00000000",
        },
    }


def trade_fee(instrument: Instrument, fees_ppm: tuple[int, int]) -> dict[str, str]:
    """Return the same as Binance's wallet has it."""
    maker, taker = (decimal_text(ppm, 6) for ppm in fees_ppm)
    return {"symbol": instrument.symbol, "makerCommission": maker, "takerCommission": taker}


def coins(balances: Iterable[Balance]) -> list[dict[str, Any]]:
    """Return the assets with an account's balances; money comes and goes by the ops desk alone."""
    return [
        {
            "coin": asset.name,
            "name": asset.name,
            "free": asset.text(available_units),
            "locked": asset.text(held_units),
            "isLegalMoney": False,
            "trading": True,
            "depositAllEnable": False,
            "withdrawAllEnable": False,
            "networkList": [],
        }
        for asset, available_units, held_units in balances
    ]


def account_position(balances: Iterable[Balance], time_ms: int) -> dict[str, Any]:
    """Return the user data stream's `outboundAccountPosition`."""
    return {
        "e": "outboundAccountPosition",
        "E": time_ms,
        "u": time_ms,
        "B": [
            {
                "a": asset.name,
                "f": asset.text(available_units),
                "l": asset.text(held_units),
            }
            for asset, available_units, held_units in balances
        ],
    }


def _rates(maker_ppm: int, taker_ppm: int) -> dict[str, str]:
    maker, taker = (decimal_text(ppm * 100, 8) for ppm in (maker_ppm, taker_ppm))
    return {"maker": maker, "taker": taker, "buyer": "0.00000000", "seller": "0.00000000"}
