"""What the ops desk says to the venue about fee tiers, and what it hears back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accounts.listing_api import SetFeesRequest, Symbol
from accounts.ops_api import AccountId, Reply, Request
from vocabulary.types import FEE_TIER_MAX


class TierPath(Request):
    fee_tier: Annotated[int, Field(ge=1, le=FEE_TIER_MAX)]


class SetTierFeesRequest(SetFeesRequest):
    """For one instrument or, without a symbol, for all. The most specific fees hold."""

    symbol: Symbol | None = None


class TierPathAndSymbol(TierPath):
    symbol: Symbol | None = None


class AssignFeeTierRequest(Request):
    """0: none."""

    fee_tier: Annotated[int, Field(ge=0, le=FEE_TIER_MAX, strict=True)]


class TierFeesReply(Reply):
    fee_tier: int
    symbol: str | None
    maker_fee_ppm: int
    taker_fee_ppm: int


class AccountTierReply(Reply):
    account_id: AccountId
    fee_tier: int


class FeeTiersReply(Reply):
    """All fees that tiers have, and the accounts that are in one."""

    fees: list[TierFeesReply]
    accounts: list[AccountTierReply]
