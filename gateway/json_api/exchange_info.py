"""What is listed, and the filters that an order must pass (binance-spot-api-docs, filters.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.json_api.order_replies import milliseconds
from vocabulary.instrument import Instrument
from vocabulary.types import PRICE_TICKS_MAX, QUANTITY_LOTS_MAX, TradingPhase

ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET"]


def exchange_info(
    listed: Iterable[tuple[Instrument, TradingPhase]], now_ns: int, orders_per_s_max: int
) -> dict[str, Any]:
    return {
        "timezone": "UTC",
        "serverTime": milliseconds(now_ns),
        "rateLimits": [
            {
                "rateLimitType": "ORDERS",
                "interval": "SECOND",
                "intervalNum": 1,
                "limit": orders_per_s_max,
            }
        ],
        "exchangeFilters": [],
        "symbols": [_symbol(instrument, phase) for instrument, phase in listed],
    }


def filters(instrument: Instrument) -> list[dict[str, Any]]:
    """Return the rules that `vocabulary.instrument` and the engine check, in Binance's words."""
    lot_sizes = {
        "minQty": instrument.quantity_text(1),
        "maxQty": instrument.quantity_text(QUANTITY_LOTS_MAX),
        "stepSize": instrument.lot.text,
    }
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": instrument.price_text(1),
            "maxPrice": instrument.price_text(PRICE_TICKS_MAX),
            "tickSize": instrument.tick.text,
        },
        {"filterType": "LOT_SIZE", **lot_sizes},
        {"filterType": "MARKET_LOT_SIZE", **lot_sizes},
        {
            "filterType": "NOTIONAL",
            "minNotional": instrument.quote.text(instrument.notional_units_min),
            "applyMinToMarket": False,
            "maxNotional": instrument.quote.text(2**63 - 1),
            "applyMaxToMarket": False,
            "avgPriceMins": 0,
        },
    ]


def _symbol(instrument: Instrument, phase: TradingPhase) -> dict[str, Any]:
    base, quote = instrument.base, instrument.quote
    return {
        "symbol": instrument.symbol,
        "status": "TRADING" if phase is TradingPhase.TRADING else "HALT",
        "baseAsset": base.name,
        "baseAssetPrecision": base.scale,
        "quoteAsset": quote.name,
        "quotePrecision": quote.scale,
        "quoteAssetPrecision": quote.scale,
        "baseCommissionPrecision": base.scale,
        "quoteCommissionPrecision": quote.scale,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": False,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(instrument),
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }
