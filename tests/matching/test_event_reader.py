"""A reader of some events with a real server: every sequence, and of each what was asked for."""

from __future__ import annotations

from matching.client import EventReader
from tests.matching.samples import order
from tests.matching.venue import Venue, list_market, until
from vocabulary import events as e
from vocabulary.excerpt import Excerpt


async def test_every_sequence_comes_once_with_the_wanted_events_through_reconnects(
    venue: Venue,
) -> None:
    trader = await venue.reader()
    seen: list[Excerpt] = []
    caught_up: list[int] = []
    reader = EventReader(
        venue.address,
        "trades",
        from_sequence=3,
        event_types={e.TradeExecuted},
        on_records=seen.extend,
        on_caught_up=lambda: caught_up.append(reader.last_sequence),
    )
    list_market(trader)
    await trader.wait_for(7)
    await reader.start()
    for number in range(1, 301):
        trader.client.submit(order(7, number))
        if number % 60 == 0:
            assert reader._transport is not None
            reader._transport.abort()
            await until(lambda: not reader.connected)
            await until(lambda: reader.connected)
    await trader.wait_for(307)
    await until(lambda: reader.last_sequence == 307)

    assert [excerpt.sequence for excerpt in seen] == list(range(3, 308))
    told = [
        (excerpt.sequence, at, event)
        for excerpt in seen
        for at, event in enumerate(excerpt.events)
        if event is not None
    ]
    assert told == [
        (record.sequence, at, event)
        for record in trader.records
        for at, event in enumerate(record.events)
        if isinstance(event, e.TradeExecuted)
    ]
    assert len(told) > 50
    assert len(caught_up) == 6
    assert (await reader.funds(1)).sequence == 307
    await reader.stop()


async def test_a_callback_that_raises_gets_its_excerpts_again(venue: Venue) -> None:
    trader = await venue.reader()
    list_market(trader)
    await trader.wait_for(7)
    seen: list[int] = []
    failures = [RuntimeError("not now")]

    def on_records(excerpts: list[Excerpt]) -> None:
        if failures:
            raise failures.pop()
        seen.extend(excerpt.sequence for excerpt in excerpts)

    reader = EventReader(
        venue.address,
        "fails",
        from_sequence=1,
        event_types={e.TradeExecuted},
        on_records=on_records,
    )
    await reader.start()
    await until(lambda: len(seen) == 7)
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    await reader.stop()
