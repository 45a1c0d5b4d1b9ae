"""Records into batches of ledger rows: what one transaction writes, and up to which sequence.

Pure: the same records make the same rows, so a batch whose fate is unknown can be made again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple, get_args

from accounts.ledger import (
    Leg,
    TradeSides,
    amendment_legs,
    credit_legs,
    trade_legs,
    trade_sides,
)
from vocabulary import events as e
from vocabulary.catalogue import Catalogue
from vocabulary.codec import Record
from vocabulary.excerpt import Excerpt
from vocabulary.types import Side

TierEvent = e.TierFeesSet | e.TierFeesCleared | e.FeeTierAssigned
InstrumentEvent = (
    e.InstrumentListed | e.FeesChanged | e.LimitsChanged | e.IncrementsChanged | e.PhaseChanged
)
Listing = e.AssetListed | InstrumentEvent | TierEvent
SETTLED_EVENTS = {
    e.TradeExecuted,
    e.AuctionTradeExecuted,
    e.TradeBusted,
    e.TradeCorrected,
    e.FundsCredited,
    *get_args(Listing),
}


class SequenceGapError(Exception):
    """Records are missing; settling the ones behind the hole would lose them for ever."""


# One leg. `event_index` counts a record's events, `leg_index` an event's legs, from 0. The legs of
# one (sequence, event_index) are linked: they sum to zero per asset. Plain tuples, since there are
# six to a trade and a NamedTuple takes three times as long to make.
EntryRow = tuple[int, int, int, int, int, int]
ENTRY_COLUMNS = ("sequence", "event_index", "leg_index", "account_id", "asset_id", "units")


class TradeRow(NamedTuple):
    """One trade. The buyer's fee is in base units, the seller's in quote units.

    A rebate, which is a fee below zero, is in the other's.
    """

    instrument_id: int
    trade_id: int
    sequence: int
    event_index: int
    timestamp_ns: int
    price_ticks: int
    quantity_lots: int
    base_units: int
    quote_units: int
    buyer_account_id: int
    seller_account_id: int
    buyer_order_id: int
    seller_order_id: int
    buyer_fee_units: int
    seller_fee_units: int
    buyer_is_maker: bool


class AmendmentRow(NamedTuple):
    """A trade as it is after so many amendments: corrected, or busted and so of nothing at all."""

    instrument_id: int
    trade_id: int
    amendments: int
    sequence: int
    event_index: int
    timestamp_ns: int
    price_ticks: int
    quantity_lots: int
    base_units: int
    quote_units: int
    buyer_fee_units: int
    seller_fee_units: int


class Batch:
    """The rows of the records behind `previous_sequence` up to `last_sequence`."""

    def __init__(self, previous_sequence: int) -> None:
        self.previous_sequence = previous_sequence
        self.last_sequence = previous_sequence
        self.listings: list[tuple[int, Listing]] = []  # with the sequence of their record
        self.entries: list[EntryRow] = []
        self.trades: list[TradeRow] = []
        self.amendments: list[AmendmentRow] = []
        # By (account, asset): how the balance changes.
        self.deltas: defaultdict[tuple[int, int], int] = defaultdict(int)


class Settlement:
    """Makes batches, each going on where the one before it ended.

    `catalogue` is what was listed as of `settled_sequence`; it is kept up to date from the records.
    """

    def __init__(self, settled_sequence: int, catalogue: Catalogue) -> None:
        self.last_sequence = settled_sequence
        self._catalogue = catalogue

    def batch(self, records: Iterable[Record | Excerpt]) -> Batch:
        """Return the rows of all records but those already seen. Raises `SequenceGapError`."""
        batch = Batch(self.last_sequence)
        for record in records:
            if record.sequence <= batch.last_sequence:
                continue
            if record.sequence != batch.last_sequence + 1:
                raise SequenceGapError(
                    f"record {record.sequence} came behind record {batch.last_sequence}"
                )
            self._add(batch, record)
            batch.last_sequence = record.sequence
        self.last_sequence = batch.last_sequence
        return batch

    def _add(self, batch: Batch, record: Record | Excerpt) -> None:
        for index, event in enumerate(record.events):
            if type(event) not in SETTLED_EVENTS:  # orders that come and go move no money
                continue
            match event:
                case e.TradeExecuted():
                    instrument = self._catalogue.instruments[event.instrument_id]
                    base, quote = instrument.base.asset_id, instrument.quote.asset_id
                    sides = trade_sides(event)
                    units = (event.base_units, event.quote_units)
                    legs = trade_legs(sides, *units, base, quote)
                    _post(batch, record.sequence, index, legs)
                    batch.trades.append(_trade_row(record, index, event, sides))
                case e.TradeBusted():
                    instrument = self._catalogue.instruments[event.instrument_id]
                    base, quote = instrument.base.asset_id, instrument.quote.asset_id
                    _post(batch, record.sequence, index, amendment_legs(event, base, quote))
                    batch.amendments.append(_amendment_row(record, index, event))
                case e.FundsCredited():
                    _post(batch, record.sequence, index, credit_legs(event))
                case _:
                    assert isinstance(event, Listing)
                    self._catalogue.apply(event)
                    batch.listings.append((record.sequence, event))


def _post(batch: Batch, sequence: int, event_index: int, legs: list[Leg]) -> None:
    for leg_index, (account_id, asset_id, units) in enumerate(legs):
        batch.entries.append((sequence, event_index, leg_index, account_id, asset_id, units))
        batch.deltas[account_id, asset_id] += units


def _trade_row(
    record: Record | Excerpt, event_index: int, event: e.TradeExecuted, sides: TradeSides
) -> TradeRow:
    return TradeRow(
        event.instrument_id,
        event.trade_id,
        record.sequence,
        event_index,
        record.timestamp_ns,
        event.price_ticks,
        event.quantity_lots,
        event.base_units,
        event.quote_units,
        *sides,
        buyer_is_maker=event.incoming_side is Side.SELL,
    )


def _amendment_row(
    record: Record | Excerpt, event_index: int, event: e.TradeBusted
) -> AmendmentRow:
    key = (event.instrument_id, event.trade_id, event.amendments)
    where = (record.sequence, event_index, record.timestamp_ns)
    if not isinstance(event, e.TradeCorrected):
        return AmendmentRow(*key, *where, 0, 0, 0, 0, 0, 0)
    return AmendmentRow(
        *key,
        *where,
        event.corrected_price_ticks,
        event.corrected_quantity_lots,
        event.corrected_base_units,
        event.corrected_quote_units,
        event.corrected_buyer_fee_units,
        event.corrected_seller_fee_units,
    )
