"""What the ops desk says to the venue about assets and instruments, and what it hears back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accounts.ops_api import AssetName, Decimal, Reply, Request
from vocabulary.types import (
    ASSET_SCALE_MAX,
    BAND_PPM_MAX,
    FEE_PPM_MAX,
    OPEN_ORDERS_PER_ACCOUNT_MAX,
)

Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,31}$")]
FeePpm = Annotated[int, Field(ge=0, le=FEE_PPM_MAX, strict=True)]
MakerFeePpm = Annotated[int, Field(ge=-FEE_PPM_MAX, le=FEE_PPM_MAX, strict=True)]
"""Below zero it is a rebate."""
PhaseName = Literal[
    "pre_open",
    "opening_auction",
    "trading",
    "closing_auction",
    "halted",
    "cancel_only",
    "closed",
]
DAY_MS = 24 * 3600 * 1000
BandPpm = Annotated[int, Field(ge=0, le=BAND_PPM_MAX, strict=True)]


class SymbolPath(Request):
    symbol: Symbol


class ListAssetRequest(Request):
    """`scale`: the decimal places of the smallest unit."""

    name: AssetName
    scale: Annotated[int, Field(ge=0, le=ASSET_SCALE_MAX, strict=True)]


class AssetReply(Reply):
    sequence: int
    asset_id: int
    name: str
    scale: int


class LimitsFields(BaseModel):
    """Bounds of the orders in an instrument; none where they are 0.

    Quantities in base, notionals (price x quantity) in quote; bands in parts per million of the
    reference price: of limit prices, of the prices at which a market order trades, and of those at
    which any order does, beyond which an auction of so many milliseconds begins.
    """

    quantity_min: Decimal = "0"
    quantity_max: Decimal = "0"
    notional_min: Decimal = "0"
    notional_max: Decimal = "0"
    open_orders_max: Annotated[int, Field(ge=0, le=OPEN_ORDERS_PER_ACCOUNT_MAX, strict=True)] = 0
    price_band_ppm: BandPpm = 0
    market_collar_ppm: BandPpm = 0
    volatility_band_ppm: BandPpm = 0
    volatility_auction_ms: Annotated[int, Field(ge=0, le=DAY_MS, strict=True)] = 0


class ListInstrumentRequest(LimitsFields, Request):
    """One lot at a price of one tick must be whole units of the quote asset.

    Tick and lot may change later to other multiples of `price_unit` and `quantity_unit`, which are
    for good; without them the first ones are.
    """

    symbol: Symbol
    base: AssetName
    quote: AssetName
    tick_size: Decimal
    lot_size: Decimal
    price_unit: Decimal | None = None
    quantity_unit: Decimal | None = None
    maker_fee_ppm: MakerFeePpm = 0
    taker_fee_ppm: FeePpm = 0
    phase: PhaseName = "trading"


class SetLimitsRequest(LimitsFields, Request):
    """All limits of an instrument: those left out are none."""


class ChangeIncrementsRequest(Request):
    """`cancel_orders`: whether open orders that are off the new tick or lot are to be canceled."""

    tick_size: Decimal
    lot_size: Decimal
    cancel_orders: Annotated[bool, Field(strict=True)] = False


class SetReferencePriceRequest(Request):
    """`price` 0: there is none, and bands bound nothing until the next trade."""

    price: Decimal


class ReferencePriceReply(Reply):
    """The reference price since the journal's record `sequence`, until the next trade."""

    sequence: int
    symbol: str
    price: str


class ChangePhaseRequest(Request):
    phase: PhaseName


class SetFeesRequest(Request):
    maker_fee_ppm: MakerFeePpm
    taker_fee_ppm: FeePpm


class InstrumentReply(LimitsFields, Reply):
    instrument_id: int
    symbol: str
    base: str
    quote: str
    tick_size: str
    lot_size: str
    price_unit: str
    quantity_unit: str
    maker_fee_ppm: int
    taker_fee_ppm: int
    phase: str


class ChangedInstrumentReply(InstrumentReply):
    """The instrument since the journal's record `sequence`."""

    sequence: int


class IncrementsReply(ChangedInstrumentReply):
    canceled_orders: int


class InstrumentsReply(Reply):
    instruments: list[InstrumentReply]
