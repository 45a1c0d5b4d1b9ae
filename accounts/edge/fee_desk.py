"""What the ops desk can do about fee tiers: through the engine, and without Postgres."""

from __future__ import annotations

from accounts.edge.engine_desk import EngineDesk, MakeCommand
from accounts.fee_api import (
    AccountTierReply,
    AssignFeeTierRequest,
    FeeTiersReply,
    SetTierFeesRequest,
    TierFeesReply,
    TierPath,
    TierPathAndSymbol,
)
from accounts.listings import Listings
from accounts.ops_api import AccountPath, OpsError
from accounts.settlement import TierEvent
from vocabulary import commands as c
from vocabulary.catalogue import ALL_INSTRUMENTS


class FeeDesk:
    """Tiers, their fees and who is in them. Methods raise `OpsError`."""

    def __init__(self, engine: EngineDesk, listings: Listings) -> None:
        self._engine = engine
        self._listings = listings

    async def list_fee_tiers(self) -> FeeTiersReply:
        """Show the fees of all tiers, and who is in them."""
        catalogue = self._listings.catalogue
        symbols = {one.instrument_id: one.symbol for one in catalogue.instruments.values()}
        return FeeTiersReply(
            fees=[
                TierFeesReply(
                    fee_tier=tier,
                    symbol=symbols.get(instrument_id),
                    maker_fee_ppm=maker_fee_ppm,
                    taker_fee_ppm=taker_fee_ppm,
                )
                for (tier, instrument_id), (maker_fee_ppm, taker_fee_ppm) in sorted(
                    catalogue.tier_fees.items()
                )
            ],
            accounts=[
                AccountTierReply(account_id=account_id, fee_tier=tier)
                for account_id, tier in sorted(catalogue.fee_tiers.items())
                if tier
            ],
        )

    async def set_tier_fees(self, path: TierPath, body: SetTierFeesRequest) -> FeeTiersReply:
        """Set what the accounts of a tier pay from now on, in an instrument or in all."""
        instrument_id = self._instrument_id(body.symbol)
        fees = (body.maker_fee_ppm, body.taker_fee_ppm)
        return await self._change(
            lambda session_id, number: c.SetTierFees(
                session_id, number, path.fee_tier, instrument_id, *fees
            )
        )

    async def clear_tier_fees(self, path: TierPathAndSymbol) -> FeeTiersReply:
        """Let a tier have no fees of its own in an instrument, or none for all of them."""
        instrument_id = self._instrument_id(path.symbol)
        return await self._change(
            lambda session_id, number: c.ClearTierFees(
                session_id, number, path.fee_tier, instrument_id
            )
        )

    async def assign_fee_tier(self, path: AccountPath, body: AssignFeeTierRequest) -> FeeTiersReply:
        """Put an account into a fee tier, or into none."""
        return await self._change(
            lambda session_id, number: c.AssignFeeTier(
                session_id, number, path.account_id, body.fee_tier
            )
        )

    async def _change(self, make: MakeCommand) -> FeeTiersReply:
        sequence, (event,) = await self._engine.execute(make)
        assert isinstance(event, TierEvent)
        self._listings.apply(sequence, event)
        return await self.list_fee_tiers()

    def _instrument_id(self, symbol: str | None) -> int:
        if symbol is None:
            return ALL_INSTRUMENTS
        instrument = self._listings.catalogue.instrument_by_symbol.get(symbol)
        if instrument is None:
            raise OpsError(
                404, "unknown_instrument", f"there is no instrument {symbol!r}", "symbol"
            )
        return instrument.instrument_id
