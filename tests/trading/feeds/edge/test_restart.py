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
from tests.trading.feeds.edge.test_queue_writer import queued_numbers
from tests.trading.feeds.live_feeds import (
    EventSubscriber,
    Flow,
    eventually,
    feeds,
    source_url,
    subscribed,
)
from trading.events import BookChanged, BookReset, FeedLost, InstrumentDefined
from trading.feeds.edge.queue_writer import KEY

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
        await eventually(lambda: len(subscriber.events) == 3)
        assert [type(each) for each in subscriber.events] == [
            InstrumentDefined,
            FeedLost,
            BookReset,
        ]
        assert subscriber.events[0].stream_sequence == last + 1
        await eventually(lambda: queued_numbers(redis_url) == list(range(1, last + 4)))


async def test_another_machine_goes_on_from_the_queue(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with feeds(tmp_path / "one", redis_url, source_url(venue)):
        pass
    assert queued_numbers(redis_url) == [1, 2, 3, 4]  # the last one tells of the end
    async with feeds(tmp_path / "other", redis_url, source_url(venue)):
        await eventually(lambda: queued_numbers(redis_url) == list(range(1, 8)))


async def test_a_queue_that_was_emptied_does_not_turn_the_numbers_back(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with feeds(tmp_path, redis_url, source_url(venue)):
        pass
    with redis.Redis.from_url(redis_url) as client:
        client.delete(KEY)
    async with feeds(tmp_path, redis_url, source_url(venue)):
        await eventually(lambda: queued_numbers(redis_url) == [5, 6, 7])


class FeedsProcess:
    """`agio feeds` as a user runs it."""

    def __init__(self, data: Path, venue: JsonVenue, redis_url: str) -> None:
        self.port, self.metrics_port = free_port(), free_port()
        environment = {
            "AGIO_FEEDS_PORT": str(self.port),
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
        ({"FEEDS_SOURCES": "btcusdt"}, "neither ws://, wss:// nor file:///PATH"),
        ({"FEEDS_SOURCES": "ws://127.0.0.1:1 file:///x"}, "a recording is played alone"),
        ({"TRADING_QUEUE_URL": "kafka://127.0.0.1:1/events"}, "redis://"),
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


async def test_a_killed_process_reuses_no_number(
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
    last = subscriber.events[-1].stream_sequence
    with feeds_process(tmp_path, venue, redis_url) as running:
        await eventually(running.is_ready, 20)
        subscriber = EventSubscriber()
        await subscriber.open(running.port, last + 1)
        await eventually(lambda: len(subscriber.events) >= 3)
        assert isinstance(subscriber.events[0], InstrumentDefined)
        await subscriber.close()
        began_s = time.monotonic()
    assert running.process.returncode == 0
    assert time.monotonic() - began_s < 5
