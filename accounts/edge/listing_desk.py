"""What the ops desk can do about listings: through the engine, and without Postgres."""

from __future__ import annotations

import asyncio

from accounts.edge.engine_desk import EngineDesk, MakeCommand
from accounts.listing_api import (
    AssetReply,
    ChangedInstrumentReply,
    ChangeIncrementsRequest,
    ChangePhaseRequest,
    IncrementsReply,
    InstrumentReply,
    InstrumentsReply,
    LimitsFields,
    ListAssetRequest,
    ListInstrumentRequest,
    ReferencePriceReply,
    SetFeesRequest,
    SetLimitsRequest,
    SetReferencePriceRequest,
    SymbolPath,
)
from accounts.listings import Listings
from accounts.ops_api import OpsError
from accounts.settlement import InstrumentEvent
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.instrument import (
    Asset,
    Instrument,
    ListingError,
    build_instrument,
    listing_terms,
)
from vocabulary.limits import Limits
from vocabulary.rejects import Refused
from vocabulary.types import STEPS_PER_COMMAND_MAX, TradingPhase

MILLISECOND_NS = 1_000_000


class ListingDesk:
    """Assets and instruments. Methods raise `OpsError`."""

    def __init__(self, engine: EngineDesk, listings: Listings) -> None:
        self._engine = engine
        self._listings = listings
        # Numbers are given here, so one listing at a time.
        self._listing = asyncio.Lock()

    async def list_asset(self, body: ListAssetRequest) -> AssetReply:
        """Make an asset known."""
        catalogue = self._listings.catalogue
        async with self._listing:
            if body.name in catalogue.asset_by_name:
                raise OpsError(409, "already_listed", f"asset {body.name} is listed", "name")
            asset_id = max(catalogue.assets, default=0) + 1
            sequence, (event,) = await self._engine.execute(
                lambda session_id, number: c.ListAsset(
                    session_id, number, asset_id, body.scale, body.name.encode("ascii")
                )
            )
            assert isinstance(event, e.AssetListed)
            self._listings.apply(sequence, event)
        return AssetReply(sequence=sequence, asset_id=asset_id, name=body.name, scale=body.scale)

    async def list_instrument(self, body: ListInstrumentRequest) -> ChangedInstrumentReply:
        """List an instrument for trading."""
        catalogue = self._listings.catalogue
        async with self._listing:
            base, quote = self._asset(body.base, "base"), self._asset(body.quote, "quote")
            if body.symbol in catalogue.instrument_by_symbol:
                raise OpsError(409, "already_listed", f"{body.symbol} is listed", "symbol")
            instrument_id = max(catalogue.instruments, default=0) + 1
            try:
                tick_size, lot_size = body.price_unit, body.quantity_unit
                units = (tick_size or body.tick_size, lot_size or body.lot_size)
                terms = listing_terms(base, quote, *units)
                listed = build_instrument(
                    instrument_id,
                    body.symbol,
                    base,
                    quote,
                    terms,
                    maker_fee_ppm=body.maker_fee_ppm,
                    taker_fee_ppm=body.taker_fee_ppm,
                )
            except ListingError as error:
                raise OpsError(422, "invalid_listing", str(error)) from None
            limits = _limits(listed, body)
            increments = _increments(listed, body.tick_size, body.lot_size)
            return await self._change(
                lambda session_id, number: c.ListInstrument(
                    session_id,
                    number,
                    instrument_id,
                    base.asset_id,
                    quote.asset_id,
                    terms.lot_units,
                    terms.tick_lot_units,
                    limits.notional_units_min,
                    body.maker_fee_ppm,
                    body.taker_fee_ppm,
                    body.symbol.encode("ascii"),
                    TradingPhase[body.phase.upper()],
                    limits.quantity_lots_min,
                    limits.quantity_lots_max,
                    limits.notional_units_max,
                    *limits[4:],
                    *increments,
                )
            )

    async def list_instruments(self) -> InstrumentsReply:
        """Show all instruments."""
        catalogue = self._listings.catalogue
        return InstrumentsReply(
            instruments=[
                InstrumentReply.model_validate(
                    _fields(listed, catalogue.phases[listed.instrument_id])
                )
                for listed in catalogue.instruments.values()
            ]
        )

    async def halt_instrument(self, path: SymbolPath) -> ChangedInstrumentReply:
        """Take no more orders in an instrument; cancels still work."""
        return await self._change_phase(path.symbol, TradingPhase.HALTED)

    async def resume_instrument(self, path: SymbolPath) -> ChangedInstrumentReply:
        """Take orders again."""
        return await self._change_phase(path.symbol, TradingPhase.TRADING)

    async def change_phase(
        self, path: SymbolPath, body: ChangePhaseRequest
    ) -> ChangedInstrumentReply:
        """Let an instrument come to a phase; what has crossed in an auction trades first."""
        return await self._change_phase(path.symbol, TradingPhase[body.phase.upper()])

    async def delist_instrument(self, path: SymbolPath) -> ChangedInstrumentReply:
        """Cancel all orders in an instrument, and trade it no more; there is no way back."""
        return await self._change_phase(path.symbol, TradingPhase.DELISTED)

    async def set_fees(self, path: SymbolPath, body: SetFeesRequest) -> ChangedInstrumentReply:
        """Set the fees of the trades that follow, in parts per million of what a side receives."""
        instrument = self._instrument(path.symbol)
        return await self._change(
            lambda session_id, number: c.SetFees(
                session_id,
                number,
                instrument.instrument_id,
                body.maker_fee_ppm,
                body.taker_fee_ppm,
            )
        )

    async def set_limits(self, path: SymbolPath, body: SetLimitsRequest) -> ChangedInstrumentReply:
        """Set the limits of the orders that follow; those that are open stay."""
        instrument = self._instrument(path.symbol)
        limits = _limits(instrument, body)
        return await self._change(
            lambda session_id, number: c.SetLimits(
                session_id, number, instrument.instrument_id, *limits
            )
        )

    async def change_increments(
        self, path: SymbolPath, body: ChangeIncrementsRequest
    ) -> IncrementsReply:
        """Change tick and lot while nothing trades; orders that are off them go or forbid it."""
        instrument = self._instrument(path.symbol)
        increments = _increments(instrument, body.tick_size, body.lot_size)
        cancels_max = STEPS_PER_COMMAND_MAX if body.cancel_orders else 0
        canceled = 0
        while True:
            sequence, events = await self._engine.execute(
                lambda session_id, number: c.ChangeIncrements(
                    session_id, number, instrument.instrument_id, *increments, cancels_max
                )
            )
            canceled += sum(isinstance(event, e.OrderCanceled) for event in events)
            if isinstance(events[-1], e.IncrementsChanged):
                break
        self._listings.apply(sequence, events[-1])
        fields = self._shown(instrument.instrument_id)
        return IncrementsReply.model_validate(
            fields | {"sequence": sequence, "canceled_orders": canceled}
        )

    async def set_reference_price(
        self, path: SymbolPath, body: SetReferencePriceRequest
    ) -> ReferencePriceReply:
        """Set the price that bands and collars are about, until the next trade."""
        instrument = self._instrument(path.symbol)
        try:
            price_ticks = instrument.price_ticks(body.price)
        except Refused as error:
            raise OpsError(422, error.reason.name.lower(), error.text, "price") from None
        sequence, _ = await self._engine.execute(
            lambda session_id, number: c.SetReferencePrice(
                session_id, number, instrument.instrument_id, price_ticks
            )
        )
        return ReferencePriceReply(
            sequence=sequence, symbol=path.symbol, price=instrument.price_text(price_ticks)
        )

    async def _change_phase(self, symbol: str, phase: TradingPhase) -> ChangedInstrumentReply:
        instrument = self._instrument(symbol)
        while True:
            reply = await self._change(
                lambda session_id, number: c.ChangePhase(
                    session_id, number, instrument.instrument_id, phase, STEPS_PER_COMMAND_MAX
                )
            )
            # As long as there are more orders to cancel, the instrument only takes cancels.
            if phase is not TradingPhase.DELISTED or reply.phase == "delisted":
                return reply

    async def _change(self, make: MakeCommand) -> ChangedInstrumentReply:
        sequence, events = await self._engine.execute(make)
        instrument_id = 0
        for event in events:
            if isinstance(event, InstrumentEvent):
                self._listings.apply(sequence, event)
                instrument_id = event.instrument_id
        fields = self._shown(instrument_id)
        return ChangedInstrumentReply.model_validate(fields | {"sequence": sequence})

    def _shown(self, instrument_id: int) -> dict[str, object]:
        catalogue = self._listings.catalogue
        return _fields(catalogue.instruments[instrument_id], catalogue.phases[instrument_id])

    def _asset(self, name: str, field: str) -> Asset:
        asset = self._listings.catalogue.asset_by_name.get(name)
        if asset is None:
            raise OpsError(404, "unknown_asset", f"there is no asset {name!r}", field)
        return asset

    def _instrument(self, symbol: str) -> Instrument:
        instrument = self._listings.catalogue.instrument_by_symbol.get(symbol)
        if instrument is None:
            raise OpsError(404, "unknown_instrument", f"there is no instrument {symbol!r}")
        return instrument


