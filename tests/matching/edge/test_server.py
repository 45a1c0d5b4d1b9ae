"""The matching server with real clients on real sockets."""

import asyncio
import errno
import os
import time
from contextlib import suppress
from typing import cast

import pytest

from matching import link
from matching.edge.journal_replay import verify_journal
from matching.link import ErrorCode, FrameDecoder, FrameKind
from tests.matching.samples import order
from tests.matching.venue import Reader, Venue, connect, list_market, until
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import pack
from vocabulary.types import TimeInForce

ADDRESSES = ["unix", "tcp"]


async def test_a_command_is_acknowledged_by_its_record(venue: Venue) -> None:
    reader = await venue.reader()
    list_market(reader)
    reader.client.submit(order(7, 1, client_order_id=b"mine"))
    *_, record = await reader.wait_for(8)

    assert record.sequence == 8
    assert isinstance(record.command, c.EnterOrder)
    assert record.command.client_order_id == b"mine"
    assert [type(event) for event in record.events] == [e.OrderAccepted, e.OrderRested]
    assert reader.client.last_sequence == reader.client.head_sequence == 8
    assert reader.calls <= 2  # what was submitted together came back together


async def test_many_clients_at_once_get_the_same_records_in_the_same_order(venue: Venue) -> None:
    readers = [await venue.reader(name=f"gateway-{number}") for number in range(8)]
    commands_only = await venue.reader(from_sequence=None, name="ops")
    list_market(commands_only)
    await commands_only.wait_for(7)
    for number in range(1, 101):
        for session_id, reader in enumerate(readers, 10):
            reader.client.submit(order(session_id, number))
        if number % 10 == 0:
            await asyncio.sleep(0)

    for reader in readers:
        await reader.wait_for(807)
        assert reader.sequences == list(range(1, 808))
        assert reader.records == readers[0].records
    for session_id in range(10, 18):
        numbers = [
            record.command.session_number
            for record in readers[0].records
            if record.command.session_id == session_id
        ]
        assert numbers == list(range(1, 101))
    assert commands_only.sequences == list(range(1, 8))  # its own, and nobody else's


async def test_readers_catch_up_from_any_sequence_while_others_trade(venue: Venue) -> None:
    trader = await venue.reader()
    list_market(trader)
    late: list[tuple[int, Reader]] = []
    for number in range(1, 3001):
        trader.client.submit(order(7, number))
        if number % 100 == 0:
            await trader.wait_for(7 + number - 100)
            start = 1 + (number * 37) % trader.client.head_sequence
            late.append((start, await venue.reader(start)))
    await trader.wait_for(3007)

    for start, reader in late:
        await reader.wait_for(3007 - start + 1)
        assert reader.sequences == list(range(start, 3008))
        assert reader.caught_up.is_set()
        assert reader.records == trader.records[start - 1 :]


async def test_an_order_ends_at_its_time_and_a_restart_makes_the_same_of_it(venue: Venue) -> None:
    reader = await venue.reader()
    list_market(reader)
    end_ns = time.time_ns() + 300_000_000
    timed = TimeInForce.GOOD_TILL_DATE
    reader.client.submit(order(7, 1, time_in_force=timed, expire_time_ns=end_ns))
    records = await reader.wait_for(9)
    assert isinstance(records[8].command, c.ExpireOrders)
    assert 0 <= records[8].timestamp_ns - end_ns < 1_000_000_000
    [canceled] = records[8].events
    assert isinstance(canceled, e.OrderCanceled)
    await venue.stop()
    again = await venue.start()
    assert again.health()["open_orders"] == 0


@pytest.mark.parametrize("wanted", [9, 1000])
async def test_a_reader_ahead_of_the_journal_is_turned_away(venue: Venue, wanted: int) -> None:
    reader = await venue.reader()
    list_market(reader)
    await reader.wait_for(7)
    code, text = await ending_of(venue, link.pack_hello(link.Hello(link.VERSION, wanted, "x")))
    assert code is ErrorCode.SEQUENCE_UNAVAILABLE
    assert text == f"sequence {wanted} is not in 1..8"


HELLO = link.pack_hello(link.Hello(link.VERSION, None, "test"))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", ErrorCode.MALFORMED),
        (link.pack_hello(link.Hello(9, None, "test")), ErrorCode.VERSION_UNSUPPORTED),
        (link.pack_commands([pack(order(7, 1))]), ErrorCode.MALFORMED),  # before HELLO
        (link.pack_hello(link.Hello(1, 1, "test", 1_001)), ErrorCode.MALFORMED),
        (HELLO + HELLO, ErrorCode.MALFORMED),
        (HELLO + link.pack_records(b"x"), ErrorCode.MALFORMED),
        (HELLO + link.pack_commands([b"nonsense"]), ErrorCode.MALFORMED),
        (HELLO + link.pack_commands([pack(e.FundsCredited(1, 1, 1, 1))]), ErrorCode.MALFORMED),
    ],
)
async def test_what_no_client_of_ours_sends_ends_the_connection_with_the_reason(
    venue: Venue, data: bytes, code: ErrorCode
) -> None:
    assert (await ending_of(venue, data))[0] is code
    assert verify_journal(venue.journal).result.last_sequence == 0


