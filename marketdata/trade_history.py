"""From records to the items of the trade history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

from vocabulary import events as e
from vocabulary.catalogue import Catalogue, Listing
from vocabulary.excerpt import Excerpt
from vocabulary.instrument import Instrument
from vocabulary.trade_history import (
    HistoricFill,
    HistoricTrade,
    Item,
    ItemChange,
    amendment_values,
    begins_block,
    block_item,
    fill_change,
    fill_item,
    trade_change,
    trade_item,
)
from vocabulary.types import Side

HISTORY_EVENTS: set[type[e.Event]] = {
    *get_args(Listing),
    e.TradeExecuted,
    e.AuctionTradeExecuted,
    e.TradeBusted,
    e.TradeCorrected,
}
DAY_S = 86_400
SECOND_NS = 1_000_000_000


class HistoryBatch(NamedTuple):
    """The items of some consecutive records. The same records make the same items."""

    trades: list[Item]
    """Of the table of trades, where blocks begin included."""
    fills: list[Item]
    changes: list[ItemChange]
    """To be made behind all these, in order."""
    listings: list[tuple[int, Listing]]
    """Each with its record's sequence."""
    last_sequence: int
    last_ns: int


class TradeItems:
    """Makes items of trades. Items expire `ttl_days` after their trade; 0: never."""

    def __init__(self, listings: Iterable[Listing], ttl_days: int) -> None:
        self._catalogue = Catalogue()
        self._ttl_s = ttl_days * DAY_S
        for listing in listings:
            self._catalogue.apply(listing)

    def batch(self, records: Sequence[Excerpt]) -> HistoryBatch:
        """Return the items of records, at least one, that follow those of the last call."""
        trades: list[Item] = []
        fills: list[Item] = []
        changes: list[ItemChange] = []
        listings: list[tuple[int, Listing]] = []
        for sequence, timestamp_ns, events in records:
            expires_s = timestamp_ns // SECOND_NS + self._ttl_s if self._ttl_s else None
            for event in events:
                if isinstance(event, e.TradeExecuted):
                    instrument = self._catalogue.instruments[event.instrument_id]
                    trade = historic_trade(instrument, event, sequence, timestamp_ns)
                    trades.append(trade_item(trade, expires_s))
                    if begins_block(trade.trade_id):
                        trades.append(block_item(trade, expires_s))
                    both = historic_fills(instrument, event, sequence, timestamp_ns)
                    fills += [fill_item(fill, expires_s) for fill in both]
                elif isinstance(event, e.TradeBusted):
                    changes += amendment_changes(
                        self._catalogue.instruments[event.instrument_id], event
                    )
                elif isinstance(event, Listing):
                    self._catalogue.apply(event)
                    listings.append((sequence, event))
        last = records[-1]
        return HistoryBatch(trades, fills, changes, listings, last.sequence, last.timestamp_ns)


def historic_trade(
    instrument: Instrument, event: e.TradeExecuted, sequence: int, timestamp_ns: int
) -> HistoricTrade:
    buyer_is_maker = event.incoming_side is Side.SELL
    resting, incoming = event.resting_order_id, event.incoming_order_id
    return HistoricTrade(
        instrument.symbol,
        event.trade_id,
        timestamp_ns,
        instrument.price_text(event.price_ticks),
        instrument.quantity_text(event.quantity_lots),
        instrument.quote.text(event.quote_units),
        buyer_is_maker,
        resting if buyer_is_maker else incoming,
        incoming if buyer_is_maker else resting,
        sequence,
    )


def historic_fills(
    instrument: Instrument, event: e.TradeExecuted, sequence: int, timestamp_ns: int
) -> tuple[HistoricFill, HistoricFill]:
    """Return both sides of a trade, the maker's first."""

    def side(
        account_id: int, order_id: int, fee_units: int, *, is_maker: bool, is_buyer: bool
    ) -> HistoricFill:
        # A rebate is in the asset that its side gave.
        fee_asset = instrument.base if is_buyer == (fee_units >= 0) else instrument.quote
        return HistoricFill(
            account_id,
            instrument.symbol,
            event.trade_id,
            is_maker,
            order_id,
            is_buyer,
            instrument.price_text(event.price_ticks),
            instrument.quantity_text(event.quantity_lots),
            instrument.quote.text(event.quote_units),
            fee_asset.text(fee_units),
            fee_asset.name,
            timestamp_ns,
            sequence,
        )

    taker_buys = event.incoming_side is Side.BUY
    return (
        side(
            event.resting_account_id,
            event.resting_order_id,
            event.resting_fee_units,
            is_maker=True,
            is_buyer=not taker_buys,
        ),
        side(
            event.incoming_account_id,
            event.incoming_order_id,
            event.incoming_fee_units,
            is_maker=False,
            is_buyer=taker_buys,
        ),
    )


def amendment_changes(instrument: Instrument, event: e.TradeBusted) -> list[ItemChange]:
    """Return what a bust or a correction makes of a trade's items, as often as it is made."""
    is_busted = not isinstance(event, e.TradeCorrected)
    values = amendment_values(event.amendments, is_busted=is_busted)
    fees = (event.buyer_fee_units, event.seller_fee_units)
    if isinstance(event, e.TradeCorrected):
        values |= {
            "price": {"S": instrument.price_text(event.corrected_price_ticks)},
            "qty": {"S": instrument.quantity_text(event.corrected_quantity_lots)},
            "quote": {"S": instrument.quote.text(event.corrected_quote_units)},
        }
        fees = (event.corrected_buyer_fee_units, event.corrected_seller_fee_units)
    symbol, trade_id = instrument.symbol, event.trade_id
    changes = [trade_change(symbol, trade_id, event.buyer_order_id, values)]
    accounts = (event.buyer_account_id, event.seller_account_id)
    for account_id, fee_units, is_buyer in zip(accounts, fees, (True, False), strict=True):
        asset = instrument.base if is_buyer == (fee_units >= 0) else instrument.quote
        paid: Item = {"fee": {"S": asset.text(fee_units)}, "fee_asset": {"S": asset.name}}
        changes.append(
            fill_change(account_id, symbol, trade_id, is_buyer=is_buyer, values=values | paid)
        )
    return changes