def _limits(instrument: Instrument, body: LimitsFields) -> Limits:
    """Return limits in an instrument's lots and units. Raises `OpsError`."""
    lots, units = instrument.quantity_lots, instrument.quote.units
    try:
        limits = Limits(
            lots(body.quantity_min),
            lots(body.quantity_max),
            units(body.notional_min),
            units(body.notional_max),
            body.open_orders_max,
            body.price_band_ppm,
            body.market_collar_ppm,
            body.volatility_band_ppm,
            body.volatility_auction_ms * MILLISECOND_NS,
        )
    except (Refused, ValueError) as error:
        raise OpsError(422, "invalid_limits", str(error)) from None
    if not limits.are_possible:
        text = "a minimum is above its maximum, or a volatility band goes without its time"
        raise OpsError(422, "invalid_limits", text)
    return limits


def _increments(instrument: Instrument, tick_size: str, lot_size: str) -> tuple[int, int]:
    """Return a tick and a lot size in an instrument's own ticks and lots. Raises `OpsError`."""
    try:
        increments = (instrument.price_ticks(tick_size), instrument.quantity_lots(lot_size))
    except Refused as error:
        raise OpsError(422, "invalid_increment", error.text) from None
    if 0 in increments:
        raise OpsError(422, "invalid_increment", "a tick or lot size of 0 is none")
    return increments


def _fields(instrument: Instrument, phase: TradingPhase) -> dict[str, object]:
    limits = instrument.limits
    return {
        "instrument_id": instrument.instrument_id,
        "symbol": instrument.symbol,
        "base": instrument.base.name,
        "quote": instrument.quote.name,
        "tick_size": instrument.price_increment_text,
        "lot_size": instrument.quantity_increment_text,
        "price_unit": instrument.tick.text,
        "quantity_unit": instrument.lot.text,
        "quantity_min": instrument.quantity_text(limits.quantity_lots_min),
        "quantity_max": instrument.quantity_text(limits.quantity_lots_max),
        "notional_min": instrument.quote.text(limits.notional_units_min),
        "notional_max": instrument.quote.text(limits.notional_units_max),
        "open_orders_max": limits.open_orders_max,
        "price_band_ppm": limits.price_band_ppm,
        "market_collar_ppm": limits.market_collar_ppm,
        "volatility_band_ppm": limits.volatility_band_ppm,
        "volatility_auction_ms": limits.volatility_auction_ns // MILLISECOND_NS,
        "maker_fee_ppm": instrument.maker_fee_ppm,
        "taker_fee_ppm": instrument.taker_fee_ppm,
        "phase": phase.name.lower(),
    }
