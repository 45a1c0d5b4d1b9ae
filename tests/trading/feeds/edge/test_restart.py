"""A handler that starts again goes on where its predecessor was, however that ended."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from agio.child_process import free_port
from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.feeds.edge.test_queue_writer import queued, queued_numbers
from tests.trading.feeds.live_feeds import (
    EventSubscriber,
    Flow,
    eventually,
    feeds,
    source_url,
    subscribed,
)
from trading.events import BookChanged, BookReset, FeedLost, InstrumentDefined
from trading.history.edge.redis_queue import STREAM_KEY

pytestmark = pytest.mark.timeout(40)


async def test_numbers_go_on(venue: JsonVenue, tmp_path: Path, redis_url: str) -> None:
    async with (
        feeds(tmp_path, redis_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        await Flow(venue).run(20)
        await eventually(lambda: len(subscriber.of(BookChanged)) > 5)
    last = queued_numbers(redis_url)[-1]
    async with (
        feeds(tmp_path, redis_url, source_url(venue)) as service,
        subscribed(service, last + 1) as subscriber,
    ):
        await eventually(lambda: len(subscriber.events) > 3)
        assert [type(each) for each in subscriber.events[:3]] == [
            InstrumentDefined,
            FeedLost,
            BookReset,
        ]
        assert subscriber.events[0].stream_sequence == last + 1
        await eventually(lambda: len(queued_numbers(redis_url)) > last + 3)
        numbers = queued_numbers(redis_url)
        assert numbers == list(range(1, len(numbers) + 1))


async def test_another_machine_goes_on_from_the_queue(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with feeds(tmp_path / "one", redis_url, source_url(venue)):
        pass
    before = queued(redis_url)
    async with (
        feeds(tmp_path / "other", redis_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: queued_numbers(redis_url)[-1] > before[-1].stream_sequence + 3)
        numbers = queued_numbers(redis_url)
        assert numbers == list(range(1, len(numbers) + 1))
        assert subscriber.events[: len(before)] == before  # and it has them for who resumes


async def test_a_queue_that_was_emptied_gets_what_it_had(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with feeds(tmp_path, redis_url, source_url(venue)):
        pass
    before = queued(redis_url)
    with redis.Redis.from_url(redis_url) as client:
        client.delete(STREAM_KEY)
    async with feeds(tmp_path, redis_url, source_url(venue)):
        await eventually(lambda: len(queued(redis_url)) > len(before))
        assert queued(redis_url)[: len(before)] == before


def feeds_ports() -> tuple[int, int, int]:
    """Return free ports for subscribers, reporters and metrics."""
    return free_port(), free_port(), free_port()


class FeedsProcess:
    """`agio feeds` as a user runs it."""

    def __init__(
        self,
        data: Path,
        venue: JsonVenue,
        redis_url: str,
        ports: tuple[int, int, int] | None = None,
    ) -> None:
        self.port, self.reports_port, self.metrics_port = ports or feeds_ports()
        environment = {
            "AGIO_FEEDS_PORT": str(self.port),
            "AGIO_FEEDS_REPORTS_PORT": str(self.reports_port),
            "AGIO_FEEDS_METRICS_PORT": str(self.metrics_port),
            "AGIO_REDIS_URL": redis_url,
            "AGIO_REST_PORT": str(venue.gateway.json.rest.port),
            "AGIO_LOG_DIRECTORY": str(data),
        }
        sources = [argument for _ in "12" for argument in ("--source", venue.websocket_url)]
        command = [sys.executable, "-m", "agio", "feeds", "--data", str(data), *sources]
        self.process = subprocess.Popen([*command, "--symbol", "BTCUSDT"], env=environment)

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/{path}") as answer:
            body: bytes = answer.read()
            return body

    def is_ready(self) -> bool:
        try:
            return bool(json.loads(self.get("health"))["sources_connected"] == 2)
        except OSError:
            return False


@contextmanager
def feeds_process(*arguments: Any) -> Iterator[FeedsProcess]:
    started = FeedsProcess(*arguments)
    yield started
    started.process.send_signal(signal.SIGTERM)
    started.process.wait(20)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"FEEDS_SOURCES": "btcusdt"},
            "none of ws://, wss://, fix://HOST:PORT, fixs://HOST:PORT or file:///PATH",
        ),
        ({"FEEDS_SOURCES": "ws://127.0.0.1:1 file:///x"}, "a recording is played alone"),
        ({"TRADING_QUEUE_URL": "http://127.0.0.1:1/events"}, "redis://"),
    ],
)
def test_settings_that_will_not_do_are_refused(
    tmp_path: Path, settings: dict[str, str], told: str
) -> None:
    given = {"DATA": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"} | settings
    completed = subprocess.run(
        [sys.executable, "-m", "agio", "feeds"],
        env={f"AGIO_{name}": value for name, value in given.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert completed.returncode == 2
    assert told in completed.stderr


async def test_a_killed_process_reuses_no_number_and_loses_no_event(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    with feeds_process(tmp_path, venue, redis_url) as running:
        await eventually(running.is_ready, 20)
        subscriber = EventSubscriber()
        await subscriber.open(running.port, 1)
        await Flow(venue).run(20)
        await eventually(lambda: len(subscriber.of(BookChanged)) > 5)
        assert b"agio_feeds_sources_connected 2.0" in running.get("metrics")
        assert b"agio_feeds_duplicates_total" in running.get("metrics")
        running.process.kill()
        await subscriber.until_closed()
    with feeds_process(tmp_path, venue, redis_url) as running:
        await eventually(running.is_ready, 20)
        resumed = EventSubscriber()
        await resumed.open(running.port, 1)
        await eventually(lambda: len(resumed.of(InstrumentDefined)) == 2)
        assert resumed.events[: len(subscriber.events)] == subscriber.events
        await eventually(  # the killed one had not put its last ones there
            lambda: queued(redis_url)[: len(subscriber.events)] == subscriber.events
        )
        await resumed.close()
        began_s = time.monotonic()
    assert running.process.returncode == 0
    assert time.monotonic() - began_s < 5
