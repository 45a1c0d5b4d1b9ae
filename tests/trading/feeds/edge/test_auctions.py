"""Phases and auctions of a real venue, in the firm's stream."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from tests.gateway.edge.json_venue import JsonVenue
from tests.gateway.engine_room import BTCUSDT, OPS_SESSION
from tests.trading.feeds.live_feeds import (
    KEY,
    EventSubscriber,
    change_phase,
    check_against,
    count,
    do_at_desk,
    eventually,
    feeds,
    fix_url,
    source_url,
    subscribed,
)
from trading.events import (
    BookChanged,
    BookReset,
    FeedLost,
    InstrumentDefined,
    PhaseChanged,
    TradePrinted,
)
from vocabulary.commands import ChangeIncrements
from vocabulary.types import TradingPhase

AUCTION, TRADING = TradingPhase.OPENING_AUCTION, TradingPhase.TRADING


async def cross(venue: JsonVenue, name: str) -> None:
    """Enter two orders that cross: 0.3 wanted at 101, 0.2 offered at 99."""
    await venue.place("alice", side="BUY", price="101.00", quantity="0.3", newClientOrderId=name)
    await venue.place("bob", side="SELL", price="99.00", quantity="0.2", newClientOrderId=name)


def kinds_since(subscriber: EventSubscriber, first: int) -> list[str]:
    quiet = {"TimePassed"}
    names = [type(each).__name__ for each in subscriber.events[first:]]
    return [name for name in names if name not in quiet]


Sources = Callable[[JsonVenue], list[str]]

SOURCES = {
    "websocket": lambda venue: [source_url(venue), source_url(venue)],
    "fix": lambda venue: [fix_url(venue)],
    "both": lambda venue: [fix_url(venue), source_url(venue)],
}


@pytest.mark.parametrize("sources", SOURCES.values(), ids=SOURCES)
async def test_an_auction_is_told_and_no_fault(
    venue: JsonVenue, tmp_path: Path, redis_url: str, sources: Sources
) -> None:
    await venue.place("alice", side="BUY", price="98.00", quantity="0.5")
    async with (
        feeds(tmp_path, redis_url, *sources(venue), **KEY) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: len(subscriber.of(BookReset)) == 1)
        before = len(subscriber.events)
        await change_phase(venue, 1, AUCTION)
        await cross(venue, "a1")
        await eventually(lambda: any(each.indicative_lots for each in subscriber.of(PhaseChanged)))
        phases = subscriber.of(PhaseChanged)
        assert {each.phase for each in phases} == {AUCTION}
        indicated = phases[-1]
        assert 9_900 <= indicated.indicative_price_ticks <= 10_100
        assert (indicated.indicative_lots, indicated.surplus_lots) == (20_000, 10_000)
        assert kinds_since(subscriber, before) == ["PhaseChanged"] * len(phases)
        assert service.health()["ready"] is True

        await change_phase(venue, 2, TRADING)
        await eventually(lambda: len(subscriber.of(BookReset)) == 2)
        [print_] = subscriber.of(TradePrinted)
        assert (print_.price_ticks, print_.lots) == (indicated.indicative_price_ticks, 20_000)
        told = kinds_since(subscriber, before)
        assert sorted(told[len(phases) :]) == ["BookReset", "PhaseChanged", "TradePrinted"]
        assert told[-1] == "BookReset"
        assert subscriber.of(PhaseChanged)[-1].phase is TRADING
        reset = subscriber.of(BookReset)[-1]
        assert [(each.price_ticks, each.lots) for each in reset.bids] == [
            (10_100, 10_000),
            (9_800, 50_000),
        ]
        assert reset.asks == ()
        assert len(subscriber.of(FeedLost)) == 1  # that of the start
        assert [count(service, name) for name in ("gaps", "rejected")] == [0, 0]
        await check_against(venue, subscriber)


@pytest.mark.parametrize("source", [source_url, fix_url], ids=["websocket", "fix"])
async def test_a_handler_that_starts_in_an_auction_waits_for_its_end(
    venue: JsonVenue, tmp_path: Path, redis_url: str, source: Callable[[JsonVenue], str]
) -> None:
    await change_phase(venue, 1, AUCTION)
    await cross(venue, "a1")
    async with (
        feeds(tmp_path, redis_url, source(venue), **KEY) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: bool(subscriber.of(PhaseChanged)))
        await asyncio.sleep(0.2)
        assert subscriber.of(BookReset) == []
        assert subscriber.of(PhaseChanged)[-1].indicative_lots == 20_000
        await change_phase(venue, 2, TRADING)
        await eventually(lambda: len(subscriber.of(BookReset)) == 1)
        assert count(service, "rejected") == 0
        await check_against(venue, subscriber)


async def test_a_halt_ends_with_the_book_as_it_is_then(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    await venue.place("alice", side="BUY", price="98.00", quantity="0.5", newClientOrderId="low")
    async with (
        feeds(tmp_path, redis_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        await change_phase(venue, 1, TradingPhase.HALTED)
        await eventually(lambda: bool(subscriber.of(PhaseChanged)))
        await venue.signed("DELETE", "order", "alice", symbol="BTCUSDT", origClientOrderId="low")
        await change_phase(venue, 2, TRADING)
        await eventually(lambda: len(subscriber.of(BookReset)) == 2)
        assert subscriber.of(BookChanged) == []
        assert [bool(each.bids) for each in subscriber.of(BookReset)] == [True, False]
        assert count(service, "gaps") == 0


async def test_fix_and_the_websocket_tell_the_same_phases(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    """Two handlers, each on one kind of source, from trading through auctions and a halt."""
    urls = {"websocket": source_url(venue), "fix": fix_url(venue)}
    async with AsyncExitStack() as stack:
        told: dict[str, EventSubscriber] = {}
        for number, (name, url) in enumerate(urls.items()):
            queue_url = f"{redis_url}/{number}"
            service = await stack.enter_async_context(feeds(tmp_path / name, queue_url, url, **KEY))
            told[name] = await stack.enter_async_context(subscribed(service))
        phases = [
            TradingPhase.CLOSING_AUCTION,
            TradingPhase.CLOSED,
            TradingPhase.PRE_OPEN,
            AUCTION,
            TRADING,
            TradingPhase.HALTED,
            TRADING,
        ]
        for number, phase in enumerate(phases, start=1):
            if phase in {TradingPhase.CLOSED, AUCTION}:
                await cross(venue, f"x{number}")
                await asyncio.sleep(
                    0.15
                )  # for the indicative price, which is told 10 times a second
            await change_phase(venue, number, phase)
            await until_all_know(told.values(), phase)
        over_websocket, over_fix = (each.of(PhaseChanged) for each in told.values())
        assert len(over_fix) >= len(phases) + 1
        assert any(each.indicative_lots for each in over_fix)
        assert [said(each) for each in over_fix] == [said(each) for each in over_websocket]
        for each in told.values():
            await check_against(venue, each, seed=len(each.events))


async def until_all_know(told: Iterable[EventSubscriber], phase: TradingPhase) -> None:
    await eventually(
        lambda: all([each.phase for each in one.of(PhaseChanged)][-1:] == [phase] for one in told)
    )


def said(event: PhaseChanged) -> PhaseChanged:
    """Return an event without its place in the stream, and when it came."""
    return msgspec.structs.replace(event, stream_sequence=0, received_ns=0)


@pytest.mark.parametrize("source", [source_url, fix_url], ids=["websocket", "fix"])
async def test_sizes_that_change_in_a_halt_are_learned(
    venue: JsonVenue, tmp_path: Path, redis_url: str, source: Callable[[JsonVenue], str]
) -> None:
    await change_phase(venue, 1, TradingPhase.HALTED)
    coarse = ChangeIncrements(OPS_SESSION, 1_002, BTCUSDT, 50, 100, 0)
    await do_at_desk(venue, coarse)
    async with (
        feeds(tmp_path, redis_url, source(venue), **KEY) as service,
        subscribed(service) as subscriber,
    ):
        await do_at_desk(venue, ChangeIncrements(OPS_SESSION, 1_003, BTCUSDT, 1, 1, 0))
        await change_phase(venue, 4, TRADING)
        await eventually(lambda: len(subscriber.of(InstrumentDefined)) == 2)
        ticks = [(each.tick_mantissa, each.tick_scale) for each in subscriber.of(InstrumentDefined)]
        assert ticks == [(5, 1), (1, 2)]
        await check_against(venue, subscriber)
        assert count(service, "rejected") == 0
