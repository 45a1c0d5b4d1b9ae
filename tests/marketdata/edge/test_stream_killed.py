"""The stream's writer killed with -9 at random under load, and its store away meanwhile.

`AGIO_CAMPAIGN_KILLS` sets how many kills.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
from multiprocessing.process import BaseProcess
from pathlib import Path

import uvloop

from marketdata.edge.stream_follower import StreamFollower
from marketdata.edge.stream_service import StreamService
from tests.marketdata.edge.kinesis_proxy import kinesis_proxy
from tests.marketdata.edge.test_stream_service import (
    POLL_S,
    count,
    journal,
    read_until,
    trade,
)
from tests.marketdata.live_venue import LiveVenue, eventually, live_venue
from tests.marketdata.scripted_venue import ETHUSDT

KILLS = int(os.environ.get("AGIO_CAMPAIGN_KILLS", "3"))
AWAY_S = 60.0 if "AGIO_CAMPAIGN_KILLS" in os.environ else 0.5
ORDERS_A_ROUND = 10

# Forked from a process that has the libraries already: a start takes milliseconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def start_stream(address: str, url: str, directory: Path) -> BaseProcess:
    process = _processes.Process(target=_serve, args=(dict(os.environ), address, url, directory))
    process.start()
    return process


def _serve(environment: dict[str, str], address: str, url: str, directory: Path) -> None:
    os.environ.update(environment)
    uvloop.run(_serve_until_killed(address, url, directory))


async def _serve_until_killed(address: str, url: str, directory: Path) -> None:
    service = StreamService(matching_address=address, event_stream_url=url, directory=directory)
    await service.start()
    await asyncio.Event().wait()


class Load:
    """Orders round after round."""

    def __init__(self, venue: LiveVenue) -> None:
        self._venue = venue
        self._stopping = False
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self._stopping = True
        await self._task

    async def _run(self) -> None:
        chance = random.Random(3)
        while not self._stopping:
            trade(self._venue, ORDERS_A_ROUND, chance)
            await self._venue.carry_out()
            await asyncio.sleep(0.03)


async def test_a_killed_writer_leaves_nothing_missing_or_twice(
    tmp_path: Path, redis_url: str, kinesis_url: str, aws_endpoint: str
) -> None:
    chance = random.Random(11)
    directory = tmp_path / "stream"
    async with (
        live_venue(tmp_path, redis_url) as venue,
        kinesis_proxy(aws_endpoint, random.Random(5)) as proxy,
    ):
        venue.script.list_instrument(ETHUSDT, b"ETHUSDT", 2)
        through_proxy = kinesis_url.replace(aws_endpoint, proxy.url)
        load = Load(venue)
        for number in range(KILLS):
            process = start_stream(venue.address, through_proxy, directory)
            wanted = proxy.puts + chance.randint(3, 15)
            await eventually(lambda: proxy.puts >= wanted, 60)  # noqa: B023 (called at once)
            if number == KILLS // 2:
                proxy.is_down, before = True, len(venue.records)
                await asyncio.sleep(AWAY_S)
                assert len(venue.records) > before, "trading stood still"
                proxy.is_down = False
            process.kill()
            await asyncio.to_thread(process.join)
        await load.stop()
        process = start_stream(venue.address, through_proxy, directory)
        wanted_entries = journal(venue)
        follower = StreamFollower(kinesis_url, poll_s=POLL_S)
        await follower.open()
        assert await read_until(follower, count(wanted_entries)) == wanted_entries
        await follower.close()
        process.kill()
        await asyncio.to_thread(process.join)
