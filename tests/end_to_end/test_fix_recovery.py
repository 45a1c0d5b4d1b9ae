"""FIX orders while services die under them, on a venue that `agio up` runs."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.agio.running_venue import RunningVenue, free_port_base
from tests.end_to_end.kill_service import kill_service
from tests.gateway.fix_client import FixClient

ORDERS = 400


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    with RunningVenue(tmp_path_factory.mktemp("venue"), free_port_base()) as venue:
        yield venue


async def log_on(venue: RunningVenue, name: str) -> FixClient:
    venue.agio("account", "create", name)
    venue.agio("account", "credit", name, "USDT", "1000000")
    key = venue.agio("key", "create", "--account", name)
    port = int(venue.endpoints["fix_order_entry"].rpartition(":")[2])
    client = await FixClient.connect(port, "FIRM")
    assert (await client.log_on(key["api_key"], key["secret"], heartbeat_s=60))[35] == "A"
    return client


async def test_a_killed_matching_process_leaves_no_order_in_doubt(venue: RunningVenue) -> None:
    client = await log_on(venue, "firm")
    answers: list[dict[int, str]] = []

    async def listen() -> None:
        while len(answers) < ORDERS:
            message = await client.receive()
            if message[35] != "0":
                answers.append(message)

    listening = asyncio.create_task(listen())
    killing = asyncio.create_task(asyncio.to_thread(kill_service, venue, "matching"))
    for number in range(ORDERS):
        client.enter(f"c{number}", "buy", "0.001", "50000")
        await asyncio.sleep(0 if number < 200 else 0.005)
    await killing
    await listening

    # Each order is answered once, in the order of entry: entered, or refused because nobody was
    # there to take it. What was under way when the process died is known once it is back.
    told = [message.get(11) or message[379] for message in answers]
    assert told == [f"c{number}" for number in range(ORDERS)]
    kinds = Counter((message[35], message.get(150), message.get(380)) for message in answers)
    assert set(kinds) <= {("8", "0", None), ("j", None, "4")}
    assert kinds["8", "0", None] > 0

    # An order that was refused is not there, and one that was entered is.
    for message in answers[:: ORDERS // 20]:
        client_order_id = message.get(11) or message[379]
        client.send("H", {11: client_order_id, 55: "BTCUSDT", 54: 1})
        status = await client.expect("8")
        assert (status[39] == "0") is (message[35] == "8"), (message, status)
    await client.log_out()
