import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from agio.embedded_valkey import EmbeddedValkey
from tests.valkey_cluster import valkey_cluster
from trading.execution.edge.run_switches import RunSwitches
from trading.leases.edge.redis_leases import RedisLeases
from trading.leases.lease_store import LeaseStoreError, Member

ONE, TWO = Member("one", "127.0.0.1:1"), Member("two", "127.0.0.1:2")
TTL_MS = 600
PATIENCE_S = 10.0


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisLeases]:
    leases = RedisLeases(redis_url, "alpha:test")
    yield leases
    await leases.close()


async def test_a_lease_has_one_holder_until_it_ends(store: RedisLeases) -> None:
    held = (await store.beat(ONE, ["BTCUSDT"], 250)).tokens
    assert set(held) == {"BTCUSDT"}
    assert not (await store.beat(TWO, ["BTCUSDT"], TTL_MS)).tokens
    async with asyncio.timeout(PATIENCE_S):
        while not (taken_over := (await store.beat(TWO, ["BTCUSDT"], TTL_MS)).tokens):
            await asyncio.sleep(0.01)
    assert taken_over["BTCUSDT"] > held["BTCUSDT"]
    assert not (await store.beat(ONE, ["BTCUSDT"], TTL_MS)).tokens


async def test_a_renewed_lease_keeps_its_token(store: RedisLeases) -> None:
    tokens = [(await store.beat(ONE, ["BTCUSDT"], TTL_MS)).tokens for _ in range(3)]
    assert tokens[0] == tokens[1] == tokens[2]


async def test_a_lease_that_ended_is_given_anew_also_to_its_last_holder(store: RedisLeases) -> None:
    first = (await store.beat(ONE, ["BTCUSDT"], 20)).tokens["BTCUSDT"]
    await asyncio.sleep(0.03)
    second = (await store.beat(ONE, ["BTCUSDT"], TTL_MS)).tokens["BTCUSDT"]
    assert second > first
    assert await store.tokens() == {"BTCUSDT": second}


async def test_what_is_wanted_no_longer_is_free_at_once(store: RedisLeases) -> None:
    await store.beat(ONE, ["BTCUSDT", "ETHUSDT"], TTL_MS)
    assert set((await store.beat(ONE, ["ETHUSDT"], TTL_MS)).tokens) == {"ETHUSDT"}
    both = (await store.beat(TWO, ["BTCUSDT", "ETHUSDT"], TTL_MS)).tokens
    assert set(both) == {"BTCUSDT"}


async def test_who_leaves_is_gone_and_its_leases_are_free(store: RedisLeases) -> None:
    await store.beat(ONE, ["BTCUSDT"], TTL_MS)
    await store.beat(TWO, [], TTL_MS)
    assert await store.members() == (ONE, TWO)
    await store.leave(ONE)
    assert await store.members() == (TWO,)
    assert set((await store.beat(TWO, ["BTCUSDT"], TTL_MS)).tokens) == {"BTCUSDT"}


async def test_a_member_that_beats_no_longer_is_not_there(store: RedisLeases) -> None:
    await store.beat(ONE, [], 30)
    await asyncio.sleep(0.04)
    assert await store.members() == ()
    assert (await store.beat(TWO, [], TTL_MS)).members == (TWO,)


async def test_groups_know_nothing_of_each_other(store: RedisLeases, redis_url: str) -> None:
    other = RedisLeases(redis_url, "execution:test")
    await store.beat(ONE, ["BTCUSDT"], TTL_MS)
    beat = await other.beat(TWO, ["BTCUSDT"], TTL_MS)
    await other.close()
    assert beat.members == (TWO,)
    assert set(beat.tokens) == {"BTCUSDT"}


