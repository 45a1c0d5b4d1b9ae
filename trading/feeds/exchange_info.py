"""What a Binance-shaped source lists, and the sizes of its prices and quantities.

Every field and filter that binance-spot-api-docs (rest-api.md, filters.md) names is listed here,
required where our own venue sends it; any other is refused.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from trading.feeds.rejects import RejectedError, RejectReason
from trading.feeds.schema import Count, Milliseconds
from vocabulary.instrument import (
    Asset,
    Instrument,
    ListingError,
    build_instrument,
    listing_terms,
)

Scale = Annotated[int, Meta(ge=0, le=18)]
Names = list[str]


class RateLimit(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    rate_limit_type: str
    interval: str
    interval_num: Count
    limit: Count


class Filter(
    Struct, frozen=True, forbid_unknown_fields=True, rename="camel", tag_field="filterType"
):
    """A rule that orders must pass."""


class PriceFilter(Filter, frozen=True, tag="PRICE_FILTER"):
    min_price: str
    max_price: str
    tick_size: str


class LotSize(Filter, frozen=True, tag="LOT_SIZE"):
    min_qty: str
    max_qty: str
    step_size: str


class MarketLotSize(Filter, frozen=True, tag="MARKET_LOT_SIZE"):
    min_qty: str
    max_qty: str
    step_size: str


class Notional(Filter, frozen=True, tag="NOTIONAL"):
    min_notional: str
    apply_min_to_market: bool
    max_notional: str
    apply_max_to_market: bool
    avg_price_mins: Count


class MinNotional(Filter, frozen=True, tag="MIN_NOTIONAL"):
    min_notional: str
    apply_to_market: bool
    avg_price_mins: Count


class PercentPrice(Filter, frozen=True, tag="PERCENT_PRICE"):
    multiplier_up: str
    multiplier_down: str
    avg_price_mins: Count


class PercentPriceBySide(Filter, frozen=True, tag="PERCENT_PRICE_BY_SIDE"):
    bid_multiplier_up: str
    bid_multiplier_down: str
    ask_multiplier_up: str
    ask_multiplier_down: str
    avg_price_mins: Count


class TrailingDelta(Filter, frozen=True, tag="TRAILING_DELTA"):
    min_trailing_above_delta: Count
    max_trailing_above_delta: Count
    min_trailing_below_delta: Count
    max_trailing_below_delta: Count


class IcebergParts(Filter, frozen=True, tag="ICEBERG_PARTS"):
    limit: Count


class MaxPosition(Filter, frozen=True, tag="MAX_POSITION"):
    max_position: str


class MaxAsset(Filter, frozen=True, tag="MAX_ASSET"):
    asset: str
    limit: str


class MaxNumOrders(Filter, frozen=True, tag="MAX_NUM_ORDERS"):
    max_num_orders: Count


class MaxNumAlgoOrders(Filter, frozen=True, tag="MAX_NUM_ALGO_ORDERS"):
    max_num_algo_orders: Count


class MaxNumIcebergOrders(Filter, frozen=True, tag="MAX_NUM_ICEBERG_ORDERS"):
    max_num_iceberg_orders: Count


class MaxNumOrderAmends(Filter, frozen=True, tag="MAX_NUM_ORDER_AMENDS"):
    max_num_order_amends: Count


class MaxNumOrderLists(Filter, frozen=True, tag="MAX_NUM_ORDER_LISTS"):
    max_num_order_lists: Count


class ExchangeMaxNumOrders(Filter, frozen=True, tag="EXCHANGE_MAX_NUM_ORDERS"):
    max_num_orders: Count


class ExchangeMaxNumAlgoOrders(Filter, frozen=True, tag="EXCHANGE_MAX_NUM_ALGO_ORDERS"):
    max_num_algo_orders: Count


class ExchangeMaxNumIcebergOrders(Filter, frozen=True, tag="EXCHANGE_MAX_NUM_ICEBERG_ORDERS"):
    max_num_iceberg_orders: Count


class ExchangeMaxNumOrderLists(Filter, frozen=True, tag="EXCHANGE_MAX_NUM_ORDER_LISTS"):
    max_num_order_lists: Count


SymbolFilter = (
    PriceFilter
    | LotSize
    | MarketLotSize
    | Notional
    | MinNotional
    | PercentPrice
    | PercentPriceBySide
    | TrailingDelta
    | IcebergParts
    | MaxPosition
    | MaxAsset
    | MaxNumOrders
    | MaxNumAlgoOrders
    | MaxNumIcebergOrders
    | MaxNumOrderAmends
    | MaxNumOrderLists
)
ExchangeFilter = (
    ExchangeMaxNumOrders
    | ExchangeMaxNumAlgoOrders
    | ExchangeMaxNumIcebergOrders
    | ExchangeMaxNumOrderLists
)


class Symbol(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    base_asset_precision: Scale
    quote_asset: str
    quote_precision: Scale
    quote_asset_precision: Scale
    order_types: Names
    iceberg_allowed: bool
    oco_allowed: bool
    quote_order_qty_market_allowed: bool
    allow_trailing_stop: bool
    cancel_replace_allowed: bool
    is_spot_trading_allowed: bool
    is_margin_trading_allowed: bool
    filters: list[SymbolFilter]
    permissions: Names
    default_self_trade_prevention_mode: str
    allowed_self_trade_prevention_modes: Names
    base_commission_precision: Scale | UnsetType = UNSET
    quote_commission_precision: Scale | UnsetType = UNSET
    oto_allowed: bool | UnsetType = UNSET
    opo_allowed: bool | UnsetType = UNSET
    amend_allowed: bool | UnsetType = UNSET
    peg_instructions_allowed: bool | UnsetType = UNSET
    permission_sets: list[Names] | UnsetType = UNSET


class SmartOrderRouting(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    base_asset: str
    symbols: Names


class ExchangeInfo(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """GET /api/v3/exchangeInfo."""

    timezone: str
    server_time: Milliseconds
    rate_limits: list[RateLimit]
    exchange_filters: list[ExchangeFilter]
    symbols: list[Symbol]
    sors: list[SmartOrderRouting] | UnsetType = UNSET

    def instrument(self, name: str) -> Instrument:
        """Return a symbol's assets and sizes. Raises `RejectedError`."""
        found = [each for each in self.symbols if each.symbol == name]
        if len(found) != 1:
            raise RejectedError(
                RejectReason.UNKNOWN_SYMBOL, f"{name} is listed {len(found)} times, not once"
            )
        return _instrument(found[0])


