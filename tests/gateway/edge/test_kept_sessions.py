"""Kept sessions where Redis is away; `test_feed_service` has the rest."""

import pytest

from gateway.edge import kept_sessions
from gateway.edge.kept_sessions import KeptSessions
from gateway.edge.market_feed import MarketFeed


async def test_without_redis_the_session_left_first_is_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept_sessions, "UNWRITTEN_MAX", 3)
    sessions = KeptSessions(MarketFeed("redis://127.0.0.1:1/0", lambda *_: None))
    tokens = [sessions.begin() for _ in range(6)]
    for token in tokens:
        sessions.keep(token, ["btcusdt@trade"])
    for token in tokens[1:]:  # the first one is open still
        sessions.leave(token)
    found = [await sessions.find(token) is not None for token in tokens]
    assert found == [True, False, False, False, True, True]
