"""The trade history as the gateway asks it: in threads, for so long and no longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import structlog
from prometheus_client import Counter, Histogram

from gateway.edge.history_tables import HistoryTables
from gateway.trade_history import (
    FoundFills,
    FoundTrades,
    HistoryBusyError,
    HistoryUnavailableError,
    TradeRange,
)
from vocabulary.trade_history import place_of

QUESTIONS_AT_ONCE = 8
QUESTIONS_WAITING_MAX = 64
TIMEOUT_S = 5.0

SECONDS = Histogram("agio_gateway_history_seconds", "Time of a question to the trade history")
FAILURES = Counter("agio_gateway_history_failures", "Questions that it did not answer in time")

log = structlog.get_logger("gateway")

Answer = TypeVar("Answer")


class DynamoHistory:
    """A `TradeHistory` on DynamoDB."""

    def __init__(self, url: str) -> None:
        self._tables = HistoryTables(place_of(url), QUESTIONS_AT_ONCE)
        self._threads = ThreadPoolExecutor(QUESTIONS_AT_ONCE, "history")
        self._asked = 0

    async def trades(self, wanted: TradeRange) -> FoundTrades:
        return await self._ask(partial(self._tables.trades, wanted))

    async def fills(self, account_id: int, wanted: TradeRange) -> FoundFills:
        return await self._ask(partial(self._tables.fills, account_id, wanted))

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, question: Callable[[float], Answer]) -> Answer:
        if self._asked >= QUESTIONS_WAITING_MAX:
            raise HistoryBusyError(f"{self._asked} questions wait")
        deadline_s = time.monotonic() + TIMEOUT_S
        self._asked += 1
        # A thread whose answer nobody waits for any more counts until it is done.
        answering = asyncio.get_running_loop().run_in_executor(self._threads, question, deadline_s)
        answering.add_done_callback(self._answered)
        try:
            with SECONDS.time():
                async with asyncio.timeout(TIMEOUT_S):
                    return await asyncio.shield(answering)
        except TimeoutError:
            FAILURES.inc()
            raise HistoryUnavailableError("no answer in time") from None
        except HistoryUnavailableError as error:
            FAILURES.inc()
            log.warning("trade history failed", reason=str(error))
            raise

    def _answered(self, answering: asyncio.Future[Answer]) -> None:
        self._asked -= 1
        if not answering.cancelled():
            answering.exception()  # it may be that nobody asks any more
