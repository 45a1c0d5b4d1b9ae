"""Where trades are found that memory holds no longer: a seam, behind which a store may be away."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from vocabulary.trade_history import HistoricFill, HistoricTrade
from vocabulary.types import INT64_MAX


class HistoryUnavailableError(Exception):
    """The store does not answer, or not in time. Trying again may help."""


class HistoryBusyError(HistoryUnavailableError):
    """Too many questions wait already."""


class TradeRange(NamedTuple):
    """Trades of a symbol within all of these bounds: the first of them, or the last.

    Times are UTC nanoseconds, the last one included. `order_id` narrows fills to one order's.
    """

    symbol: str
    limit: int
    is_from_start: bool
    first_id: int = 0
    start_ns: int = 0
    end_ns: int = INT64_MAX
    order_id: int | None = None


class FoundTrades(NamedTuple):
    """Trades, oldest first, of a store that had all up to a time when it was asked."""

    trades: list[HistoricTrade]
    through_ns: int


class FoundFills(NamedTuple):
    """Fills, oldest first, a maker's in front of the taker's of the same trade."""

    fills: list[HistoricFill]
    through_ns: int


class TradeHistory(Protocol):
    """All methods raise `HistoryUnavailableError`, within some seconds."""

    async def trades(self, wanted: TradeRange) -> FoundTrades: ...

    async def fills(self, account_id: int, wanted: TradeRange) -> FoundFills: ...

    async def close(self) -> None: ...
