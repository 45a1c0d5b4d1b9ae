"""Trades that the desk undoes or corrects: the money of the two, in and out."""

import msgspec

from tests.oracles.naive_state import NaiveState
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.rejects import PRECEDENCE
from vocabulary.rejects import RejectReason as R
from vocabulary.types import INT64_MAX, PRICE_TICKS_MAX

PPM = 1_000_000


class NaiveAmendments(NaiveState):
    def amend(self, command: c.AmendTrade) -> e.Event:
        key = (command.instrument_id, command.trade_id)
        sides = (command.buyer_account_id, command.seller_account_id)
        reasons = set()
        if not set(sides) <= self.heard_of:
            reasons.add(R.UNKNOWN_ACCOUNT)
        if key[0] not in self.instruments:
            reasons.add(R.UNKNOWN_INSTRUMENT)
            return e.CommandRejected(min(reasons, key=PRECEDENCE.__getitem__))
        if not 1 <= key[1] <= self.trades[key[0]]:
            reasons.add(R.UNKNOWN_TRADE)
        made = self.amendments.get(key, 0)
        if made is None:
            reasons.add(R.TRADE_BUSTED)
        if made != command.amendments:
            reasons.add(R.TRADE_AMENDED)
        new: tuple[int, ...] = ()
        if isinstance(command, c.CorrectTrade):
            price, lots = command.corrected_price_ticks, command.corrected_quantity_lots
            worth = price * lots * self.instruments[key[0]].tick_lot_units
            if not (0 < price <= PRICE_TICKS_MAX and 0 < lots <= command.quantity_lots):
                reasons.add(R.INVALID_CORRECTION)
            if worth > INT64_MAX:
                reasons.add(R.INVALID_CORRECTION)
            new = self.corrected(command, price, lots)
        totals = dict(self.totals)
        self.move_trade(key[0], sides, msgspec.structs.astuple(command)[7:9], fees(command), -1)
        if new:
            self.move_trade(key[0], sides, new[2:4], new[4:6], 1)
        if any(self.available(*owner) < 0 for owner in self.totals):
            reasons.add(R.FUNDS_SPENT)
        if reasons:
            self.totals = totals
            return e.CommandRejected(min(reasons, key=PRECEDENCE.__getitem__))
        assert made is not None
        self.amendments[key] = made + 1 if new else None
        was = (key[0], made + 1, *msgspec.structs.astuple(command)[4:15])
        return e.TradeCorrected(*was, *new) if new else e.TradeBusted(*was)

    def corrected(self, command: c.CorrectTrade, price: int, lots: int) -> tuple[int, ...]:
        terms = self.instruments[command.instrument_id]
        base, quote = lots * terms.lot_units, lots * price * terms.tick_lot_units
        maker, taker = command.seller_account_id, command.buyer_account_id
        got, gave = quote, base
        if command.buyer_is_maker:
            maker, taker, got, gave = taker, maker, base, quote
        taker_fee = -(-gave * self.fees_of(taker, command.instrument_id)[1] // PPM)
        rate = self.fees_of(maker, command.instrument_id)[0]
        maker_fee = -(-got * rate // PPM)
        if rate < 0:
            maker_fee = -min(gave * -rate // PPM, taker_fee)
        both = (maker_fee, taker_fee) if command.buyer_is_maker else (taker_fee, maker_fee)
        return (price, lots, base, quote, *both)

    def move_trade(
        self,
        instrument_id: int,
        sides: tuple[int, int],
        units: tuple[int, ...],
        paid: tuple[int, ...],
        sign: int,
    ) -> None:
        """Do a trade's movements of money, or (`sign` -1) undo them."""
        terms = self.instruments[instrument_id]
        buyer, seller = sides
        base, quote = terms.base_asset_id, terms.quote_asset_id
        fee_asset = (base if paid[0] > 0 else quote, quote if paid[1] > 0 else base)
        for account, asset, gained in (
            (buyer, base, units[0]),
            (seller, base, -units[0]),
            (seller, quote, units[1]),
            (buyer, quote, -units[1]),
            (buyer, fee_asset[0], -paid[0]),
            (0, fee_asset[0], paid[0]),
            (seller, fee_asset[1], -paid[1]),
            (0, fee_asset[1], paid[1]),
        ):
            owner = (account, asset)
            self.totals[owner] = self.totals.get(owner, 0) + sign * gained


def fees(command: c.AmendTrade) -> tuple[int, int]:
    return command.buyer_fee_units, command.seller_fee_units
