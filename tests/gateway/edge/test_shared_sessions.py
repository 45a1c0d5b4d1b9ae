"""Sessions that two gateways have in common: whoever one logs on to knows all that it needs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.edge.gateway import Gateway
from tests.gateway.edge.shared_gateways import log_on, missed
from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.engine_room import ALICE
from tests.gateway.fix_client import FixClient


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path, redis_url, shares_ports=True) as venue:
        yield venue


@pytest.fixture
async def gateways(venue: SmallVenue) -> AsyncIterator[list[Gateway]]:
    second = venue.make_gateway(shares_ports=True)
    await second.start()
    yield [venue.gateway, second]
    await second.stop()


async def connect(gateway: Gateway, comp_id: str, *, is_copy: bool = False) -> FixClient:
    acceptor = gateway.fix.drop_copy if is_copy else gateway.fix.order_entry
    return await FixClient.connect(acceptor.port, comp_id)


async def test_a_client_goes_to_and_fro_and_misses_nothing(gateways: list[Gateway]) -> None:
    first, second = gateways
    bob, alice = await connect(second, "BOB"), await connect(first, "ALICE")
    copy = await connect(first, "COPY", is_copy=True)
    for client, key in ((bob, "bob"), (alice, "alice"), (copy, "reader")):
        await log_on(client, key)
    alice.enter("a1", "buy", "0.5", "50000")
    for client in (alice, copy):
        assert (await client.expect("8"))[34] == "2"
    for number, gateway in enumerate([second, first, first, second], 1):
        # A trade while it is there, one while it is nowhere, and it goes to the next one.
        bob.enter(f"b{number}", "sell", "0.01", "50000")
        for client in (alice, copy):
            assert (await client.expect("8"))[150] == "F"
            await client.close()
        bob.enter(f"c{number}", "sell", "0.01", "50000")
        for _ in range(4):
            await bob.expect("8")
        came_from = alice, copy
        alice = await connect(gateway, "ALICE")
        copy = await connect(gateway, "COPY", is_copy=True)
        for key, client, before in zip(("alice", "reader"), (alice, copy), came_from, strict=True):
            # Each round has two trades and a Logon(A).
            first_missed = 1 + 3 * number
            logon = await log_on(client, key, before.next_number)
            assert int(logon[34]) == first_missed + 1
            trade = await missed(client, first_missed)
            assert (trade[150], trade[43], trade[14]) == ("F", "Y", f"0.{2 * number:02}000")
            assert (await client.expect("4"))[36] == str(first_missed + 2)
    for client in (alice, copy, bob):
        await client.close()


async def test_a_session_is_logged_on_at_one_gateway_at_a_time(gateways: list[Gateway]) -> None:
    alice = await connect(gateways[0], "ALICE")
    await log_on(alice, "alice")
    for gateway in gateways:
        intruder = await connect(gateway, "ALICE")
        intruder.send("A", {98: 0, 108: 30, 553: "alice", 554: "secret-of-alice"})
        await intruder.expect_closed()
    alice.enter("a1", "buy", "0.1", "50000")
    assert (await alice.expect("8"))[34] == "2"
    await alice.log_out()
    again = await connect(gateways[1], "ALICE")
    assert (await log_on(again, "alice", alice.next_number))[34] == "4"
    await again.close()


async def test_numbers_begun_anew_at_one_are_so_at_the_other(gateways: list[Gateway]) -> None:
    first, second = gateways
    for number, (here, there) in enumerate([(first, second), (second, first), (first, second)]):
        client = await connect(here, "ALICE")
        await log_on(client, "alice", t141="Y")
        client.enter(f"a{number}", "buy", "0.1", "50000")
        report = await client.expect("8")
        assert (report[34], report[150]) == ("2", "0")
        await client.close()
        again = await connect(there, "ALICE")
        assert (await log_on(again, "alice", client.next_number))[34] == "3"
        await again.close()


async def test_reports_of_who_is_away_are_written_without_a_logon(
    gateways: list[Gateway], tmp_path: Path
) -> None:
    alice, bob = await connect(gateways[0], "ALICE"), await connect(gateways[1], "BOB")
    await log_on(alice, "alice")
    await log_on(bob, "bob")
    alice.enter("a1", "buy", "0.5", "50000")
    await alice.expect("8")
    await alice.log_out()
    bob.enter("b1", "sell", "0.1", "50000")
    file = tmp_path / "gateway" / "fix" / "order_entry" / f"{ALICE}-ALICE" / "sent_messages.log"
    async with asyncio.timeout(5):
        while b"\x0111=a1\x0117=" not in file.read_bytes().rpartition(b"\x01150=F\x01")[0]:
            await asyncio.sleep(0.05)
    await bob.close()
