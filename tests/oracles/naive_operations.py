"""What the desk may ask of the naive venue, where no order is concerned."""

from tests.oracles.naive_amendments import NaiveAmendments
from tests.oracles.naive_triggers import NaiveTriggers
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.limits import limits_of
from vocabulary.rejects import PRECEDENCE
from vocabulary.rejects import RejectReason as R
from vocabulary.types import (
    FEE_PPM_MAX,
    FEE_TIER_MAX,
    INT64_MAX,
    PRICE_TICKS_MAX,
    SelfTradePrevention,
    TradingPhase,
)


class NaiveOperations(NaiveTriggers, NaiveAmendments):
    def credit(self, command: c.CreditFunds) -> e.Event:
        key = (command.account_id, command.asset_id)
        issued = sum(units for (_, asset), units in self.totals.items() if asset == key[1])
        reasons = set()
        if command.account_id == 0:
            reasons.add(R.UNKNOWN_ACCOUNT)
        if command.asset_id not in self.assets:
            reasons.add(R.UNKNOWN_ASSET)
        if command.amount_units <= 0:
            reasons.add(R.INVALID_AMOUNT)
        if issued + command.amount_units > INT64_MAX:
            reasons.add(R.FUNDS_OVERFLOW)
        if reasons:
            return e.CommandRejected(min(reasons, key=PRECEDENCE.__getitem__))
        self.heard_of.add(command.account_id)
        self.totals[key] = self.totals.get(key, 0) + command.amount_units
        return e.FundsCredited(*key, command.amount_units, self.available(*key))

    def set_self_trade_prevention(self, command: c.SetSelfTradePrevention) -> e.Event:
        account = command.account_id
        mode = command.self_trade_prevention or SelfTradePrevention.NONE
        if account not in self.heard_of:
            return e.CommandRejected(R.UNKNOWN_ACCOUNT)
        self.prevention[account] = mode
        return e.SelfTradePreventionSet(account, mode)

    def resume(self, command: c.ResumeAccount) -> e.Event:
        account = command.account_id
        if account not in self.heard_of:
            return e.CommandRejected(R.UNKNOWN_ACCOUNT)
        self.suspended.discard(account)
        return e.AccountResumed(account)

    def set_fees(self, command: c.SetFees) -> e.Event:
        if command.instrument_id not in self.instruments:
            return e.CommandRejected(R.UNKNOWN_INSTRUMENT)
        fees = (command.maker_fee_ppm, command.taker_fee_ppm)
        if max(fees) > FEE_PPM_MAX or min(fees) < -FEE_PPM_MAX:
            return e.CommandRejected(R.INVALID_FEE)
        self.fees[command.instrument_id] = fees
        return e.FeesChanged(command.instrument_id, *fees)

    def set_tier_fees(self, command: c.SetTierFees | c.ClearTierFees) -> e.Event:
        reasons = set()
        if command.instrument_id and command.instrument_id not in self.instruments:
            reasons.add(R.UNKNOWN_INSTRUMENT)
        if not 1 <= command.fee_tier <= FEE_TIER_MAX:
            reasons.add(R.INVALID_FEE_TIER)
        fees = (0, 0)
        if isinstance(command, c.SetTierFees):
            fees = (command.maker_fee_ppm, command.taker_fee_ppm)
        if max(fees) > FEE_PPM_MAX or min(fees) < -FEE_PPM_MAX:
            reasons.add(R.INVALID_FEE)
        if reasons:
            return e.CommandRejected(min(reasons, key=PRECEDENCE.__getitem__))
        key = (command.fee_tier, command.instrument_id)
        if isinstance(command, c.ClearTierFees):
            self.tier_fees.pop(key, None)
            return e.TierFeesCleared(*key)
        self.tier_fees[key] = fees
        return e.TierFeesSet(*key, *fees)

    def assign_fee_tier(self, command: c.AssignFeeTier) -> e.Event:
        if command.account_id == 0:
            return e.CommandRejected(R.UNKNOWN_ACCOUNT)
        if command.fee_tier > FEE_TIER_MAX:
            return e.CommandRejected(R.INVALID_FEE_TIER)
        self.heard_of.add(command.account_id)
        self.tiers[command.account_id] = command.fee_tier
        return e.FeeTierAssigned(command.account_id, command.fee_tier)

    def set_limits(self, command: c.SetLimits) -> e.Event:
        limits = limits_of(command)
        if command.instrument_id not in self.instruments:
            return e.CommandRejected(R.UNKNOWN_INSTRUMENT)
        if not limits.are_possible:
            return e.CommandRejected(R.INVALID_LIMITS)
        self.limits[command.instrument_id] = limits
        return e.LimitsChanged(command.instrument_id, *limits)

    def set_reference_price(self, command: c.SetReferencePrice) -> e.Event:
        if command.instrument_id not in self.instruments:
            return e.CommandRejected(R.UNKNOWN_INSTRUMENT)
        if not 0 <= command.price_ticks <= PRICE_TICKS_MAX:
            return e.CommandRejected(R.PRICE_OUT_OF_RANGE)
        self.references[command.instrument_id] = command.price_ticks
        return e.ReferencePriceSet(command.instrument_id, command.price_ticks)

    def list_instrument(self, command: c.ListInstrument) -> e.Event:
        number = command.instrument_id
        self.instruments[number] = command
        self.phases[number] = TradingPhase.TRADING
        self.fees[number] = (command.maker_fee_ppm, command.taker_fee_ppm)
        self.trades[number] = self.prevented[number] = 0
        self.limits[number] = limits_of(command)
        self.references[number] = 0
        self.increments[number] = (1, 1)
        fields = {name: getattr(command, name) for name in e.InstrumentListed.__struct_fields__}
        return e.InstrumentListed(**fields)
