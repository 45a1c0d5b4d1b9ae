"""Fees by tier of account and by instrument; the most specific ones that there are hold.

Those of a tier in an instrument come first, then those of a tier in all instruments, then the
instrument's own. Books keep the outcome by tier, so that a trade looks nothing up in rules.
"""

from matching.core.state import VENUE_ACCOUNT_ID, State
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.rejects import RejectReason
from vocabulary.types import FEE_PPM_MAX, FEE_TIER_MAX, ID_MAX


def are_possible(maker_fee_ppm: int, taker_fee_ppm: int) -> bool:
    return -FEE_PPM_MAX <= maker_fee_ppm <= FEE_PPM_MAX and taker_fee_ppm <= FEE_PPM_MAX


def set_tier_fees(state: State, command: c.SetTierFees) -> e.Event:
    if command.instrument_id and command.instrument_id not in state.books:
        return e.CommandRejected(RejectReason.UNKNOWN_INSTRUMENT)
    if not are_possible(command.maker_fee_ppm, command.taker_fee_ppm):
        return e.CommandRejected(RejectReason.INVALID_FEE)
    if not 0 < command.fee_tier <= FEE_TIER_MAX:
        return e.CommandRejected(RejectReason.INVALID_FEE_TIER)
    # Past this line nothing can fail.
    fees = (command.maker_fee_ppm, command.taker_fee_ppm)
    state.tier_fees[command.fee_tier, command.instrument_id] = fees
    resolve(state)
    return e.TierFeesSet(command.fee_tier, command.instrument_id, *fees)


def clear_tier_fees(state: State, command: c.ClearTierFees) -> e.Event:
    if command.instrument_id and command.instrument_id not in state.books:
        return e.CommandRejected(RejectReason.UNKNOWN_INSTRUMENT)
    if not 0 < command.fee_tier <= FEE_TIER_MAX:
        return e.CommandRejected(RejectReason.INVALID_FEE_TIER)
    # Past this line nothing can fail.
    state.tier_fees.pop((command.fee_tier, command.instrument_id), None)
    resolve(state)
    return e.TierFeesCleared(command.fee_tier, command.instrument_id)


def assign_fee_tier(state: State, command: c.AssignFeeTier) -> e.Event:
    if not VENUE_ACCOUNT_ID < command.account_id <= ID_MAX:
        return e.CommandRejected(RejectReason.UNKNOWN_ACCOUNT)
    if not 0 <= command.fee_tier <= FEE_TIER_MAX:
        return e.CommandRejected(RejectReason.INVALID_FEE_TIER)
    # Past this line nothing can fail.
    state.open_account(command.account_id).fee_tier = command.fee_tier
    return e.FeeTierAssigned(command.account_id, command.fee_tier)


def resolve(state: State) -> None:
    """Give every book what its tiers pay."""
    for instrument_id, book in state.books.items():
        book.tier_fees.clear()
        for of in (0, instrument_id):  # the more specific ones last
            for (tier, in_instrument), fees in state.tier_fees.items():
                if in_instrument == of:
                    book.tier_fees[tier] = fees
