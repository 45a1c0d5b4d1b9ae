"""What a backtest says in the end, as `report.json` has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from trading.backtest.performance import Performance

VERSION = 1

ASSUMPTIONS = (
    "A decision takes the latency to the venue, and the venue's answer takes it back.",
    "What joins a level stands behind all that rests there.",
    "What leaves a level without a trade leaves from the back: no place in the queue gets better.",
    "Others do not react. What is taken from a level is back when the recording next tells of it.",
    "No limits of an execution engine stand before the venue.",
)


class FillRow(msgspec.Struct, frozen=True, array_like=True):
    """A fill as the report shows it, its numbers decimal."""

    time_ns: int
    client_order_id: str
    side: str
    price: str
    quantity: str
    fee: str
    is_maker: bool


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy over a range of history."""

    version: int = VERSION
    strategy: str
    parameters: Mapping[str, Any]
    from_ns: int
    """When the first event came."""
    to_ns: int
    """When the last did."""
    latency_us: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    market_events: int
    decisions: int
    symbols: tuple[Performance, ...]
    fills: Mapping[str, tuple[FillRow, ...]]
    """By symbol."""
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...] = ASSUMPTIONS


def encode(backtest: Backtest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(backtest), indent=1) + b"\n"
