"""What the ops desk can do about trades that were: undo them, or let them have been other ones."""

from __future__ import annotations

from accounts.edge.desk_store import DeskStore, StandingTrade
from accounts.edge.engine_desk import EngineDesk
from accounts.listings import Listings
from accounts.ops_api import OpsError
from accounts.trade_api import CorrectTradeRequest, TradePath, TradeReply
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.instrument import Asset, Instrument
from vocabulary.rejects import Refused

NOTHING = (0, 0, 0, 0, 0, 0)


class TradeDesk:
    """Says to the engine, from the ledger, what a trade was. Methods raise `OpsError`.

    A trade that was amended meanwhile the engine refuses as `trade_amended`: it counts.
    """

    def __init__(self, store: DeskStore, engine: EngineDesk, listings: Listings) -> None:
        self._store = store
        self._engine = engine
        self._listings = listings

    async def show_trade(self, path: TradePath) -> TradeReply:
        """Show a settled trade as it stands."""
        instrument, trade = await self._find(path)
        return _reply(instrument, path.trade_id, trade, 0)

    async def bust_trade(self, path: TradePath) -> TradeReply:
        """Give both sides of a trade back what they gave, or refuse if one has spent it."""
        instrument, trade = await self._find(path)
        sequence, (event,) = await self._engine.execute(
            lambda session_id, number: c.BustTrade(
                session_id,
                number,
                **_facts(instrument, path.trade_id, trade),
                trade_sequence=trade.sequence,
                buyer_is_maker=trade.buyer_is_maker,
            )
        )
        assert isinstance(event, e.TradeBusted)
        busted = StandingTrade(event.amendments, *trade[1:6], *NOTHING, trade.sequence)
        return _reply(instrument, path.trade_id, busted, sequence)

    async def correct_trade(self, path: TradePath, body: CorrectTradeRequest) -> TradeReply:
        """Let a trade have had another price or a smaller quantity; fees are those of now."""
        instrument, trade = await self._find(path)
        try:
            price_ticks = instrument.price_ticks(body.price)
            quantity_lots = instrument.quantity_lots(body.quantity)
        except Refused as error:
            reason = error.reason.name.lower()
            field = "price" if "price" in reason else "quantity"
            raise OpsError(422, reason, error.text, field) from None
        sequence, (event,) = await self._engine.execute(
            lambda session_id, number: c.CorrectTrade(
                session_id,
                number,
                **_facts(instrument, path.trade_id, trade),
                corrected_price_ticks=price_ticks,
                corrected_quantity_lots=quantity_lots,
                buyer_is_maker=trade.buyer_is_maker,
                trade_sequence=trade.sequence,
            )
        )
        assert isinstance(event, e.TradeCorrected)
        corrected = StandingTrade(
            event.amendments,
            *trade[1:6],
            event.corrected_price_ticks,
            event.corrected_quantity_lots,
            event.corrected_base_units,
            event.corrected_quote_units,
            event.corrected_buyer_fee_units,
            event.corrected_seller_fee_units,
            trade.sequence,
        )
        return _reply(instrument, path.trade_id, corrected, sequence)

    async def _find(self, path: TradePath) -> tuple[Instrument, StandingTrade]:
        instrument = self._listings.catalogue.instrument_by_symbol.get(path.symbol)
        if instrument is None:
            raise OpsError(404, "unknown_instrument", f"there is no instrument {path.symbol!r}")
        trade = await self._store.trade(instrument.instrument_id, path.trade_id)
        if trade is None:
            text = f"{path.symbol} has no trade {path.trade_id} that is settled"
            raise OpsError(404, "unknown_trade", text)
        return instrument, trade


def _facts(instrument: Instrument, trade_id: int, trade: StandingTrade) -> dict[str, int]:
    """Return the fields of `AmendTrade` that say what is to be undone."""
    facts = trade._asdict()
    del facts["buyer_is_maker"], facts["sequence"]
    return {"instrument_id": instrument.instrument_id, "trade_id": trade_id, **facts}


def _reply(
    instrument: Instrument, trade_id: int, trade: StandingTrade, sequence: int
) -> TradeReply:
    base, quote = instrument.base, instrument.quote
    return TradeReply(
        sequence=sequence,
        symbol=instrument.symbol,
        trade_id=trade_id,
        amendments=trade.amendments,
        busted=trade.quantity_lots == 0,
        price=instrument.price_text(trade.price_ticks),
        quantity=instrument.quantity_text(trade.quantity_lots),
        quote_quantity=quote.text(trade.quote_units),
        buyer_account_id=trade.buyer_account_id,
        seller_account_id=trade.seller_account_id,
        buyer_order_id=trade.buyer_order_id,
        seller_order_id=trade.seller_order_id,
        buyer_fee=_fee(trade.buyer_fee_units, base, quote),
        seller_fee=_fee(trade.seller_fee_units, quote, base),
    )


def _fee(units: int, received: Asset, gave: Asset) -> str:
    """Return a fee with its asset; a rebate's is the one that its side gave."""
    asset = received if units >= 0 else gave
    return f"{'-' if units < 0 else ''}{asset.text(abs(units))} {asset.name}"
