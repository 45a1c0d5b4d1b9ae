"""FIX sessions under the desk's hand: out, in, from 1 again, and while the desk is away."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from gateway.edge import desk_link
from gateway.session_rules import SessionRules
from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.engine_room import ALICE
from tests.gateway.fix_client import FixClient
from vocabulary.session_times import RecurringTime

RESET = "the sequence numbers are reset: both begin at 1"
Lay = Callable[..., None]


@pytest.fixture
async def venue(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SmallVenue]:
    monkeypatch.setattr(desk_link, "POLL_S", 0.05)
    async with small_venue(tmp_path, redis_url) as venue:
        yield venue


@pytest.fixture
def lay_down(venue: SmallVenue) -> Lay:
    """Give a way to lay down rules for Alice's session TRADER, or another one."""

    def lay(**rule: object) -> None:
        session = {"service": "order_entry", "account_id": ALICE, "sender_comp_id": "TRADER"}
        venue.keys.rules = [session | rule]

    return lay


async def logon(venue: SmallVenue, number: int = 1, port: int = 0) -> tuple[FixClient, str]:
    """Log on as Alice; return the client and the refusal's text, "" if it is in."""
    client = await FixClient.connect(port or venue.gateway.fix.order_entry.port)
    client.next_number = number
    answer = await client.log_on("alice", "secret-of-alice")
    return client, answer.get(58, "") if answer[35] == "5" else ""


async def until_in(venue: SmallVenue, number: int = 1) -> FixClient:
    """Log on as soon as that is possible."""
    for _ in range(100):
        client, text = await logon(venue, number)
        if not text:
            return client
        await client.close()
        await asyncio.sleep(0.1)
    raise AssertionError(text)


async def test_a_disabled_session_is_out_until_it_is_enabled(
    venue: SmallVenue, lay_down: Lay
) -> None:
    client, _ = await logon(venue)
    client.enter("a1", "buy", "0.5", "50000")
    assert (await client.expect("8"))[150] == "0"
    lay_down(disabled="margin call")
    told = await client.expect("5")
    assert told[58] == "this session is disabled: margin call"
    client.send("5", {})
    await client.expect_closed()
    _, text = await logon(venue, 4)
    assert text == "this session is disabled: margin call"

    lay_down(disabled="", orders_per_s=1)
    client = await until_in(venue, 4)  # nothing of it has cost a number
    for client_order_id in ("a2", "a3"):
        client.enter(client_order_id, "buy", "0.1", "50000")
    assert [(await client.expect("8"))[150] for _ in range(2)] == ["0", "8"]
    lay_down(logout_after_ns=time.time_ns())
    assert (await client.expect("5"))[58] == "logged out by the venue"


async def test_a_reset_logs_out_first_and_what_happens_then_has_new_numbers(
    venue: SmallVenue, lay_down: Lay
) -> None:
    client, _ = await logon(venue)
    client.enter("a1", "buy", "0.5", "50000")
    assert (await client.expect("8"))[34] == "2"
    lay_down(reset_after_ns=time.time_ns())
    told = await client.expect("5")
    assert (told[34], told[58]) == ("3", RESET)
    client.send("5", {})
    await client.expect_closed()
    bob = await venue.client("bob", "BOB")
    await asyncio.sleep(0.3)  # past the next look at who was logged out
    bob.enter("b1", "sell", "0.5", "50000")
    assert [(await bob.expect("8"))[150] for _ in range(2)] == ["0", "F"]

    _, text = await logon(venue, 4)
    assert text.startswith("MsgSeqNum(34) must be 1: both numbers were reset at 20")
    await venue.restart_gateway()  # which resets nothing a second time
    client, _ = await logon(venue)
    client.send("2", {7: 1, 16: 0})
    missed = await client.expect("8")
    assert (missed[34], missed[43], missed[150], missed[11]) == ("1", "Y", "F", "a1")
    fill = await client.expect("4")
    assert (fill[34], fill[36]) == ("2", "3")
    assert venue.keys.standings["order_entry", ALICE, "TRADER"][3] in {"in_session", "away"}


async def test_what_was_last_heard_counts_while_the_desk_is_away(
    venue: SmallVenue, lay_down: Lay, tmp_path: Path
) -> None:
    lay_down(hours="00:00-00:00:01", heartbeat_max_s=10, cancel_on_disconnect="S")
    while not (tmp_path / "gateway/fix/session_rules.json").exists():
        await asyncio.sleep(0.05)
    venue.keys.is_silent_about_rules = True
    await venue.restart_gateway()
    assert venue.gateway.health()["fix_rules_available"] is False
    _, text = await logon(venue)
    assert text == "this session's hours are 00:00-00:00:01 UTC"

    venue.keys.is_silent_about_rules = False
    lay_down(heartbeat_max_s=30, cancel_on_disconnect="S")
    client = await until_in(venue)
    client.enter("a1", "buy", "0.5", "50000")
    assert (await client.expect("8"))[150] == "0"
    await client.log_out()
    for _ in range(100):
        if not venue.gateway.orders.open_order_count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the desk's CancelOnDisconnect(8013) was not carried out")


