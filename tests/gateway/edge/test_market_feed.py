"""The gateway's market data against a real matching server, publisher and Valkey."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis

from agio.embedded_valkey import EmbeddedValkey
from gateway.edge.market_feed import MarketFeed
from gateway.market_view import FeedBook
from tests.marketdata.live_venue import LiveVenue, eventually, live_venue
from vocabulary.market_data import (
    CANDLE_INTERVALS_SECONDS,
    HEARTBEAT_INTERVAL_S,
    CandlesChanged,
    DepthChanged,
    Message,
    TradesPrinted,
)
from vocabulary.types import Side

BTC = "BTCUSDT"


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """Give a server to kill."""
    with EmbeddedValkey(tmp_path / "valkey" / "server.log", "test-password") as server:
        yield server


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[LiveVenue]:
    async with live_venue(tmp_path, redis_url) as running:
        yield running


class Subscriber:
    """A feed, and a client of it that sees only what the feed hands up.

    `deaf_to` drops messages of a kind before the feed sees them, as Redis may.
    """

    def __init__(self, redis_url: str) -> None:
        self.feed = MarketFeed(redis_url, self.update)
        self.feed.track(BTC)
        self.client_book = FeedBook()
        self.trade_ids: list[int] = []
        self.last_sequences: dict[tuple[str, str], int] = {}
        self.updates: list[Message] = []
        self.deaf_to = ""
        self.dropped = 0
        receive = self.feed._receive

        def receive_some(name: bytes, data: bytes) -> None:
            if self.deaf_to and name.startswith(f"agio:{self.deaf_to}".encode()):
                self.dropped += 1
            else:
                receive(name, data)

        self.feed._receive = receive_some  # type: ignore[method-assign]

    def update(self, kind: str, symbol: str, message: Message) -> None:
        self.updates.append(message)
        last = self.last_sequences.get((kind, symbol), message.previous_sequence)
        assert message.previous_sequence == last, f"{kind}: clients would see a gap"
        self.last_sequences[kind, symbol] = message.sequence
        if isinstance(message, DepthChanged):
            self.client_book.apply(message)
        if isinstance(message, TradesPrinted):
            self.trade_ids += [one.trade_id for one in message.prints]

    def shows(self, venue: LiveVenue) -> bool:
        """Whether all views are as the engine's book and the journal's trades."""
        book, tape = self.feed.books[BTC], self.feed.tapes[BTC]
        trades = venue.trades()
        ticker = self.feed.tickers[BTC].ticker
        return (
            self.feed.ready
            and book.bids.lots == venue.script.levels(Side.BUY)
            and book.asks.lots == venue.script.levels(Side.SELL)
            and [one.trade_id for one in tape.prints] == [one.trade_id for one in trades]
            and ticker is not None
            and ticker.trades == len(trades)
            and all(
                sum(one.lots for one in self.feed.candles[BTC, interval].candles)
                == sum(one.quantity_lots for one in trades)
                for interval in CANDLE_INTERVALS_SECONDS
            )
        )

    async def catch_up(self, venue: LiveVenue) -> None:
        await venue.carry_out()
        await eventually(lambda: self.shows(venue))


@pytest.fixture
async def subscriber(venue: LiveVenue) -> AsyncIterator[Subscriber]:
    one = Subscriber(venue.redis_url)
    await one.feed.start()
    await one.catch_up(venue)
    yield one
    await one.feed.stop()


def trade_some(venue: LiveVenue, count: int) -> None:
    """Move the book and trade: `count` times a bid, an ask, and an order that takes from both."""
    for number in range(count):
        venue.script.buy(99 - number % 5, 1 + number % 3)
        venue.script.sell(101 + number % 5, 1 + number % 3)
        venue.script.buy(101 + number % 5, 1, account_id=9)


async def test_what_was_there_before_is_shown_and_what_happens_then_is_handed_up(
    venue: LiveVenue,
) -> None:
    trade_some(venue, 10)
    await venue.carry_out()
    await asyncio.sleep(1.2)  # the slowest snapshot is written once a second
    subscriber = Subscriber(venue.redis_url)
    await subscriber.feed.start()
    await subscriber.catch_up(venue)
    assert subscriber.updates == [], "the first fill is nobody's news"
    assert subscriber.feed.books[BTC].timestamp_ns == venue.records[-1].timestamp_ns

    trade_some(venue, 10)
    await subscriber.catch_up(venue)
    assert subscriber.trade_ids == list(range(11, 21))
    assert any(isinstance(message, CandlesChanged) for message in subscriber.updates)
    assert subscriber.feed.health() == {
        "ready": True,
        "redis_connected": True,
        "publisher_heard": True,
        "gaps": 0,
        "refills": 0,
        "sequences": {BTC: subscriber.feed.books[BTC].sequence},
    }
    await subscriber.feed.stop()


async def test_a_symbol_listed_later_is_tracked_while_running(
    venue: LiveVenue, subscriber: Subscriber
) -> None:
    venue.script.list_instrument(2, b"ETHUSDT", 2)
    await venue.carry_out()
    subscriber.feed.track("ETHUSDT")
    subscriber.feed.track("ETHUSDT")
    assert not subscriber.feed.ready
    venue.script.enter(Side.BUY, 50, 4, instrument_id=2)
    await venue.carry_out()
    await eventually(lambda: subscriber.feed.books["ETHUSDT"].bids.lots == {50: 4})
    await eventually(lambda: subscriber.feed.ready)


async def test_lost_messages_are_filled_in_before_anything_is_handed_up(
    venue: LiveVenue, subscriber: Subscriber
) -> None:
    subscriber.deaf_to = "depth"
    trade_some(venue, 20)
    await venue.carry_out()
    await eventually(lambda: subscriber.dropped > 0)
    subscriber.deaf_to = ""
    trade_some(venue, 20)
    await subscriber.catch_up(venue)
    assert subscriber.feed.gaps >= 1
    assert subscriber.feed.refills >= 1
    assert subscriber.client_book.bids.lots == subscriber.feed.books[BTC].bids.lots
    assert subscriber.client_book.asks.lots == subscriber.feed.books[BTC].asks.lots
    assert subscriber.trade_ids == list(range(1, 41))


async def test_a_lost_last_message_is_noticed_by_the_heartbeat(
    venue: LiveVenue, subscriber: Subscriber
) -> None:
    subscriber.deaf_to = "trades"
    trade_some(venue, 5)
    await venue.carry_out()
    noticed_s = await eventually(lambda: subscriber.feed.gaps > 0)
    assert noticed_s < 2 * HEARTBEAT_INTERVAL_S
    await eventually(lambda: subscriber.trade_ids == [1, 2, 3, 4, 5])


async def test_a_cut_connection_costs_nobody_anything(
    venue: LiveVenue, subscriber: Subscriber
) -> None:
    """Redis disconnects a subscriber that reads too slowly."""
    with redis.Redis.from_url(venue.redis_url) as client:
        for _ in range(3):
            trade_some(venue, 10)
            client.client_kill_filter(_type="pubsub")
            trade_some(venue, 10)
            await subscriber.catch_up(venue)
    assert subscriber.trade_ids == list(range(1, 61))


async def test_redis_killed_and_started_again(tmp_path: Path, own_valkey: EmbeddedValkey) -> None:
    async with live_venue(tmp_path, own_valkey.url()) as venue:
        subscriber = Subscriber(own_valkey.url())
        await subscriber.feed.start()
        trade_some(venue, 10)
        await subscriber.catch_up(venue)

        own_valkey.process.kill()
        own_valkey.process.wait()
        trade_some(venue, 10)
        await venue.carry_out()  # trading goes on, and so does the publisher
        await eventually(lambda: venue.publisher.health()["sequence"] == len(venue.records))
        await eventually(lambda: not subscriber.feed.ready)
        assert venue.publisher.health()["ready"] is False

        own_valkey.start()  # with nothing in it
        await subscriber.catch_up(venue)
        assert subscriber.trade_ids[-10:] == list(range(11, 21))
        await subscriber.feed.stop()


async def test_redis_emptied_while_nothing_changes(
    venue: LiveVenue, subscriber: Subscriber
) -> None:
    trade_some(venue, 5)
    await subscriber.catch_up(venue)
    with redis.Redis.from_url(venue.redis_url) as client:
        client.flushall()
    newcomer = Subscriber(venue.redis_url)
    await newcomer.feed.start()
    assert await eventually(lambda: newcomer.shows(venue)) < 3 * HEARTBEAT_INTERVAL_S
    await newcomer.feed.stop()


async def test_a_redis_that_hangs_slows_nothing_and_costs_no_memory(
    tmp_path: Path, own_valkey: EmbeddedValkey
) -> None:
    async with live_venue(tmp_path, own_valkey.url()) as venue:
        subscriber = Subscriber(own_valkey.url())
        await subscriber.feed.start()
        await subscriber.catch_up(venue)
        os.kill(own_valkey.process.pid, signal.SIGSTOP)
        for _ in range(10):
            trade_some(venue, 20)
            await venue.carry_out()
            await eventually(lambda: venue.publisher.health()["lag_records"] == 0)
        os.kill(own_valkey.process.pid, signal.SIGCONT)
        messages = len(subscriber.updates)
        await subscriber.catch_up(venue)
        assert subscriber.trade_ids == list(range(1, 201))
        assert len(subscriber.updates) - messages < 50, "600 orders came as a few messages"
        await subscriber.feed.stop()


async def test_the_publisher_restarted_goes_on_where_it_was(
    venue: LiveVenue, subscriber: Subscriber
) -> None:
    trade_some(venue, 5)
    await subscriber.catch_up(venue)
    await venue.restart_publisher()
    trade_some(venue, 5)
    await subscriber.catch_up(venue)
    assert subscriber.trade_ids == list(range(1, 11))


async def test_the_matching_process_restarted_is_followed(
    venue: LiveVenue, subscriber: Subscriber
) -> None:
    trade_some(venue, 5)
    await subscriber.catch_up(venue)
    await venue.restart_server()
    trade_some(venue, 5)
    await subscriber.catch_up(venue)
    assert subscriber.trade_ids == list(range(1, 11))
    assert subscriber.feed.gaps == 0


async def test_garbage_on_a_channel_is_a_message_that_did_not_come(
    venue: LiveVenue, subscriber: Subscriber
) -> None:
    with redis.Redis.from_url(venue.redis_url) as client:
        for garbage in (b"", b"\xc1", b"\x93\x01\x02\x03", b"x" * 10_000):
            client.publish("agio:depth:BTCUSDT", garbage)
            client.publish("agio:heartbeat", garbage)
    trade_some(venue, 5)
    await subscriber.catch_up(venue)
    assert subscriber.feed.gaps == 0


async def test_without_redis_the_feed_is_there_but_not_ready() -> None:
    feed = MarketFeed("redis://127.0.0.1:1/0", lambda *_: None)
    feed.track(BTC)
    await feed.start()
    await asyncio.sleep(0.2)
    assert not feed.ready
    assert feed.health()["redis_connected"] is False
    await feed.stop()


async def test_a_wrong_password_is_not_ready(redis_url: str) -> None:
    feed = MarketFeed(redis_url.replace("test-password", "wrong"), lambda *_: None)
    await feed.start()
    await asyncio.sleep(0.2)
    assert feed.health()["redis_connected"] is False
    await feed.stop()
