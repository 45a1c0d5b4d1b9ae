"""What the venue itself may ask of the engine: listings, phases, fees and credits.

These are rare, so they are decoded into command objects and answered with event objects; orders are
not (see `matching.core.engine`).
"""

from matching.core import amendments, fee_tiers, increments
from matching.core.auction import enter_phase
from matching.core.holds import Account
from matching.core.matcher import Matcher
from matching.core.order_book import OrderBook
from matching.core.state import VENUE_ACCOUNT_ID, State
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import pack
from vocabulary.instrument import Asset, ListingError, Terms, build_instrument
from vocabulary.limits import Limits, limits_of
from vocabulary.rejects import RejectReason
from vocabulary.types import (
    ASSET_SCALE_MAX,
    ID_MAX,
    INT64_MAX,
    PRICE_TICKS_MAX,
    CancelReason,
    SelfTradePrevention,
    Sides,
    TradingPhase,
)


def operate(matcher: Matcher, command: c.Command) -> None:
    """Carry out one of the venue's own commands, and say what happened."""
    state = matcher.state
    match command:
        case c.ChangePhase():
            change_phase(matcher, command)
        case c.ListAsset():
            say(matcher, list_asset(state, command))
        case c.ListInstrument():
            list_instrument(matcher, command)
        case c.ChangeIncrements():
            increments.change(matcher, command)
        case c.SetLimits():
            say(matcher, set_limits(state, command))
        case c.SetReferencePrice():
            say(matcher, set_reference_price(state, command))
        case c.SetFees():
            say(matcher, set_fees(state, command))
        case c.SetTierFees():
            say(matcher, fee_tiers.set_tier_fees(state, command))
        case c.ClearTierFees():
            say(matcher, fee_tiers.clear_tier_fees(state, command))
        case c.AssignFeeTier():
            say(matcher, fee_tiers.assign_fee_tier(state, command))
        case c.CreditFunds():
            say(matcher, credit_funds(state, command))
        case c.AmendTrade():
            say(matcher, amendments.amend_trade(state, command))
        case c.SuspendAccount():
            suspend_account(matcher, command)
        case c.ResumeAccount():
            say(matcher, resume_account(state, command))
        case c.SetSelfTradePrevention():
            say(matcher, set_self_trade_prevention(state, command))
        case _:
            name = type(command).__name__
            raise AssertionError(f"{name} is not one of the venue's own commands")


def say(matcher: Matcher, event: e.Event) -> None:
    matcher.events.write(pack(event))


def list_asset(state: State, command: c.ListAsset) -> e.Event:
    name = command.name.decode("ascii", "replace")
    listed = state.assets.values()
    if command.asset_id in state.assets or any(asset.name == name for asset in listed):
        return e.CommandRejected(RejectReason.ALREADY_LISTED)
    if not 0 < command.asset_id <= ID_MAX or command.scale > ASSET_SCALE_MAX:
        return e.CommandRejected(RejectReason.INVALID_LISTING)
    if not name.isalnum() or not name.isascii():
        return e.CommandRejected(RejectReason.INVALID_LISTING)
    # Past this line nothing can fail.
    state.assets[command.asset_id] = Asset(command.asset_id, name, command.scale)
    state.issued_units[command.asset_id] = 0
    return e.AssetListed(command.asset_id, command.scale, command.name)


def list_instrument(matcher: Matcher, command: c.ListInstrument) -> None:
    state = matcher.state
    refusal = listing_refusal(state, command)
    if refusal:
        return say(matcher, e.CommandRejected(refusal))
    # Past this line nothing can fail.
    venue: Account = state.accounts[VENUE_ACCOUNT_ID]
    limits = limits_of(command)
    book = OrderBook(
        command.instrument_id,
        command.lot_units,
        command.tick_lot_units,
        limits,
        venue.funds_in(command.base_asset_id),
        venue.funds_in(command.quote_asset_id),
    )
    book.maker_fee_ppm = command.maker_fee_ppm
    book.taker_fee_ppm = command.taker_fee_ppm
    state.books[command.instrument_id] = book
    state.symbols[command.instrument_id] = command.symbol.decode("ascii")
    fee_tiers.resolve(state)
    listed = e.InstrumentListed(
        command.instrument_id,
        command.base_asset_id,
        command.quote_asset_id,
        command.lot_units,
        command.tick_lot_units,
        command.notional_units_min,
        command.maker_fee_ppm,
        command.taker_fee_ppm,
        command.symbol,
    )
    say(matcher, listed)
    if limits != Limits(notional_units_min=command.notional_units_min):
        say(matcher, e.LimitsChanged(command.instrument_id, *limits))
    book.set_increments(command.price_increment_ticks, command.quantity_increment_lots)
    if book.has_increments:
        steps = (command.price_increment_ticks, command.quantity_increment_lots)
        say(matcher, e.IncrementsChanged(command.instrument_id, *steps))
    if command.phase is not TradingPhase.TRADING:
        enter_phase(matcher, book, command.phase)
    return None