async def test_a_reset_time_comes_while_sessions_are_logged_on(
    venue: SmallVenue, lay_down: Lay
) -> None:
    client, _ = await logon(venue)
    copy, _ = await logon(venue, port=venue.gateway.fix.drop_copy.port)
    now = datetime.now(UTC)
    times = {
        "reset_time": (now + timedelta(seconds=2)).strftime("%H:%M:%S"),
        "reset_time_set_ns": time.time_ns(),
    }
    lay_down(**times)
    venue.keys.rules.append(venue.keys.rules[0] | {"service": "drop_copy"})
    for each in (client, copy):
        assert (await each.expect("5"))[58] == RESET
        assert datetime.now(UTC) - now > timedelta(seconds=1)
        each.send("5", {})
        await each.expect_closed()
    await asyncio.sleep(0.3)
    again, text = await logon(venue)
    assert text == ""
    again.enter("a2", "buy", "0.5", "50000")
    assert (await again.expect("8"))[34] == "2"


async def test_the_venue_s_reset_time_that_a_gateway_missed_counts(venue: SmallVenue) -> None:
    client, _ = await logon(venue)
    await client.log_out()
    await asyncio.sleep(1)
    just_now = datetime.now(UTC).strftime("%H:%M:%S")
    await venue.restart_gateway(fix_rules=SessionRules(RecurringTime.parse(just_now)))
    _, text = await logon(venue, client.next_number)
    assert text.startswith("MsgSeqNum(34) must be 1")
    client, text = await logon(venue)
    assert text == ""
    await client.log_out()
    await venue.restart_gateway(fix_rules=SessionRules(RecurringTime.parse(just_now)))
    assert (await logon(venue, client.next_number))[1] == ""


async def test_a_comp_id_that_the_desk_does_not_know_is_not_told(venue: SmallVenue) -> None:
    names = ["x" * 65, "\x02" * 64]
    for name in names:
        client = await FixClient.connect(venue.gateway.fix.market_data.port, name)
        assert (await client.log_on("alice", "secret-of-alice", is_reset=True))[35] == "A"
    while ("market_data", ALICE, names[1]) not in venue.keys.standings:
        await asyncio.sleep(0.05)
    assert [name for _, _, name in venue.keys.standings] == [names[1]]


async def test_maintenance_is_told_then_all_are_out_and_stay_out(venue: SmallVenue) -> None:
    doors = venue.gateway.fix
    clients = [
        (await logon(venue, port=door.port))[0] for door in (doors.order_entry, doors.drop_copy)
    ]
    market = await FixClient.connect(doors.market_data.port)
    await market.log_on("alice", "secret-of-alice", is_reset=True)
    clients.append(market)
    socket = await connect(f"ws://127.0.0.1:{venue.gateway.json.websocket.port}/ws")
    venue.keys.maintenance = {"at_ns": time.time_ns() + 3 * 10**9, "text": "new release"}
    for client in clients:
        news = await client.expect("B")
        assert news[58].endswith("new release")
        assert (news[148], news[33], news[61]) == ("maintenance", "1", "1")
    event = json.loads(await socket.recv())
    assert (event["e"], event["text"]) == ("serverShutdown", "new release")
    assert event["T"] == venue.keys.maintenance["at_ns"] // 10**6
    await socket.close()
    for client in clients:
        assert (await client.expect("5"))[58] == "maintenance: new release"
        client.send("5", {})
        await client.expect_closed()
    _, text = await logon(venue, 3)
    assert text == "maintenance: new release"
    venue.keys.maintenance = None
    again = await until_in(venue, 3)  # nothing of it has cost a number
    again.enter("a1", "buy", "0.5", "50000")
    assert (await again.expect("8"))[34] == "5"


async def test_an_orderly_stop_loses_no_order_and_no_number(venue: SmallVenue) -> None:
    client, _ = await logon(venue)
    stopping = asyncio.create_task(venue.gateway.stop())
    entered: list[str] = []
    reported: list[str] = []
    last_seen = 1
    while True:
        entered.append(f"a{len(entered)}")
        number = client.enter(entered[-1], "buy", "0.001", "50000")
        message = await client.receive()
        last_seen = int(message[34])
        if message[35] == "5":
            break
        reported.append(message[11])
    assert message[58] == "the venue closes"
    client.send("5", {})
    with contextlib.suppress(ConnectionError):
        message = await client.receive()  # a report that was on its way when we were logged out
        last_seen = int(message[34])
        reported.append(message[11])
    await stopping

    venue.gateway = venue.make_gateway()
    await venue.gateway.start()
    client, text = await logon(venue, client.next_number)
    assert text == ""
    client.send("2", {7: last_seen + 1, 16: 0})
    while reported != entered:  # the last order crossed our Logout(5), or its report did
        message = await client.receive()
        if message[35] == "8":
            assert message[150] == "0"
            reported.append(message[11])
        elif message[35] == "2":
            asked = int(message[7])
            if asked == number:
                client.enter(entered[-1], "buy", "0.001", "50000", number=number, is_poss_dup=True)
            client.send("4", {123: "Y", 36: number + 4}, number=number + 1, is_poss_dup=True)
    assert venue.gateway.orders.open_order_count == len(entered)


@pytest.mark.parametrize("restored", [{"version": 3}, {"version": 9, "desk": "started again"}])
async def test_what_a_restored_desk_knows_nothing_of_is_laid_down_no_more(
    venue: SmallVenue, lay_down: Lay, restored: dict[str, object]
) -> None:
    lay_down(disabled="left the venue")
    venue.keys.version = 7
    async with asyncio.timeout(5):
        while venue.gateway.fix.desk._version != 7:
            await asyncio.sleep(0.01)
    assert "left the venue" in (await logon(venue))[1]
    venue.keys.rules = []
    for name, value in restored.items():
        setattr(venue.keys, name, value)
    client = await until_in(venue)
    await client.close()
    venue.keys.is_silent_about_rules = True
    await venue.restart_gateway()  # nor is it in what the gateway has kept
    assert (await logon(venue, client.next_number))[1] == ""
