"""CancelOnDisconnect(8013): whose orders go when a session is gone, when, and whose stay."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.edge.fix_disconnects import CANCEL_FILE
from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.engine_room import ALICE
from tests.gateway.fix_client import FixClient


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path, redis_url) as venue:
        yield venue


async def log_on(
    venue: SmallVenue, comp_id: str, number: int = 1, **more: object
) -> tuple[FixClient, dict[int, str]]:
    client = await FixClient.connect(venue.gateway.fix.order_entry.port, comp_id)
    client.next_number = number
    fields: dict[int, object] = {98: 0, 108: 30, 553: "alice", 554: "secret-of-alice"}
    client.send("A", fields | {int(tag[1:]): value for tag, value in more.items()})
    venue._clients.append(client)
    return client, await client.receive()


async def enter(client: FixClient, name: str) -> None:
    client.enter(name, "buy", "0.1", "50000")
    assert (await client.expect("8"))[150] == "0"


def open_orders(venue: SmallVenue) -> set[str]:
    orders = venue.gateway.orders.open_orders(ALICE)
    return {order.client_order_id.decode() for order in orders}


async def until_open(venue: SmallVenue, wanted: set[str]) -> None:
    async with asyncio.timeout(5):
        while open_orders(venue) != wanted:
            await asyncio.sleep(0.02)


async def test_a_session_s_own_orders_go_and_the_next_logon_is_told(venue: SmallVenue) -> None:
    desk, _ = await log_on(venue, "DESK", t8013="S")
    other, _ = await log_on(venue, "OTHER", t8013="N")
    await enter(desk, "d1")
    await enter(desk, "d2")
    await enter(other, "o1")
    await desk.close()
    await until_open(venue, {"o1"})

    again, _ = await log_on(venue, "DESK", number=4)
    again.send("2", {7: 4, 16: 0})
    for name in ("d1", "d2"):
        canceled = await again.expect("8")
        assert (canceled[11], canceled[150], canceled[39]) == (name, "4", "4")
    await other.close()
    await asyncio.sleep(0.6)
    assert open_orders(venue) == {"o1"}  # it asked for nothing


async def test_all_orders_of_the_account_go_also_after_a_logout(venue: SmallVenue) -> None:
    desk, _ = await log_on(venue, "DESK", t8013="Y")
    other, _ = await log_on(venue, "OTHER")
    await enter(desk, "d1")
    await enter(other, "o1")
    await desk.log_out()
    await until_open(venue, set())
    assert (await other.expect("8"))[39] == "4"


async def test_who_comes_back_in_time_keeps_its_orders(venue: SmallVenue) -> None:
    desk, _ = await log_on(venue, "DESK", t8013="S", t35003=1_000)
    await enter(desk, "d1")
    await desk.close()
    again, answer = await log_on(venue, "DESK", number=3, t8013="S", t35003=1_000)
    assert answer[35] == "A"
    await asyncio.sleep(1.6)
    assert open_orders(venue) == {"d1"}
    await again.close()
    await asyncio.sleep(0.3)
    assert open_orders(venue) == {"d1"}
    await until_open(venue, set())


async def test_orders_on_their_way_at_the_end_go_too(venue: SmallVenue) -> None:
    desk, _ = await log_on(venue, "DESK", t8013="S")
    for number in range(50):
        desk.enter(f"d{number}", "buy", "0.01", "50000")
    await desk.close()
    await asyncio.sleep(0.6)
    await until_open(venue, set())


async def test_a_gateway_that_was_away_itself_remembers(venue: SmallVenue) -> None:
    desk, _ = await log_on(venue, "DESK", t8013="S", t35003=500)
    forgiving, _ = await log_on(venue, "OTHER", t8013="S")
    await enter(desk, "d1")
    await forgiving.log_out()
    forgiving, _ = await log_on(venue, "OTHER", number=3)
    await enter(forgiving, "o1")
    await venue.restart_gateway()
    await until_open(venue, {"o1"})


async def test_who_can_not_be_remembered_is_cut_off_and_canceled_as_asked_before(
    venue: SmallVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = await log_on(venue, "DESK", t8013="S")
    await enter(desk, "d1")
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if target.name == CANCEL_FILE:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    other, answer = await log_on(venue, "OTHER", t8013="Y")
    assert answer[35] == "A"
    await other.expect_closed()
    file = venue._directory / "gateway" / "fix" / "order_entry" / f"{ALICE}-DESK" / CANCEL_FILE
    await desk.close()
    await until_open(venue, set())
    _, answer = await log_on(venue, "DESK", number=3, t8013="Y")
    assert answer[35] == "A"
    assert file.read_text().startswith("S 0\n")


@pytest.mark.parametrize("window", ["60001", "-1"])
async def test_a_window_that_can_not_be_is_refused(venue: SmallVenue, window: str) -> None:
    _, answer = await log_on(venue, "DESK", t8013="S", t35003=window)
    assert (answer[35], answer[58]) == (
        "5",
        f"CODTimeoutWindow(35003) must be 0 to 60000, received {window}",
    )


async def test_orders_that_ask_for_it_go_with_a_session_that_did_not(venue: SmallVenue) -> None:
    desk, _ = await log_on(venue, "DESK", t35003=300)
    for name, instructions in (("d1", None), ("d2", "o"), ("d3", "6 o"), ("d4", "6")):
        desk.enter(name, "buy", "0.1", "50000", t18=instructions)
        report = await desk.expect("8")
        assert (report[150], report.get(18)) == ("0", instructions)
    await desk.close()
    await venue.restart_gateway()
    await until_open(venue, {"d1", "d4"})
