"""The leader killed with -9, again and again, during a flow of orders: nothing lost, none doubled.

AGIO_ALPHA_KILLS says how often; `make takeovers` kills fifty times.
"""

import asyncio
import os
import random
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

from agio import run_files
from agio.child_process import free_port
from agio.hot_paths import ROOT
from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.alpha.edge.alpha_run import Taker, noise_run, patiently, taken_in
from tests.trading.feeds.live_feeds import EventSubscriber, Flow, feeds, source_url, subscribed
from trading.alpha.generator import Generator
from trading.feeds.edge.service import FeedsService
from trading.runs import Run

KILLS = int(os.environ.get("AGIO_ALPHA_KILLS", "5"))
INSTANCES = 3
START_S_MAX = 40.0


async def start_instance(data: Path, redis_url: str, handler: FeedsService, run: Run) -> Process:
    environment = {
        "PYTHONPATH": str(ROOT),
        "AGIO_DATA": str(data),
        "AGIO_REDIS_URL": redis_url,
        "AGIO_FEEDS_PORT": str(handler.port),
        "AGIO_ALPHA_METRICS_PORT": str(free_port()),
        "AGIO_LOG_LEVEL": "warning",
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agio", "alpha", run.name), cwd=ROOT, env=environment
    )


@asynccontextmanager
async def instances(
    data: Path, redis_url: str, handler: FeedsService, run: Run
) -> AsyncIterator[list[Process]]:
    started: list[Process] = []
    try:
        for _ in range(INSTANCES):
            started.append(await start_instance(data, redis_url, handler, run))  # noqa: PERF401
        yield started
    finally:
        for each in started:
            if each.returncode is None:
                each.kill()
            await each.wait()


@asynccontextmanager
async def flowing(venue: JsonVenue) -> AsyncIterator[None]:
    """Have others trade on the venue all the while."""

    async def trade() -> None:
        flow = Flow(venue)
        while True:
            await flow.run(1)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(trade())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def decided_in(log: EventSubscriber, run: Run) -> dict[str, int]:
    """Return how many decisions each strategy makes by the stream.

    Raises where the stream holds a decision that is not the one which follows from it.
    """
    generator = Generator(run)
    generator.on_events(log.events)
    return {machine.name: machine.last_number for machine in generator.machines}


def all_taken(log: EventSubscriber, decided: dict[str, int]) -> bool:
    taken = taken_in(log.events)
    return all(len(taken.get(name, [])) >= number for name, number in decided.items())


async def kill_leader(running: list[Process], taker: Taker) -> float:
    """Kill whoever sent the last decision; return after how many seconds another sends one."""
    name = taker.received[-1].member
    (leader,) = [each for each in running if f"-{each.pid}-" in name]
    running.remove(leader)
    since, killed = len(taker.received), time.monotonic()
    leader.kill()
    await patiently(lambda: taker.first_from_another(name, since) is not None)
    first = taker.first_from_another(name, since)
    assert first is not None
    await leader.wait()
    return first.at - killed


async def test_a_killed_leader_loses_and_doubles_no_decision(
    tmp_path: Path, redis_url: str, venue: JsonVenue
) -> None:
    run = noise_run(actions_per_second=200)
    run_files.write(tmp_path, run, {})
    chance = random.Random(1)
    hand_overs = []
    async with AsyncExitStack() as stack:
        handler = await stack.enter_async_context(feeds(tmp_path, redis_url, source_url(venue)))
        await stack.enter_async_context(flowing(venue))
        log = await stack.enter_async_context(subscribed(handler))
        taker = Taker(run, handler, redis_url, delay_s=0.05)
        await taker.start()
        stack.push_async_callback(taker.stop)
        running = await stack.enter_async_context(instances(tmp_path, redis_url, handler, run))
        for _ in range(KILLS):
            await patiently(lambda: len(taker.members) == INSTANCES, START_S_MAX)
            await asyncio.sleep(0.3)  # who came may have taken over from who led
            wanted = len(taker.received) + chance.randint(1, 60)
            await patiently(lambda: len(taker.received) >= wanted)  # noqa: B023
            hand_overs.append(await kill_leader(running, taker))
            running.append(await start_instance(tmp_path, redis_url, handler, run))
        decided = decided_in(log, run)
        await patiently(lambda: all_taken(log, decided))
    for numbers in taken_in(log.events).values():
        assert numbers == list(range(1, len(numbers) + 1))
    assert not taker.counts["holes"]
    sys.stdout.write(
        f"{KILLS} kills: {sum(decided.values())} decisions, {taker.counts['again']} sent again, "
        f"hand-over in {min(hand_overs):.3f} to {max(hand_overs):.3f} s\n"
    )
    assert median(hand_overs) < 1.0  # each, where nothing else keeps the machine busy