async def ending_of(venue: Venue, data: bytes) -> tuple[ErrorCode, str]:
    """Send bytes on a bare socket and return the error with which the server closes."""
    reader, writer = await connect(venue)
    writer.write(data)
    received = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    error = link.unpack_error(FrameDecoder(link.FROM_SERVER).receive_data(received)[-1][1])
    return error.code, str(error)


async def test_a_refused_command_is_told_to_its_sender_and_changes_nothing(venue: Venue) -> None:
    reader = await venue.reader()
    list_market(reader)
    reader.client.submit(order(7, 5, side=3))
    reader.client.submit(order(7, 6))
    await reader.wait_for(8)
    assert [(r.code, r.session_number) for r in reader.refused] == [
        (link.RefusalCode.MALFORMED_COMMAND, 5)
    ]
    assert [type(event) for event in reader.records[-1].events] == [e.OrderAccepted, e.OrderRested]


async def test_funds_are_those_after_what_was_submitted_before(venue: Venue) -> None:
    reader = await venue.reader()
    list_market(reader)
    reader.client.submit(order(7, 1, price_ticks=100, quantity_lots=3))
    report = await reader.client.funds(2)
    assert report.sequence == 8
    assert reader.client.last_sequence == 8  # the records came first
    assert report.funds == [
        (2, 1, 10**16, 0),
        (2, 2, 10**16 - 300_000, 300_000),
    ]
    everyone = await reader.client.funds()
    assert {funds.account_id for funds in everyone.funds} >= {1, 2}
    assert (await reader.client.funds(99)).funds == []


async def test_a_restart_replays_the_journal_and_goes_on(venue: Venue) -> None:
    reader = await venue.reader()
    list_market(reader)
    for number in range(1, 2001):
        reader.client.submit(order(7, number))
    await reader.wait_for(2007)
    before = await reader.client.funds()
    await venue.stop()
    reader.client.submit(order(7, 2001))  # waits for the venue to come back
    hash_before = verify_journal(venue.journal).result.state_hash

    server = await venue.start()
    assert server.health()["ready"]
    await reader.wait_for(2008)
    assert reader.sequences == list(range(1, 2009))
    assert before.sequence == 2007
    reader.client.submit(c.CancelAllOrders(8, 1, 1, 0, b""))
    await reader.wait_for(2009)
    result = verify_journal(venue.journal).result
    assert result.last_sequence == 2009
    assert result.state_hash != hash_before


async def test_health_tells_state_sequence_and_connections(venue: Venue) -> None:
    reader = await venue.reader()
    list_market(reader)
    reader.client.submit(order(7, 1))
    await reader.wait_for(8)
    assert venue.server is not None
    assert venue.server.health() == {
        "ready": True,
        "state": "running",
        "takes": "everything",
        "sequence": 8,
        "connections": 1,
        "live_readers": 1,
        "open_orders": 1,
        "journal_mode": "os",
    }
    await venue.stop()
    assert not venue.server.health()["ready"]


async def test_a_slow_live_reader_is_disconnected_with_the_reason_and_harms_nobody(
    venue: Venue,
) -> None:
    await venue.stop()
    await venue.start(reader_buffer_bytes_max=100_000)
    trader = await venue.reader()
    list_market(trader)
    await trader.wait_for(7)

    slow_reader, slow_writer = await connect(venue)
    slow_socket = cast("asyncio.Transport", slow_writer.transport)
    slow_socket.pause_reading()
    slow_writer.write(link.pack_hello(link.Hello(link.VERSION, 1, "slow")))
    await until(lambda: venue.server is not None and venue.server.health()["live_readers"] == 2)
    sent = 0
    assert venue.server is not None
    while venue.server.health()["live_readers"] == 2 and sent < 100_000:
        for _ in range(200):
            sent += 1
            trader.client.submit(order(7, sent))
        await trader.wait_for(7 + sent)

    assert sent < 100_000
    slow_socket.resume_reading()
    received = bytearray()
    with suppress(ConnectionError):
        while data := await asyncio.wait_for(slow_reader.read(1 << 20), 10):
            received += data
    frames = FrameDecoder(link.FROM_SERVER).receive_data(bytes(received))
    slow_writer.close()
    assert frames[-1][0] is FrameKind.ERROR
    assert link.unpack_error(frames[-1][1]).code is ErrorCode.SLOW_READER
    assert trader.sequences == list(range(1, 8 + sent))


async def test_f6_after_a_failed_write_nothing_leaves_and_the_server_ends(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = await venue.reader()
    list_market(reader)
    await reader.wait_for(7)

    def pwrite(file: int, data: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", pwrite)
    reader.client.submit(order(7, 1))
    await until(lambda: bool(venue.failures))
    await until(lambda: not reader.client.connected)
    assert venue.server is not None
    assert not venue.server.health()["ready"]
    assert len(reader.records) == 7
    assert [getattr(failure, "errno", None) for failure in venue.failures] == [errno.ENOSPC]
    await venue.stop()
    monkeypatch.undo()

    await venue.start()  # what was never acknowledged is sent again, and executes once
    await reader.wait_for(8)
    assert reader.sequences == list(range(1, 9))
