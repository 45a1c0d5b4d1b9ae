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
    begins_block,
    block_item,
    fill_item,
    trade_item,
)
from vocabulary.types import Side

HISTORY_EVENTS: set[type[e.Event]] = {*get_args(Listing), e.TradeExecuted, e.AuctionTradeExecuted}
DAY_S = 86_400
SECOND_NS = 1_000_000_000


class HistoryBatch(NamedTuple):
    """The items of some consecutive records. The same records make the same items."""

    trades: list[Item]
    """Of the table of trades, where blocks begin included."""
    fills: list[Item]
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
                elif isinstance(event, Listing):
                    self._catalogue.apply(event)
                    listings.append((sequence, event))
        last = records[-1]
        return HistoryBatch(trades, fills, listings, last.sequence, last.timestamp_ns)


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
