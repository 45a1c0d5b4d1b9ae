"""What a session of any service needs to have requests about trades and balances answered."""

from __future__ import annotations

from typing import Any, Protocol

from gateway.fix.codec import FixMessage

POST_TRADE_REQUESTS = frozenset({b"AD", b"AN"})


class PostTrade(Protocol):
    """What answers requests about trades and balances, for sessions of every service."""

    def answer(self, flow: Any, message: FixMessage, now_ns: int) -> None: ...

    def forget(self, flow: Any) -> None: ...