FilterKind = TypeVar("FilterKind", PriceFilter, LotSize)

_decoder = msgspec.json.Decoder(ExchangeInfo)


def decode_exchange_info(data: bytes) -> ExchangeInfo:
    """Return what the source lists. Raises `RejectedError`."""
    try:
        decoded = _decoder.decode(data)
        json.loads(data, object_pairs_hook=_refuse_repeated)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RejectedError(RejectReason.MALFORMED, str(error)) from None
    return decoded


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise RejectedError(RejectReason.MALFORMED, "a field is repeated")


def _instrument(symbol: Symbol) -> Instrument:
    base = Asset(1, symbol.base_asset, symbol.base_asset_precision)
    quote = Asset(2, symbol.quote_asset, symbol.quote_asset_precision)
    tick_size = _only(symbol, PriceFilter).tick_size
    lot_size = _only(symbol, LotSize).step_size
    try:
        return build_instrument(
            1,
            symbol.symbol,
            base,
            quote,
            listing_terms(base, quote, tick_size, lot_size),
            maker_fee_ppm=0,
            taker_fee_ppm=0,
        )
    except ListingError as error:
        raise RejectedError(RejectReason.INCONSISTENT, f"{symbol.symbol}: {error}") from None


def _only(symbol: Symbol, kind: type[FilterKind]) -> FilterKind:
    found = [each for each in symbol.filters if isinstance(each, kind)]
    if len(found) != 1:
        raise RejectedError(
            RejectReason.INCONSISTENT,
            f"{symbol.symbol} has {len(found)} filters {kind.__struct_config__.tag}, not one",
        )
    return found[0]
