"""Own events through the reports port: into the stream once, or named and put aside."""

import asyncio
import base64
import json
import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.feeds.edge.test_queue_writer import queued_numbers
from tests.trading.feeds.live_feeds import eventually, feeds, source_url, subscribed
from tests.trading.own_events import filled, reported, taken
from trading import events as stream_events
from trading.events import DecisionTaken, OrderReported, OwnEvent, TimePassed
from trading.feeds.edge.service import FeedsService
from trading.stream.frames import frame

pytestmark = pytest.mark.timeout(30)


class RawReporter:
    """A connection to the reports port that says what it likes."""

    def __init__(self, service: FeedsService) -> None:
        self._port = service.reports_port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self, request: Any = None) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.send(request or {"version": stream_events.VERSION})

    def send(self, message: Any) -> None:
        self._writer.write(frame(msgspec.msgpack.encode(message)))

    async def answer(self) -> Any:
        async with asyncio.timeout(10):
            (length,) = struct.unpack("<I", await self._reader.readexactly(4))
            return msgspec.msgpack.decode(await self._reader.readexactly(length))

    async def is_closed(self) -> bool:
        async with asyncio.timeout(10):
            return await self._reader.read() == b""


def answered(events: int) -> dict[str, Any]:
    return {"type": "answer", "events": events, "refused": []}


async def reporter(service: FeedsService, request: Any = None) -> RawReporter:
    opened = RawReporter(service)
    await opened.open(request)
    return opened


def own(events: list[Any]) -> list[OwnEvent]:
    """Return the own events as they were reported."""
    return [
        msgspec.structs.replace(event, stream_sequence=0, received_ns=0)
        for event in events
        if isinstance(event, DecisionTaken | OrderReported)
    ]


async def test_own_events_stand_in_the_stream_once_and_in_order(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    events = [taken(1), reported(1, "a"), taken(2), filled(1, "b"), reported(2, "a")]
    async with (
        feeds(tmp_path, redis_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        one, other = await reporter(service), await reporter(service)
        one.send(events[:3])
        assert await one.answer() == answered(3)
        other.send(events)
        assert await other.answer() == answered(5)
        one.send(events)
        assert await one.answer() == answered(5)
        await eventually(lambda: len(own(subscriber.events)) == 5)
        assert own(subscriber.events) == events
        assert service.health()["own_repeats"] == 3 + 5
        times = [event.received_ns for event in subscriber.of(DecisionTaken)]
        assert times == sorted(times)
        assert times[0] > 0


async def test_what_may_not_stand_there_is_refused_alone_and_kept_aside(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        feeds(tmp_path, redis_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        raw = await reporter(service)
        raw.send([taken(1), taken(3), taken(2, symbol="DOGEUSDT"), [7, 1], taken(2), 5])
        answer = await raw.answer()
        assert answer["events"] == 6
        reasons = {index: text.partition(":")[0] for index, text in answer["refused"]}
        assert reasons == {1: "out_of_order", 2: "unknown_symbol", 3: "malformed", 5: "malformed"}
        await eventually(lambda: len(own(subscriber.events)) == 2)
        assert own(subscriber.events) == [taken(1), taken(2)]
        lines = (tmp_path / "feeds" / "quarantine.jsonl").read_text().splitlines()
        kept = [json.loads(line) for line in lines]
        assert [each["reason"] for each in kept] == [
            "out_of_order", "unknown_symbol", "malformed", "malformed",
        ]  # fmt: skip
        assert base64.b64decode(kept[0]["data"]) == stream_events.encode(taken(3))


@pytest.mark.parametrize(
    ("request_", "told"),
    [({"version": 1}, "version 1 is not 4"), ({"version": 4, "more": 1}, "no request"), (7, "no")],
)
async def test_a_request_that_will_not_do_is_refused(
    venue: JsonVenue, tmp_path: Path, redis_url: str, request_: Any, told: str
) -> None:
    async with feeds(tmp_path, redis_url, source_url(venue)) as service:
        raw = await reporter(service, request_)
        raw.send([taken(1)])
        assert told in (await raw.answer())["error"]
        assert await raw.is_closed()
        assert service.health()["own_events"] == 0


async def test_what_is_no_array_ends_the_connection(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with feeds(tmp_path, redis_url, source_url(venue)) as service:
        raw = await reporter(service)
        raw.send({"surprise": 1})
        assert "no array of events" in (await raw.answer())["error"]
        assert await raw.is_closed()
        assert service.health()["rejected"] == 1


async def test_time_passes_while_the_book_is_in_sync(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        feeds(tmp_path, redis_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: len(subscriber.of(TimePassed)) >= 10)
        times = [event.received_ns for event in subscriber.of(TimePassed)]
        tenths = [time_ns // 100_000_000 for time_ns in times]
        assert len(set(tenths)) == len(tenths)


async def test_a_recording_replays_own_events_and_the_clock(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    """The second session begins in the middle of the numbers, as its recording does."""
    record = tmp_path / "venue.recording"
    async with feeds(tmp_path / "live", redis_url, source_url(venue)) as service:
        raw = await reporter(service)
        raw.send([taken(1), reported(1, "a")])
        await raw.answer()
    first = queued_numbers(redis_url)[-1] + 1
    async with (
        feeds(tmp_path / "live", redis_url, source_url(venue), record_file=record) as service,
        subscribed(service, first) as subscriber,
    ):
        raw = await reporter(service)
        raw.send([taken(1), reported(1, "a"), taken(2), filled(1, "b"), taken(9)])
        assert len((await raw.answer())["refused"]) == 1
        await eventually(lambda: len(subscriber.of(TimePassed)) > 5)
        live = list(subscriber.events)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    async with (
        feeds(tmp_path / "replay", redis_url, record.as_uri(), ready=False) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: len(subscriber.events) >= len(live))
        replayed = subscriber.events[: len(live)]
        assert own(replayed) == [taken(2), filled(1, "b")]
        assert replayed == [
            msgspec.structs.replace(each, stream_sequence=each.stream_sequence - first + 1)
            for each in live
        ]
