"""The decisions of alpha generators that are there, over real sockets and a real lease store."""

import asyncio

import pytest

from tests.trading.alpha.edge.test_decisions_port import envelope
from trading.alpha.edge.decisions_port import DecisionsPort
from trading.decisions import Envelope
from trading.execution.edge.decision_subscriber import DecisionSubscriber
from trading.leases.edge.redis_leases import RedisLeases
from trading.leases.lease_store import Member


async def test_what_can_not_be_taken_ends_it_and_is_told(redis_url: str) -> None:
    """Silence would look like a strategy that decides nothing."""
    port = DecisionsPort("first", lambda: [envelope(1)])
    await port.start("127.0.0.1", 0)
    store = RedisLeases(redis_url, "alpha:first")
    await store.beat(Member("one", f"127.0.0.1:{port.port}"), ["BTCUSDT"], 60_000)

    def fail(_: list[Envelope]) -> None:
        raise LookupError("on purpose")

    async with asyncio.timeout(10):
        with pytest.raises(LookupError, match="on purpose"):
            await DecisionSubscriber(store, "first", fail).run()
    await store.close()
    await port.stop()
