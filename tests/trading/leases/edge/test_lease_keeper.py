"""Keepers in processes of their own, which are killed and paused."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from agio.embedded_valkey import EmbeddedValkey
from agio.hot_paths import ROOT
from trading.leases.edge.lease_keeper import LeaseKeeper
from trading.leases.edge.redis_leases import RedisLeases
from trading.leases.lease_store import Member

PATIENCE_S = 10.0
HOLDER = Path(__file__).with_name("lease_holder.py")


class Said(NamedTuple):
    at: float
    what: str
    lease: str
    token: int


class Holder:
    """A process that stands for leases, and all that it said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[Said] = []
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            what, lease, *token = line.decode().split()
            self.said.append(Said(time.monotonic(), what, lease, int(token[0]) if token else 0))

    async def until(self, what: str, lease: str, since: int = 0) -> Said:
        """Return the first of its kind among what was said after `since` words."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for said in self.said[since:]:
                    if (said.what, said.lease) == (what, lease):
                        return said
                await asyncio.sleep(0.005)

    def kill(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._task


@asynccontextmanager
async def holder(url: str, name: str, *leases: str) -> AsyncIterator[Holder]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HOLDER), url, name, *leases),
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    made = Holder(process)
    try:
        yield made
    finally:
        await made.end()


@asynccontextmanager
async def two_holders(url: str) -> AsyncIterator[tuple[Holder, Holder, Said]]:
    """Give the one that leads, the other, and what the leader said of it."""
    async with holder(url, "one", "BTCUSDT") as one, holder(url, "two", "BTCUSDT") as two:
        async with asyncio.timeout(PATIENCE_S):
            # Where each stood alone at first, the second may have taken over since.
            store = RedisLeases(url, "alpha:test")
            while len(await store.members()) < 2:
                await asyncio.sleep(0.01)
            await store.close()
        await asyncio.sleep(0.5)
        acting = [each for each in (one, two) if each.said and each.said[-1].what == "acts"]
        (leader,) = acting
        other = two if leader is one else one
        yield leader, other, leader.said[-1]


async def test_a_killed_holder_is_replaced_within_a_second(redis_url: str) -> None:
    async with two_holders(redis_url) as (leader, other, last):
        since = len(other.said)
        killed = time.monotonic()
        leader.kill(signal.SIGKILL)
        gained = await other.until("gained", "BTCUSDT", since)
        assert gained.at - killed < 1.0
        assert gained.token > last.token


async def test_a_paused_holder_can_act_no_more(redis_url: str) -> None:
    async with two_holders(redis_url) as (leader, other, _):
        since = len(other.said)
        leader.kill(signal.SIGSTOP)
        gained = await other.until("gained", "BTCUSDT", since)
        await asyncio.sleep(0.1)  # what was in the pipe has been read
        paused = len(leader.said)
        leader.kill(signal.SIGCONT)
        await leader.until("lost", "BTCUSDT", paused)
        # It is the first choice as before, and may be given the lease again: with a new token.
        acts = await leader.until("acts", "BTCUSDT", paused)
        assert acts.token > gained.token


async def test_an_orderly_stop_hands_over_at_once(redis_url: str) -> None:
    async with two_holders(redis_url) as (leader, other, _):
        since = len(other.said)
        leader.kill(signal.SIGTERM)
        lost = await leader.until("lost", "BTCUSDT")
        gained = await other.until("gained", "BTCUSDT", since)
        assert gained.at - lost.at < 0.4  # a beat, on a busy machine; not a time to live
        assert await leader.process.wait() == 0


async def test_members_share_the_leases_and_a_new_one_gets_its_part(redis_url: str) -> None:
    leases = [f"SYMBOL{number}" for number in range(12)]
    keepers, held = [], {name: dict[str, int]() for name in ("one", "two", "three")}
    async with AsyncExitStack() as stack:
        for name, mine in held.items():
            store = RedisLeases(redis_url, "alpha:test")
            stack.push_async_callback(store.close)
            keeper = LeaseKeeper(
                store,
                Member(name, ""),
                leases,
                on_gained=mine.__setitem__,
                on_lost=mine.__delitem__,
            )
            keeper.start()
            stack.push_async_callback(keeper.stop)
            keepers.append(keeper)
            await asyncio.sleep(0.5)
            assert sorted(lease for each in held.values() for lease in each) == sorted(leases)
            assert all(held[member.name] for member in keeper.members)
    assert not any(held.values())


async def test_without_the_store_the_leases_end(tmp_path: Path) -> None:
    lost: list[str] = []
    with EmbeddedValkey(tmp_path / "valkey.log", "secret") as server:
        store = RedisLeases(server.url(), "alpha:test")
        keeper = LeaseKeeper(
            store, Member("one", ""), ["BTCUSDT"], on_gained=lambda *_: None, on_lost=lost.append
        )
        keeper.start()
        async with asyncio.timeout(PATIENCE_S):
            while not keeper.token("BTCUSDT"):
                await asyncio.sleep(0.01)
    gone = time.monotonic()
    async with asyncio.timeout(PATIENCE_S):
        while keeper.token("BTCUSDT"):
            await asyncio.sleep(0.01)
    assert time.monotonic() - gone < 1.0
    await asyncio.sleep(0.3)
    assert lost == ["BTCUSDT"]
    assert not keeper.is_reached
    await keeper.stop()
    await store.close()


async def test_a_holder_that_fails_is_told_and_leaves_its_lease_to_others(redis_url: str) -> None:
    def fail(_lease: str, _token: int) -> None:
        raise LookupError("on purpose")

    store = RedisLeases(redis_url, "test")
    keeper = LeaseKeeper(store, Member("one", ""), ["BTCUSDT"], on_gained=fail, on_lost=print)
    keeper.start()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(LookupError, match="on purpose"):
            await keeper.until_failed()
        await keeper.stop()
        assert await store.members() == ()
    await store.close()


async def test_a_holder_that_is_stopped_has_not_failed(redis_url: str) -> None:
    store = RedisLeases(redis_url, "test")
    keeper = LeaseKeeper(
        store, Member("one", ""), ["BTCUSDT"], on_gained=lambda *_: None, on_lost=print
    )
    keeper.start()
    failing = asyncio.create_task(keeper.until_failed())
    await asyncio.sleep(0)
    await keeper.stop()
    await asyncio.sleep(0)
    assert not failing.done()
    failing.cancel()
    await store.close()