def listing_refusal(state: State, command: c.ListInstrument) -> RejectReason | None:
    symbol = command.symbol.decode("ascii", "replace")
    base = state.assets.get(command.base_asset_id)
    quote = state.assets.get(command.quote_asset_id)
    if base is None or quote is None:
        return RejectReason.UNKNOWN_ASSET
    steps = (command.price_increment_ticks, command.quantity_increment_lots)
    if command.instrument_id in state.books or symbol in state.symbols.values():
        return RejectReason.ALREADY_LISTED
    if not 0 < command.instrument_id <= ID_MAX or base is quote:
        return RejectReason.INVALID_LISTING
    if not symbol.isalnum() or not symbol.isascii() or command.notional_units_min < 0:
        return RejectReason.INVALID_LISTING
    if command.lot_units <= 0 or command.tick_lot_units <= 0:
        return RejectReason.INVALID_LISTING
    try:
        build_instrument(
            command.instrument_id,
            symbol,
            base,
            quote,
            Terms(command.lot_units, command.tick_lot_units),
            maker_fee_ppm=command.maker_fee_ppm,
            taker_fee_ppm=command.taker_fee_ppm,
        )
    except ListingError:
        return RejectReason.INVALID_LISTING
    if not increments.are_possible(*steps):
        return RejectReason.INVALID_INCREMENT
    if not limits_of(command).are_possible:
        return RejectReason.INVALID_LIMITS
    if not fee_tiers.are_possible(command.maker_fee_ppm, command.taker_fee_ppm):
        return RejectReason.INVALID_FEE
    return None


def set_limits(state: State, command: c.SetLimits) -> e.Event:
    book = state.books.get(command.instrument_id)
    limits = limits_of(command)
    if book is None:
        return e.CommandRejected(RejectReason.UNKNOWN_INSTRUMENT)
    if not limits.are_possible:
        return e.CommandRejected(RejectReason.INVALID_LIMITS)
    # Past this line nothing can fail.
    book.set_limits(limits)
    return e.LimitsChanged(command.instrument_id, *limits)


def set_reference_price(state: State, command: c.SetReferencePrice) -> e.Event:
    book = state.books.get(command.instrument_id)
    if book is None:
        return e.CommandRejected(RejectReason.UNKNOWN_INSTRUMENT)
    if not 0 <= command.price_ticks <= PRICE_TICKS_MAX:
        return e.CommandRejected(RejectReason.PRICE_OUT_OF_RANGE)
    # Past this line nothing can fail.
    book.set_reference(command.price_ticks)
    return e.ReferencePriceSet(command.instrument_id, command.price_ticks)


def change_phase(matcher: Matcher, command: c.ChangePhase) -> None:
    book = matcher.state.books.get(command.instrument_id)
    if book is None:
        return say(matcher, e.CommandRejected(RejectReason.UNKNOWN_INSTRUMENT))
    if book.phase == TradingPhase.DELISTED:
        return say(matcher, e.CommandRejected(RejectReason.INSTRUMENT_DELISTED))
    # Past this line nothing can fail.
    return enter_phase(matcher, book, command.phase, max(command.steps_max, 0))


def set_fees(state: State, command: c.SetFees) -> e.Event:
    book = state.books.get(command.instrument_id)
    if book is None:
        return e.CommandRejected(RejectReason.UNKNOWN_INSTRUMENT)
    if not fee_tiers.are_possible(command.maker_fee_ppm, command.taker_fee_ppm):
        return e.CommandRejected(RejectReason.INVALID_FEE)
    # Past this line nothing can fail.
    book.maker_fee_ppm = command.maker_fee_ppm
    book.taker_fee_ppm = command.taker_fee_ppm
    return e.FeesChanged(command.instrument_id, command.maker_fee_ppm, command.taker_fee_ppm)


def credit_funds(state: State, command: c.CreditFunds) -> e.Event:
    if not VENUE_ACCOUNT_ID < command.account_id <= ID_MAX:
        return e.CommandRejected(RejectReason.UNKNOWN_ACCOUNT)
    if command.asset_id not in state.assets:
        return e.CommandRejected(RejectReason.UNKNOWN_ASSET)
    if command.amount_units <= 0:
        return e.CommandRejected(RejectReason.INVALID_AMOUNT)
    # No sum of any accounts' funds can pass what was issued, so this one check bounds them all.
    if command.amount_units > INT64_MAX - state.issued_units[command.asset_id]:
        return e.CommandRejected(RejectReason.FUNDS_OVERFLOW)
    # Past this line nothing can fail.
    funds = state.open_account(command.account_id).funds_in(command.asset_id)
    funds.available += command.amount_units
    state.issued_units[command.asset_id] += command.amount_units
    return e.FundsCredited(
        command.account_id, command.asset_id, command.amount_units, funds.available
    )


def set_self_trade_prevention(state: State, command: c.SetSelfTradePrevention) -> e.Event:
    account = state.accounts.get(command.account_id)
    if account is None or command.account_id == VENUE_ACCOUNT_ID:
        return e.CommandRejected(RejectReason.UNKNOWN_ACCOUNT)
    # Past this line nothing can fail.
    mode = command.self_trade_prevention or SelfTradePrevention.NONE
    account.self_trade_prevention = mode.value
    return e.SelfTradePreventionSet(command.account_id, mode)


def suspend_account(matcher: Matcher, command: c.SuspendAccount) -> None:
    if not VENUE_ACCOUNT_ID < command.account_id <= ID_MAX:
        return say(matcher, e.CommandRejected(RejectReason.UNKNOWN_ACCOUNT))
    # Past this line nothing can fail.
    account = matcher.state.open_account(command.account_id)
    account.is_suspended = True
    say(matcher, e.AccountSuspended(command.account_id))
    everything = (0, Sides.BOTH.value, 0, 0)
    return matcher.cancel_all(account, *everything, CancelReason.ACCOUNT_SUSPENDED.value)


def resume_account(state: State, command: c.ResumeAccount) -> e.Event:
    account = state.accounts.get(command.account_id)
    if account is None or command.account_id == VENUE_ACCOUNT_ID:
        return e.CommandRejected(RejectReason.UNKNOWN_ACCOUNT)
    # Past this line nothing can fail.
    account.is_suspended = False
    return e.AccountResumed(command.account_id)
