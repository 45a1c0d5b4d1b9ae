"""Drop copy: every report of an account, from all doors, also those missed while away."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.edge import desk_link
from tests.gateway.edge.json_venue import JsonVenue
from tests.gateway.engine_room import ALICE, BOB
from tests.gateway.fix_client import FixClient
from tests.gateway.validating_client import ValidatingClient

STATES = (11, 150, 39, 14, 151)


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[JsonVenue]:
    venue = JsonVenue(tmp_path, redis_url)
    await venue.start()
    yield venue
    await venue.stop()


async def log_on(venue: JsonVenue, number: int = 1) -> FixClient:
    client = await ValidatingClient.connect(venue.gateway.fix.drop_copy.port, "OFFICE")
    client.next_number = number
    answer = await client.log_on("reader", "secret-of-reader")
    assert answer[35] == "A", answer
    venue._clients.append(client)
    return client


async def test_reports_of_the_account_from_every_door(venue: JsonVenue) -> None:
    early = await venue.client("alice", "EARLY")
    early.enter("before", "buy", "0.1", "40000")
    await early.expect("8")
    copies = await log_on(venue)

    alice, bob = await venue.client("alice", "DESK"), await venue.client("bob", "OTHER")
    alice.enter("a1", "buy", "0.5", "50000")
    report, copy = await alice.expect("8"), await copies.expect("8")
    assert copy.pop(797) == "Y"
    session = {8, 9, 10, 34, 49, 52, 56}
    assert {t: v for t, v in copy.items() if t not in session} == {
        t: v for t, v in report.items() if t not in session
    }
    bob.enter("b1", "sell", "0.2", "50000")  # his reports are not hers
    filled = await copies.expect("8")
    assert [filled[tag] for tag in STATES] == ["a1", "F", "1", "0.20000", "0.30000"]

    status, _ = await venue.signed("DELETE", "openOrders", symbol="BTCUSDT")
    assert status == 200
    ended = {(await copies.expect("8"))[39] for _ in range(2)}
    assert ended == {"4"}
    alice.enter("a2", "buy", "1000", "50000")
    refused = await copies.expect("8")
    assert (refused[11], refused[150]) == ("a2", "8")
    alice.cancel("x1", "nothing")
    assert (await copies.expect("9"))[11] == "x1"


async def test_a_firm_s_other_accounts_are_copied_from_when_the_desk_says_so(
    venue: JsonVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_link, "POLL_S", 0.02)
    await venue.restart_gateway()  # which asks so often
    copies = await log_on(venue)
    bob = await venue.client("bob", "BOB")
    bob.enter("before", "sell", "0.1", "60000")
    await bob.expect("8")
    office = {"service": "drop_copy", "account_id": ALICE, "sender_comp_id": "OFFICE"}
    firm = office | {"copied_accounts": [BOB], "copied_accounts_set_ns": time.time_ns()}
    venue.keys.rules = [firm]
    await asyncio.sleep(0.2)

    alice = await venue.client("alice", "DESK")
    alice.enter("a1", "buy", "0.5", "50000")
    bob.enter("b1", "sell", "0.2", "50000")  # both sides of a trade are the firm's
    told = [await copies.expect("8") for _ in range(4)]
    assert [(each[1], each[11], each[150]) for each in told] == [
        (str(ALICE), "a1", "0"),
        (str(BOB), "b1", "0"),
        (str(ALICE), "a1", "F"),
        (str(BOB), "b1", "F"),
    ]
    await copies.log_out()
    bob.enter("b2", "sell", "0.1", "61000")
    await bob.expect("8")
    await venue.restart_gateway()
    copies = await log_on(venue, number=copies.next_number)
    copies.send("2", {7: 2, 16: 0})
    again = [await copies.receive() for _ in range(7)]
    assert [each[11] for each in again if each[35] == "8"] == ["a1", "b1", "a1", "b1", "b2"]

    venue.keys.rules = [office]
    await asyncio.sleep(0.2)
    bob = await venue.client("bob", "BOB2")
    alice = await venue.client("alice", "DESK2")
    bob.enter("b3", "sell", "0.1", "62000")
    await bob.expect("8")
    alice.enter("a2", "buy", "0.1", "40000")
    alone = await copies.expect("8")
    assert (alone[11], 1 in alone) == ("a2", False)


async def test_what_was_missed_comes_after_a_restart_and_what_was_before_does_not(
    venue: JsonVenue,
) -> None:
    alice = await venue.client("alice", "DESK")
    alice.enter("before", "buy", "0.1", "40000")
    await alice.expect("8")
    await (await log_on(venue)).log_out()
    alice.enter("while-away", "buy", "0.1", "40000")
    await alice.expect("8")
    await venue.restart_gateway()

    copies = await log_on(venue, number=3)
    copies.send("2", {7: 3, 16: 0})
    missed = await copies.expect("8")
    assert (missed[11], missed[43], missed[797]) == ("while-away", "Y", "Y")
    copies.enter("a1", "buy", "1", "50000")
    while (refused := await copies.receive())[35] != "j":
        assert refused[35] == "4", refused
    assert refused[58] == "drop copy takes no requests"