async def test_a_store_that_lost_everything_goes_on_with_higher_tokens(
    store: RedisLeases, redis_url: str
) -> None:
    before = (await store.beat(ONE, ["BTCUSDT"], TTL_MS)).tokens["BTCUSDT"]
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    assert (await store.beat(TWO, ["BTCUSDT"], TTL_MS)).tokens["BTCUSDT"] > before


async def test_a_store_that_is_gone_is_told(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey.log", "secret") as server:
        store = RedisLeases(server.url(), "alpha:test")
        await store.beat(ONE, [], TTL_MS)
    with pytest.raises(LeaseStoreError):
        await store.beat(ONE, [], TTL_MS)
    await store.close()


class Holding(NamedTuple):
    """That a member held the lease over some microseconds of the store's clock."""

    from_us: int
    until_us: int
    token: int
    holder: str


async def contend(url: str, name: str, holdings: list[Holding], until: float) -> None:
    """Want a lease with a short life now and then; forget to renew it, or give it back."""
    chance = random.Random(name)
    store, me = RedisLeases(url, "alpha:test"), Member(name, "")
    loop = asyncio.get_running_loop()
    last = 0  # where our last holding stands
    while loop.time() < until:
        ttl_ms = chance.choice((1, 5, 20))
        beat = await store.beat(me, ["BTCUSDT"] if chance.random() < 0.8 else [], ttl_ms)
        if "BTCUSDT" in beat.tokens:
            end_us = beat.now_us + ttl_ms * 1_000
            last = len(holdings)
            holdings.append(Holding(beat.now_us, end_us, beat.tokens["BTCUSDT"], name))
        elif holdings and holdings[last].holder == name:
            # Given back, or ended: it may be another's from here on.
            ended_us = min(holdings[last].until_us, beat.now_us)
            holdings[last] = holdings[last]._replace(until_us=ended_us)
        await asyncio.sleep(chance.choice((0, 0.001, 0.01)))
    await store.close()


async def test_no_two_hold_a_lease_at_any_moment(redis_url: str) -> None:
    holdings: list[Holding] = []
    until = asyncio.get_running_loop().time() + 1.5
    await asyncio.gather(*(contend(redis_url, name, holdings, until) for name in "abcde"))
    changes = 0
    for before, after in pairwise(sorted(holdings)):
        if before.token == after.token:
            assert before.holder == after.holder
            continue
        changes += 1
        assert before.token < after.token
        assert before.until_us <= after.from_us
    assert changes > 20


async def test_leases_and_switches_lie_in_a_cluster(tmp_path: Path) -> None:
    with valkey_cluster(tmp_path) as cluster:
        groups = [f"alpha:{number}" for number in range(6)]  # so that each server has one
        stores = [RedisLeases(cluster.url(), group) for group in groups]
        for leases in stores:
            await first_answer(leases)
            held = (await leases.beat(ONE, ["BTCUSDT"], 50)).tokens
            assert not (await leases.beat(TWO, ["BTCUSDT"], TTL_MS)).tokens
            await asyncio.sleep(0.06)
            taken_over = (await leases.beat(TWO, ["BTCUSDT"], TTL_MS)).tokens
            assert taken_over["BTCUSDT"] > held["BTCUSDT"]
            assert await leases.members() == (TWO,)
            assert await leases.tokens() == taken_over
            await leases.close()
        there = [cluster.ask(number, "KEYS", "agio:{alpha:*:leases") for number in range(3)]
        assert sum(map(len, there)) == len(groups)
        assert all(there)
        switches = RunSwitches(cluster.url(), "first")
        await switches.pull("maker", "lost too much")
        assert await switches.pulled() == {"maker": "lost too much"}
        assert await switches.opening("maker", {"BTC": 7}) == {"BTC": 7}
        assert await switches.revive("maker")
        await switches.close()


async def first_answer(leases: RedisLeases) -> None:
    """Wait until the client knows the cluster, which may take longer than a beat may."""
    async with asyncio.timeout(10):
        while True:
            with suppress(LeaseStoreError):
                await leases.members()
                return
