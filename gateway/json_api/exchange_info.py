"""What is listed, and the filters that an order must pass (binance-spot-api-docs, filters.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.json_api.order_replies import milliseconds
from vocabulary.instrument import Instrument, decimal_text
from vocabulary.limits import Limits
from vocabulary.types import (
    ICEBERG_PARTS_MAX,
    INT64_MAX,
    PRICE_TICKS_MAX,
    QUANTITY_LOTS_MAX,
    SelfTradePrevention,
    TradingPhase,
)

STATUSES = {
    TradingPhase.PRE_OPEN: "PRE_TRADING",
    TradingPhase.OPENING_AUCTION: "AUCTION_MATCH",
    TradingPhase.TRADING: "TRADING",
    TradingPhase.VOLATILITY_AUCTION: "AUCTION_MATCH",
    TradingPhase.CLOSING_AUCTION: "AUCTION_MATCH",
    TradingPhase.HALTED: "HALT",
    TradingPhase.CANCEL_ONLY: "CANCEL_ONLY",
    TradingPhase.CLOSED: "END_OF_DAY",
}
PPM = 1_000_000

SELF_TRADE_PREVENTION_MODES = [
    mode.name for mode in SelfTradePrevention if mode is not SelfTradePrevention.ACCOUNT_DEFAULT
]
ORDER_TYPES = [
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]


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
        "symbols": [
            _symbol(instrument, phase)
            for instrument, phase in listed
            if phase is not TradingPhase.DELISTED
        ],
    }


def filters(instrument: Instrument) -> list[dict[str, Any]]:
    """Return the rules that `vocabulary.instrument` and the engine check, in Binance's words."""
    limits = instrument.limits
    step_lots, step_ticks = instrument.quantity_increment_lots, instrument.price_increment_ticks
    lots_max = (limits.quantity_lots_max or QUANTITY_LOTS_MAX) // step_lots * step_lots
    lot_sizes = {
        "minQty": instrument.quantity_text(instrument.order_lots_min),
        "maxQty": instrument.quantity_text(lots_max),
        "stepSize": instrument.quantity_increment_text,
    }
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": instrument.price_increment_text,
            "maxPrice": instrument.price_text(PRICE_TICKS_MAX // step_ticks * step_ticks),
            "tickSize": instrument.price_increment_text,
        },
        {"filterType": "LOT_SIZE", **lot_sizes},
        {"filterType": "MARKET_LOT_SIZE", **lot_sizes},
        {
            "filterType": "NOTIONAL",
            "minNotional": instrument.quote.text(limits.notional_units_min),
            "applyMinToMarket": False,
            "maxNotional": instrument.quote.text(limits.notional_units_max or INT64_MAX),
            "applyMaxToMarket": False,
            "avgPriceMins": 0,
        },
        {"filterType": "ICEBERG_PARTS", "limit": ICEBERG_PARTS_MAX},
        *_filters_where_limited(limits),
    ]


def _filters_where_limited(limits: Limits) -> Iterator[dict[str, Any]]:
    if limits.price_band_ppm:
        yield {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": decimal_text(PPM + limits.price_band_ppm, 6),
            "multiplierDown": decimal_text(max(PPM - limits.price_band_ppm, 0), 6),
            "avgPriceMins": 0,  # of the last price, that is
        }
    if limits.open_orders_max:
        yield {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": limits.open_orders_max}


def _symbol(instrument: Instrument, phase: TradingPhase) -> dict[str, Any]:
    base, quote = instrument.base, instrument.quote
    return {
        "symbol": instrument.symbol,
        "status": STATUSES[phase],
        "baseAsset": base.name,
        "baseAssetPrecision": base.scale,
        "quoteAsset": quote.name,
        "quotePrecision": quote.scale,
        "quoteAssetPrecision": quote.scale,
        "baseCommissionPrecision": base.scale,
        "quoteCommissionPrecision": quote.scale,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(instrument),
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": SELF_TRADE_PREVENTION_MODES,
    }
