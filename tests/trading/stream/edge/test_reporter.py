"""Own events reach the stream once and in order, whatever happens to the feeds handler."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.feeds.edge.test_queue_writer import queued
from tests.trading.feeds.edge.test_reports import own
from tests.trading.feeds.edge.test_restart import FeedsProcess, feeds_ports, feeds_process
from tests.trading.feeds.live_feeds import Flow, eventually, feeds, source_url, subscribed
from tests.trading.own_events import filled, reported, taken
from tests.trading.stream.edge.test_subscriber import consuming
from trading.events import OwnEvent
from trading.stream.edge.reporter import OwnEventReporter, ReporterFullError

pytestmark = pytest.mark.timeout(90)
patiently = partial(eventually, timeout_s=30)  # processes start and die


def life(number: int) -> list[OwnEvent]:
    """Return all that happens to order `number`."""
    return [taken(number), reported(number, "new"), filled(number, f"fill-{number}")]


async def test_kills_of_the_feeds_handler_lose_and_double_nothing(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    ports = feeds_ports()
    reporter = OwnEventReporter("127.0.0.1", ports[1])
    again = OwnEventReporter("127.0.0.1", ports[1])  # of an instance that took over
    tasks = [asyncio.create_task(each.run()) for each in (reporter, again)]
    flow = Flow(venue)
    reported_events: list[OwnEvent] = []

    def report(orders: int) -> None:
        for _ in range(orders):
            events = life(len(reported_events) // 3 + 1)
            reported_events.extend(events)
            reporter.put(events)

    async with consuming(ports[0], 1) as consumer:
        for kills_left in (2, 1, 0):
            with feeds_process(tmp_path, venue, redis_url, ports) as running:
                await patiently(running.is_ready)
                await patiently(lambda: reporter.is_connected and consumer.subscriber.is_connected)
                await asyncio.gather(report_for(running, report, kills_left), flow.run(25))
                if not kills_left:
                    again.put(reported_events)
                    await patiently(lambda: reporter.waiting == again.waiting == 0)
                    await patiently(lambda: len(own(consumer.events)) == len(reported_events))
        assert own(consumer.events) == reported_events
        assert len(reported_events) > 100
        assert reporter.refused == again.refused == 0
        await patiently(lambda: not consumer.subscriber.is_connected)
        assert queued(redis_url)[: len(consumer.events)] == consumer.events
    for task in tasks:
        task.cancel()


async def report_for(running: FeedsProcess, report: Callable[[int], None], kills_left: int) -> None:
    """Report for half a second, and have the handler killed amid it."""
    for turn in range(50):
        report(1)
        await asyncio.sleep(0.01)
        if turn == 30 and kills_left:
            running.process.kill()


async def test_a_full_reporter_takes_nothing_of_it() -> None:
    reporter = OwnEventReporter("127.0.0.1", 1, waiting_events_max=4)
    reporter.put(life(1))
    with pytest.raises(ReporterFullError, match="3 own events wait"):
        reporter.put(life(2))
    assert reporter.waiting == 3


async def test_what_is_refused_is_counted_and_holds_nothing_up(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        feeds(tmp_path, redis_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        reporter = OwnEventReporter("127.0.0.1", service.reports_port)
        reporter.put([*life(1), taken(5), taken(2)])
        task = asyncio.create_task(reporter.run())
        await eventually(lambda: reporter.waiting == 0)
        assert reporter.refused == 1
        await eventually(lambda: own(subscriber.events) == [*life(1), taken(2)])
        task.cancel()
