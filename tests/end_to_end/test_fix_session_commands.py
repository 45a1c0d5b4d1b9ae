"""`agio fix-session` and `agio maintenance`: what an operator types is what a client meets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.agio.running_venue import RunningVenue, free_port_base
from tests.gateway.fix_client import FixClient


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[RunningVenue]:
    with RunningVenue(tmp_path / "data", free_port_base()) as venue:
        yield venue


async def log_on(venue: RunningVenue, key: dict[str, str], number: int = 1) -> tuple[Any, Any]:
    client = await FixClient.connect(int(venue.endpoints["fix_order_entry"].rpartition(":")[2]))
    client.next_number = number
    return client, await client.log_on(key["api_key"], key["secret"])


@pytest.mark.timeout(180)
async def test_sessions_and_maintenance_by_the_command_line(venue: RunningVenue) -> None:
    venue.agio("account", "create", "firm")
    key = venue.agio("key", "create", "--account", "firm")
    made = venue.agio("fix-session", "make", "firm", "TRADER", "--heartbeat-max", "20")
    assert (made["made"], made["pending"], made["heartbeat_max_s"]) == (True, [], 20)
    _, refused = await log_on(venue, key)
    assert refused[58] == "HeartBtInt(108) must be 1 to 20 for this session"
    venue.agio("fix-session", "set", "firm", "TRADER", "--heartbeat-max", "60")
    client, answer = await log_on(venue, key)
    assert answer[35] == "A"
    office = ("firm", "OFFICE", "--service", "drop_copy")
    made = venue.agio("fix-session", "make", *office, "--copy-account", "firm")
    assert len(made["copied_accounts"]) == 1
    changed = venue.agio("fix-session", "set", *office, "--own-account-alone")
    assert changed["copied_accounts"] == []

    venue.agio("fix-session", "disable", "firm", "TRADER", "--reason", "margin call")
    assert (await client.expect("5"))[58] == "this session is disabled: margin call"
    client.send("5", {})
    _, refused = await log_on(venue, key, 3)
    assert refused[58] == "this session is disabled: margin call"
    venue.agio("fix-session", "enable", "firm", "TRADER")
    client, answer = await log_on(venue, key, 3)
    assert (answer[35], answer[34]) == ("A", "3")

    venue.agio("fix-session", "reset", "firm", "TRADER")
    assert "both begin at 1" in (await client.expect("5"))[58]
    client.send("5", {})
    client, answer = await log_on(venue, key)
    assert (answer[35], answer[34]) == ("A", "1")
    venue.agio("fix-session", "logout", "firm", "TRADER")
    assert (await client.expect("5"))[58] == "logged out by the venue"
    client.send("5", {})
    shown = venue.run("fix-session", "show", "firm", "TRADER", "--data", str(venue.data)).stdout
    assert "heartbeat_max_s 60" in shown
    assert "next out 3" in shown
    [_, listed] = venue.agio("fix-session", "list", "--account", "firm")["fix_sessions"]
    assert listed["standings"][0]["next_sender_msg_seq_num"] == 3

    client, answer = await log_on(venue, key, 3)
    assert answer[35] == "A"
    announced = venue.agio("maintenance", "announce", "--in", "0.05", "--text", "new release")
    assert venue.agio("maintenance", "show") == announced
    assert (await client.expect("B"))[58].endswith("new release")
    assert (await client.expect("5"))[58] == "maintenance: new release"
    client.send("5", {})
    _, refused = await log_on(venue, key, 5)
    assert refused[58] == "maintenance: new release"
    assert venue.agio("maintenance", "end") == {"maintenance": None}
    for _ in range(20):
        _, answer = await log_on(venue, key, 5)
        if answer[35] == "A":
            break
        await asyncio.sleep(0.2)
    assert answer[35] == "A"
