"""What would bust each trade, as the ledger knows it: folded from the events."""

from __future__ import annotations

import msgspec

from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.types import Side


class Busts:
    """The trades so far, by instrument and trade id."""

    def __init__(self) -> None:
        self.by_trade: dict[tuple[int, int], c.BustTrade] = {}

    def note(self, event: e.Event, sequence: int = 0) -> None:
        """Take an event in, of the record of this sequence where that matters."""
        match event:
            case e.TradeExecuted():
                key = (event.instrument_id, event.trade_id)
                self.by_trade[key] = msgspec.structs.replace(
                    bust_of(event),
                    trade_sequence=sequence,
                    buyer_is_maker=event.incoming_side is Side.SELL,
                )
            case e.TradeCorrected():
                key = (event.instrument_id, event.trade_id)
                self.by_trade[key] = msgspec.structs.replace(
                    self.by_trade[key],
                    amendments=event.amendments,
                    price_ticks=event.corrected_price_ticks,
                    quantity_lots=event.corrected_quantity_lots,
                    base_units=event.corrected_base_units,
                    quote_units=event.corrected_quote_units,
                    buyer_fee_units=event.corrected_buyer_fee_units,
                    seller_fee_units=event.corrected_seller_fee_units,
                )
            case _:
                pass

    def correction(self, bust: c.BustTrade, price_ticks: int, lots: int) -> c.CorrectTrade:
        """Return what corrects a trade instead of busting it."""
        facts = msgspec.structs.asdict(bust)
        return c.CorrectTrade(
            **{name: facts[name] for name in c.AmendTrade.__struct_fields__},
            corrected_price_ticks=price_ticks,
            corrected_quantity_lots=lots,
            buyer_is_maker=bust.buyer_is_maker,
            trade_sequence=bust.trade_sequence,
        )


def bust_of(trade: e.TradeExecuted) -> c.BustTrade:
    resting = (trade.resting_account_id, trade.resting_order_id, trade.resting_fee_units)
    incoming = (trade.incoming_account_id, trade.incoming_order_id, trade.incoming_fee_units)
    is_buy = trade.incoming_side is Side.BUY
    buyer, seller = (incoming, resting) if is_buy else (resting, incoming)
    return c.BustTrade(
        1,
        1,
        instrument_id=trade.instrument_id,
        amendments=0,
        trade_id=trade.trade_id,
        price_ticks=trade.price_ticks,
        quantity_lots=trade.quantity_lots,
        base_units=trade.base_units,
        quote_units=trade.quote_units,
        buyer_account_id=buyer[0],
        seller_account_id=seller[0],
        buyer_order_id=buyer[1],
        seller_order_id=seller[1],
        buyer_fee_units=buyer[2],
        seller_fee_units=seller[2],
    )
