"""The client with a real server, through everything that may come between the two."""

import asyncio

import pytest

from matching.client import MatchingClient, MatchingUnavailable
from matching.edge.journal_replay import verify_journal
from tests.matching.samples import order
from tests.matching.venue import Venue, list_market, until
from vocabulary.codec import Record


async def test_a_resend_after_a_reconnect_executes_once(venue: Venue) -> None:
    """I2: the connection breaks with commands on their way; each has one record in the end."""
    reader = await venue.reader()
    list_market(reader)
    await reader.wait_for(7)
    for number in range(1, 501):
        reader.client.submit(order(7, number))
        if number % 25 == 0:
            if number % 50 == 0:
                await asyncio.sleep(0)  # sent, and perhaps executed; otherwise not even sent
            assert reader.client._transport is not None
            reader.client._transport.abort()
            await until(lambda: not reader.client.connected)
            reader.client.submit(order(7, number))  # by a sender who has lost track
            await until(lambda: reader.client.connected)
    await reader.wait_for(507)
    await reader.client.funds()

    assert reader.sequences == list(range(1, 508))
    assert [record.command.session_number for record in reader.records[7:]] == list(range(1, 501))
    assert verify_journal(venue.journal).result.commands["EnterOrder"] == 500


async def test_a_number_executed_long_ago_is_answered_with_its_original_record(
    venue: Venue,
) -> None:
    trader = await venue.reader()
    list_market(trader)
    for number in range(1, 1001):
        trader.client.submit(order(7, number))
    await trader.wait_for(1007)
    originals = {r.command.session_number: r for r in trader.records if r.command.session_id == 7}

    trader.client.submit(order(7, 3))
    commands_only = await venue.reader(None)
    for number in (1, 2, 500, 1000):
        commands_only.client.submit(order(7, number))
    await commands_only.wait_for(4)

    assert commands_only.records == [originals[number] for number in (1, 2, 500, 1000)]
    assert trader.repeated == [originals[3]]
    assert len(trader.records) == 1007


async def test_a_client_whose_queue_is_full_says_so(venue: Venue) -> None:
    reader = await venue.reader()
    await venue.stop()
    for number in range(1, 16_385):
        reader.client.submit(order(7, number))
    with pytest.raises(MatchingUnavailable, match="16384 commands wait for their record"):
        reader.client.submit(order(7, 16_385))
    await venue.start()
    await reader.wait_for(16_384)
    reader.client.submit(order(7, 30_000))
    assert (await reader.wait_for(16_385))[-1].command.session_number == 30_000


async def test_a_callback_that_raises_gets_its_records_again(venue: Venue) -> None:
    trader = await venue.reader()
    failed: list[int] = []
    seen: list[int] = []

    def on_records(records: list[Record]) -> None:
        if not failed:
            failed.extend(record.sequence for record in records)
            raise RuntimeError("not now")
        seen.extend(record.sequence for record in records)

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    reader = MatchingClient(venue.address, "fails", from_sequence=1, on_records=on_records)
    await reader.start()
    list_market(trader)
    await until(lambda: len(seen) == 7)
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    await reader.stop()


async def test_a_client_waits_for_a_server_that_starts_later(venue: Venue) -> None:
    await venue.stop()
    starting = asyncio.create_task(venue.reader())
    await asyncio.sleep(0.05)
    assert not starting.done()
    await venue.start()
    reader = await asyncio.wait_for(starting, 10)
    assert reader.client.connected


async def test_a_funds_request_outlives_its_connection(venue: Venue) -> None:
    reader = await venue.reader()
    list_market(reader)
    await reader.wait_for(7)
    await venue.stop()
    await until(lambda: not reader.client.connected)
    asking = asyncio.create_task(reader.client.funds(1))
    await venue.start()
    assert (await asyncio.wait_for(asking, 10)).sequence == 7


async def test_stopping_a_client_fails_the_funds_requests_that_wait(venue: Venue) -> None:
    reader = await venue.reader()
    await venue.stop()
    await until(lambda: not reader.client.connected)
    asking = asyncio.create_task(reader.client.funds(1))
    await asyncio.sleep(0)
    await reader.client.stop()
    with pytest.raises(MatchingUnavailable):
        await asking


async def test_caught_up_is_told_after_each_connect_and_behind_the_records(venue: Venue) -> None:
    trader = await venue.reader()
    list_market(trader)
    await trader.wait_for(7)
    told: list[int] = []
    reader = MatchingClient(
        venue.address,
        "reader",
        from_sequence=3,
        on_records=lambda _: None,
        on_caught_up=lambda: told.append(reader.last_sequence),
    )
    await reader.start()
    await until(lambda: told == [7])
    await venue.stop()
    await venue.start()
    await until(lambda: told == [7, 7])
    await reader.stop()


async def test_a_client_stops_without_a_word_in_the_event_loop_s_log(venue: Venue) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    reader = await venue.reader()
    list_market(reader)
    await reader.wait_for(7)
    await reader.client.stop()
    await venue.stop()
    await asyncio.sleep(0.01)
    assert complaints == []
