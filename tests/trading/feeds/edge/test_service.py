"""The handler on a real venue: strategies get what happened, whatever happens to the feeds."""

import asyncio
import base64
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.feeds.live_feeds import (
    Flow,
    check_against,
    count,
    eventually,
    feeds,
    source_url,
    subscribed,
)
from tests.trading.feeds.meddling_proxy import drop, every, meddling_proxy, swap_pairs, twice
from trading.events import BookReset, FeedLost, InstrumentDefined, TradePrinted
from trading.feeds.edge.metrics import FeedMetrics
from trading.feeds.edge.queue_writer import QueueWriter


async def test_the_book_built_from_events_is_the_venues(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    await Flow(venue, 1).run(40)
    async with (
        feeds(tmp_path, redis_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        await check_against(venue, subscriber)
        trades = await venue.get("trades", symbol="BTCUSDT", limit=1000)
        printed = subscriber.of(TradePrinted)
        assert len(printed) > 20
        assert [each.trade_id for each in printed] == [
            each["id"] for each in trades[-len(printed) :]
        ]
        first, lost, reset = subscriber.events[:3]
        assert isinstance(first, InstrumentDefined)
        assert (first.stream_sequence, first.tick_mantissa, first.tick_scale) == (1, 1, 2)
        assert isinstance(lost, FeedLost)
        assert isinstance(reset, BookReset)
        assert len(subscriber.of(BookReset)) == 1
        assert (count(service, "gaps"), count(service, "rejected")) == (0, 0)


async def test_dropped_messages_are_noticed_and_the_book_begun_anew(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        meddling_proxy(venue.websocket_url) as proxy,
        feeds(tmp_path, redis_url, source_url(venue, proxy.url)) as service,
        subscribed(service) as subscriber,
    ):
        proxy.meddle = every(20, drop)
        flow = Flow(venue, 3)
        while len(subscriber.of(FeedLost)) < 3:  # a fast venue sends few depths for many orders
            await flow.run(20)
        proxy.meddle = lambda message: [message]  # behind the last one nothing would show a gap
        await flow.run(20)
        await eventually(lambda: len(subscriber.of(BookReset)) == len(subscriber.of(FeedLost)))
        await check_against(venue, subscriber)
        losses = subscriber.of(FeedLost)
        assert len(losses) == len(subscriber.of(BookReset)) > 2
        assert all("missing" in each.reason for each in losses[1:])
        assert count(service, "gaps") >= len(losses) - 1


async def test_a_killed_feed_of_two_is_not_noticed(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        meddling_proxy(venue.websocket_url) as proxy,
        feeds(tmp_path, redis_url, source_url(venue, proxy.url), source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: count(service, "sources_connected") == 2)
        await Flow(venue, 6).run(50)
        killing = asyncio.create_task(proxy.kill())
        await check_against(venue, subscriber)
        await killing
        assert count(service, "sources_connected") == 1
        assert count(service, "duplicates") > 10
        assert count(service, "gaps") == 0
        assert len(subscriber.of(FeedLost)) == 1  # that of the start


async def test_two_feeds_that_both_lose_messages_make_one_whole_one(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        meddling_proxy(venue.websocket_url) as one,
        meddling_proxy(venue.websocket_url) as other,
        feeds(
            tmp_path, redis_url, source_url(venue, one.url), source_url(venue, other.url)
        ) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: count(service, "sources_connected") == 2)
        chance = Counter[str]()

        def drop_from_one(message: str) -> list[str]:
            """Drop each message from at most one of the two, in turns of seven."""
            chance[message] += 1
            return [] if chance[message] == 1 and hash(message) % 7 == 0 else [message]

        one.meddle = other.meddle = drop_from_one
        await check_against(venue, subscriber)
        assert count(service, "gaps_filled") > 0
        assert count(service, "gaps") == 0
        assert len(subscriber.of(FeedLost)) == 1


async def test_duplicates_and_reordered_messages_change_nothing(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        meddling_proxy(venue.websocket_url) as proxy,
        feeds(tmp_path, redis_url, source_url(venue, proxy.url)) as service,
        subscribed(service) as subscriber,
    ):
        swap = swap_pairs()
        proxy.meddle = lambda message: [copy for each in swap(message) for copy in twice(each)]
        flow = asyncio.create_task(Flow(venue, 3).run(150))
        await flow
        proxy.meddle = lambda message: [message]
        await check_against(venue, subscriber, seed=4)
        assert count(service, "duplicates") > 100
        assert count(service, "gaps_filled") > 20


async def test_the_loss_of_all_connections_is_told_and_made_good(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        meddling_proxy(venue.websocket_url) as proxy,
        feeds(tmp_path, redis_url, source_url(venue, proxy.url)) as service,
        subscribed(service) as subscriber,
    ):
        await Flow(venue, 5).run(10)
        proxy.cut()
        await eventually(lambda: service.health()["ready"] is False)
        await eventually(lambda: service.health()["ready"] is True)
        await check_against(venue, subscriber)
        assert [each.reason for each in subscriber.of(FeedLost)] == [
            "the handler started",
            "no connection",
        ]


async def test_what_does_not_fit_ends_in_quarantine(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        meddling_proxy(venue.websocket_url) as proxy,
        feeds(tmp_path, redis_url, source_url(venue, proxy.url), source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: count(service, "sources_connected") == 2)
        broken: list[str] = []

        def break_price(message: str) -> list[str]:
            broken.append(message.replace(".", ".001", 1))
            return [broken[-1]]

        proxy.meddle = every(10, break_price)
        await check_against(venue, subscriber)
        assert count(service, "gaps") == 0  # the other connection had them whole
        lines = (tmp_path / "feeds" / "quarantine.jsonl").read_text().splitlines()
        entries = [json.loads(line) for line in lines]
        assert [base64.b64decode(each["data"]).decode() for each in entries] == broken
        assert len(entries) > 5
        assert {each["reason"] for each in entries} == {"off_tick"}
        assert count(service, "rejected") == len(entries)


@pytest.mark.parametrize(("owner", "method"), [(FeedMetrics, "update"), (QueueWriter, "_take")])
async def test_a_task_that_failed_is_told(
    venue: JsonVenue,
    tmp_path: Path,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    owner: type[object],
    method: str,
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    async with feeds(tmp_path, redis_url, source_url(venue)) as service:
        assert service.health()["failed"] is False
        monkeypatch.setattr(owner, method, fail)
        await eventually(lambda: service.health()["failed"] is True)
        assert service.health()["ready"] is False
        assert service.health()["failure"] == "ZeroDivisionError: on purpose"
