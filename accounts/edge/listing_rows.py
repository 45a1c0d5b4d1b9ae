"""The rows of what is listed, written from events and read back as events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.settlement import Listing, TierEvent
from vocabulary import events as e
from vocabulary.limits import Limits, limits_of
from vocabulary.types import TradingPhase

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]


async def write_listing(connection: Connection, event: Listing) -> None:
    match event:
        case e.AssetListed():
            await connection.execute(
                "INSERT INTO assets (asset_id, name, scale) VALUES ($1, $2, $3)",
                event.asset_id,
                event.name.decode("ascii"),
                event.scale,
            )
        case e.InstrumentListed():
            await connection.execute(
                "INSERT INTO instruments (instrument_id, base_asset_id, quote_asset_id, lot_units,"
                " tick_lot_units, notional_units_min, maker_fee_ppm, taker_fee_ppm, symbol, phase)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                event.instrument_id,
                event.base_asset_id,
                event.quote_asset_id,
                event.lot_units,
                event.tick_lot_units,
                event.notional_units_min,
                event.maker_fee_ppm,
                event.taker_fee_ppm,
                event.symbol.decode("ascii"),
                TradingPhase.TRADING,
            )
        case e.FeesChanged():
            await connection.execute(
                "UPDATE instruments SET maker_fee_ppm = $2, taker_fee_ppm = $3"
                " WHERE instrument_id = $1",
                event.instrument_id,
                event.maker_fee_ppm,
                event.taker_fee_ppm,
            )
        case e.LimitsChanged():
            await connection.execute(
                "UPDATE instruments SET quantity_lots_min = $2, quantity_lots_max = $3,"
                " notional_units_min = $4, notional_units_max = $5, open_orders_max = $6,"
                " price_band_ppm = $7, market_collar_ppm = $8, volatility_band_ppm = $9,"
                " volatility_auction_ns = $10 WHERE instrument_id = $1",
                event.instrument_id,
                *limits_of(event),
            )
        case e.IncrementsChanged():
            await connection.execute(
                "UPDATE instruments SET price_increment_ticks = $2, quantity_increment_lots = $3"
                " WHERE instrument_id = $1",
                event.instrument_id,
                event.price_increment_ticks,
                event.quantity_increment_lots,
            )
        case e.TierFeesSet() | e.TierFeesCleared() | e.FeeTierAssigned():
            await _write_tier(connection, event)
        case e.PhaseChanged():
            await connection.execute(
                "UPDATE instruments SET phase = $2 WHERE instrument_id = $1",
                event.instrument_id,
                event.phase,
            )


async def read_listings(connection: Connection) -> list[Listing]:
    """Return the events that would list what is listed, as it is now."""
    listings: list[Listing] = [
        e.AssetListed(row["asset_id"], row["scale"], row["name"].encode("ascii"))
        for row in await connection.fetch("SELECT * FROM assets ORDER BY asset_id")
    ]
    for row in await connection.fetch("SELECT * FROM instruments ORDER BY instrument_id"):
        listings += [
            e.InstrumentListed(
                row["instrument_id"],
                row["base_asset_id"],
                row["quote_asset_id"],
                row["lot_units"],
                row["tick_lot_units"],
                row["notional_units_min"],
                row["maker_fee_ppm"],
                row["taker_fee_ppm"],
                row["symbol"].encode("ascii"),
            ),
            e.LimitsChanged(row["instrument_id"], *(row[name] for name in Limits._fields)),
            e.IncrementsChanged(
                row["instrument_id"], row["price_increment_ticks"], row["quantity_increment_lots"]
            ),
            e.PhaseChanged(row["instrument_id"], TradingPhase(row["phase"])),
        ]
    listings += [
        e.TierFeesSet(*row)
        for row in await connection.fetch(
            "SELECT * FROM tier_fees ORDER BY fee_tier, instrument_id"
        )
    ]
    listings += [
        e.FeeTierAssigned(*row)
        for row in await connection.fetch("SELECT * FROM fee_tiers ORDER BY account_id")
    ]
    return listings


async def _write_tier(connection: Connection, event: TierEvent) -> None:
    match event:
        case e.TierFeesSet():
            await connection.execute(
                "INSERT INTO tier_fees (fee_tier, instrument_id, maker_fee_ppm, taker_fee_ppm)"
                " VALUES ($1, $2, $3, $4) ON CONFLICT (fee_tier, instrument_id)"
                " DO UPDATE SET maker_fee_ppm = $3, taker_fee_ppm = $4",
                event.fee_tier,
                event.instrument_id,
                event.maker_fee_ppm,
                event.taker_fee_ppm,
            )
        case e.TierFeesCleared():
            await connection.execute(
                "DELETE FROM tier_fees WHERE fee_tier = $1 AND instrument_id = $2",
                event.fee_tier,
                event.instrument_id,
            )
        case e.FeeTierAssigned():
            await connection.execute(
                "INSERT INTO fee_tiers (account_id, fee_tier) VALUES ($1, $2)"
                " ON CONFLICT (account_id) DO UPDATE SET fee_tier = $2",
                event.account_id,
                event.fee_tier,
            )
