import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.alpha.edge.alpha_run import (
    SYMBOL,
    Taker,
    alpha,
    decisions_of,
    noise_run,
    patiently,
    taken_in,
)
from tests.trading.feeds.live_feeds import EventSubscriber, feeds, source_url, subscribed
from tests.trading.own_events import taken
from trading.alpha.edge.service import AlphaService
from trading.alpha.generator import Generator
from trading.feeds.edge.service import FeedsService
from trading.runs import Run
from trading.stream.edge.reporter import OwnEventReporter
from trading.stream.messages import Refusal


@pytest.fixture
async def handler(tmp_path: Path, redis_url: str, venue: JsonVenue) -> AsyncIterator[FeedsService]:
    async with feeds(tmp_path, redis_url, source_url(venue)) as service:
        yield service


@asynccontextmanager
async def alphas(
    count: int, run: Run, handler: FeedsService, redis_url: str, directory: Path, **more: Any
) -> AsyncIterator[list[AlphaService]]:
    instances = [alpha(run, handler, redis_url, directory, **more) for _ in range(count)]
    for each in instances:
        await each.start()
    try:
        await patiently(lambda: any(each.leads() for each in instances))
        yield instances
    finally:
        for each in instances:
            await each.stop()


@asynccontextmanager
async def taking(run: Run, handler: FeedsService, redis_url: str) -> AsyncIterator[Taker]:
    taker = Taker(run, handler, redis_url)
    await taker.start()
    try:
        yield taker
    finally:
        await taker.stop()


def rebuilt(run: Run, log: EventSubscriber, sequence: int) -> Generator:
    """Return a generator that has seen the stream from its beginning to `sequence`."""
    generator = Generator(run)
    generator.on_events([event for event in log.events if event.stream_sequence <= sequence])
    assert generator.sequence == sequence
    return generator


async def test_a_rebuild_leads_to_the_same_state(
    tmp_path: Path, redis_url: str, handler: FeedsService
) -> None:
    run = noise_run()
    async with taking(run, handler, redis_url) as taker, subscribed(handler) as log:
        async with alphas(1, run, handler, redis_url, tmp_path / "alpha") as (first,):
            assert first.health()["ready"] is True
            await patiently(lambda: len(taker.taken) > 100)
        stopped = first.generator.sequence
        await patiently(lambda: log.events[-1].stream_sequence >= stopped)
        assert rebuilt(run, log, stopped).state_hash() == first.generator.state_hash()

        # From the snapshot that the stop has left, and the tail.
        again = alpha(run, handler, redis_url, tmp_path / "alpha")
        await again.start()
        assert again.generator.sequence == stopped
        assert again.generator.state_hash() == first.generator.state_hash()
        taken_before = len(taker.taken)
        await patiently(lambda: len(taker.taken) > taken_before + 20)
        await again.stop()
        stopped = again.generator.sequence
        await patiently(lambda: log.events[-1].stream_sequence >= stopped)
        assert rebuilt(run, log, stopped).state_hash() == again.generator.state_hash()
        assert not taker.counts["holes"]


async def test_what_nobody_took_is_sent_by_who_takes_over(
    tmp_path: Path, redis_url: str, handler: FeedsService
) -> None:
    run = noise_run()
    async with alphas(2, run, handler, redis_url, tmp_path / "alpha") as instances:
        await patiently(lambda: all(each.generator.untaken(SYMBOL) for each in instances))
        # The second may have taken over from the first, which was alone for a moment.
        await asyncio.sleep(0.4)
        (leader,) = [each for each in instances if each.leads()]
        (other,) = [each for each in instances if each is not leader]
        stopped = asyncio.get_running_loop().time()
        await leader.stop()
        await patiently(lambda: bool(other.leads()))
        assert asyncio.get_running_loop().time() - stopped < 0.5
        async with taking(run, handler, redis_url) as taker, subscribed(handler) as log:
            await patiently(lambda: len(taker.taken) > 30)
            assert taker.taken[0].number == 1
            assert not taker.counts["holes"]
            await patiently(lambda: len(taken_in(log.events).get("noise", [])) > 20)
        for numbers in taken_in(log.events).values():
            assert numbers == list(range(1, len(numbers) + 1))


async def test_a_subscriber_of_another_run_or_version_is_refused(
    tmp_path: Path, redis_url: str, handler: FeedsService
) -> None:
    async with alphas(1, noise_run(), handler, redis_url, tmp_path / "alpha") as (only,):
        for request, complaint in (
            ({"version": 1, "run": "other"}, "run 'other' is not 'first'"),
            ({"version": 9, "run": "first"}, "version 9 is not 1"),
            ({"run": "first"}, "no request"),
        ):
            answers: list[bytes] = []
            connection = await decisions_of(
                f"127.0.0.1:{only.port}", msgspec.msgpack.encode(request), answers.extend
            )
            await asyncio.wait({connection.closed}, timeout=5)
            refusal = msgspec.msgpack.decode(answers[0], type=Refusal)
            assert complaint in refusal.error


async def test_an_instance_without_the_stream_leads_nothing(
    tmp_path: Path, redis_url: str, venue: JsonVenue
) -> None:
    run = noise_run()
    async with feeds(tmp_path, redis_url, source_url(venue)) as handler:
        only = alpha(run, handler, redis_url, tmp_path / "alpha")
        await only.start()
        await patiently(lambda: bool(only.leads()))
    await patiently(lambda: not only.leads())
    assert only.health()["ready"] is False
    await only.stop()


async def test_decisions_in_the_stream_that_are_not_ours_end_an_instance(
    tmp_path: Path, redis_url: str, handler: FeedsService
) -> None:
    run = noise_run()
    failures: list[str] = []
    async with alphas(
        1, run, handler, redis_url, tmp_path / "alpha", on_failure=failures.append
    ) as (only,):
        reporter = OwnEventReporter("127.0.0.1", handler.reports_port)
        reporting = asyncio.create_task(reporter.run())
        reporter.put([taken(1, strategy="noise", epoch=run.epoch)])
        await patiently(lambda: bool(failures))
        reporting.cancel()
        assert "DivergedError" in failures[0]
        assert not only.leads()
        assert only.health()["ready"] is False
    assert not list((tmp_path / "alpha").glob("*.snapshot"))


async def test_a_damaged_snapshot_is_passed_over(
    tmp_path: Path, redis_url: str, handler: FeedsService
) -> None:
    run = noise_run()
    async with alphas(1, run, handler, redis_url, tmp_path / "alpha") as (first,):
        await patiently(lambda: first.generator.sequence > 10)
    (path,) = (tmp_path / "alpha").glob("*.snapshot")
    path.write_bytes(path.read_bytes()[:-1])
    async with alphas(1, run, handler, redis_url, tmp_path / "alpha") as (second,):
        await patiently(lambda: second.generator.sequence > first.generator.sequence)
        assert second.health()["ready"] is True


async def test_a_disk_that_takes_no_snapshot_is_no_reason_to_fail_at_the_end(
    handler: FeedsService, redis_url: str, tmp_path: Path
) -> None:
    directory = tmp_path / "alpha"
    async with alphas(1, noise_run(), handler, redis_url, directory) as [instance]:
        shutil.rmtree(directory)
        await instance.stop()  # and once more at the end of the block
    assert not directory.exists()
