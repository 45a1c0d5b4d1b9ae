"""OrderMassStatusRequest(AF) and LimitQuery(XLQ): what a session may ask about itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.fix_application import mass_status as fix_mass_status
from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.fix_client import FixClient


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path, redis_url) as venue:
        yield venue


def ask(client: FixClient, name: str, kind: int, **more: object) -> None:
    fields: dict[int, object] = {584: name, 585: kind}
    client.send("AF", fields | {int(tag[1:]): value for tag, value in more.items()})


async def told(client: FixClient, count: int) -> list[dict[int, str]]:
    reports = [await client.expect("8") for _ in range(count)]
    assert [each[150] for each in reports] == ["I"] * count
    assert [each[911] for each in reports] == [str(count)] * count
    assert [each[912] for each in reports] == ["N"] * (count - 1) + ["Y"]
    assert len({each[17] for each in reports}) == count
    return reports


async def test_each_open_order_is_told_of_as_it_stands(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    other = await venue.client("alice", "OTHER")
    bob = await venue.client("bob", "BOB")
    other.enter("o1", "sell", "0.3", "60000")
    await other.expect("8")
    bob.enter("b1", "sell", "0.2", "50000")
    await bob.expect("8")
    # The answer waits for its turn: behind what was sent before it.
    desk.enter("d1", "buy", "0.5", "50000")
    desk.enter("d2", "buy", "0.1", "40000")
    ask(desk, "s1", 7)
    assert [(await desk.expect("8"))[150] for _ in range(3)] == ["0", "F", "0"]
    first, second, third = await told(desk, 3)
    assert [each[11] for each in (first, second, third)] == ["o1", "d1", "d2"]
    assert (second[584], second[39], second[14], second[151]) == ("s1", "1", "0.20000", "0.30000")
    assert (second[6], second[54], second[55], second[44]) == ("50000", "1", "BTCUSDT", "50000.00")

    ask(desk, "s2", 6, t55="BTCUSDT")
    assert [each[11] for each in await told(desk, 2)] == ["d1", "d2"]
    ask(desk, "s3", 1, t55="BTCUSDT", t54=2)
    assert [each[11] for each in await told(desk, 1)] == ["o1"]


async def test_where_nothing_is_open_one_report_says_so(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    ask(desk, "s1", 7)
    nothing = await desk.expect("8")
    expected = {37: "NONE", 584: "s1", 150: "I", 39: "8", 103: "5", 911: "0", 912: "Y", 55: "[N/A]"}
    assert nothing | expected == nothing
    ask(desk, "s2", 1, t55="BTCUSDT", t54=1)
    nothing = await desk.expect("8")
    assert (nothing[911], nothing[55], nothing[54]) == ("0", "BTCUSDT", "1")


@pytest.mark.parametrize(
    ("kind", "more", "reason", "text"),
    [
        (1, {}, "0", "MassStatusReqType(585)=1 needs Symbol(55)"),
        (7, {"t55": "BTCUSDT"}, "0", "MassStatusReqType(585)=7 is for all, and Symbol(55) for one"),
        (8, {}, "0", "MassStatusReqType(585)=8 is not supported"),
        (7, {"t54": "5"}, "0", "Side(54)=5 is not supported"),
        (1, {"t55": "NOPE"}, "2", "symbol 'NOPE' is not listed"),
    ],
)
async def test_what_is_not_said_exactly_is_refused(
    venue: SmallVenue, kind: int, more: dict[str, object], reason: str, text: str
) -> None:
    desk = await venue.client("alice", "DESK")
    ask(desk, "s1", kind, **more)
    reject = await desk.expect("j")
    assert (reject[372], reject[379], reject[380], reject[58]) == ("AF", "s1", reason, text)


async def test_more_than_can_be_told_of_at_once_are_asked_for_in_parts(
    venue: SmallVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix_mass_status, "REPORTS_MAX", 2)
    desk = await venue.client("alice", "DESK")
    for name, side, price in (("d1", "buy", "1000"), ("d2", "buy", "1000"), ("d3", "sell", "9000")):
        desk.enter(name, side, "0.1", price)
        await desk.expect("8")
    ask(desk, "s1", 7)
    reject = await desk.expect("j")
    assert reject[58] == "3 orders are open, at most 2 are told of: ask for fewer"
    ask(desk, "s2", 7, t54=1)
    await told(desk, 2)


async def test_others_have_their_turn_while_many_orders_are_told_of(venue: SmallVenue) -> None:
    desk, bob = await venue.client("alice", "DESK"), await venue.client("bob", "BOB")
    count = 10 * fix_mass_status.SLICE
    for number in range(count):
        desk.enter(f"d{number}", "buy", "0.01", "1000")
    for _ in range(count):
        assert (await desk.expect("8"))[150] == "0"
    [flow] = [
        each
        for each in venue.gateway.fix.sessions.flows()
        if each.identity.sender_comp_id == b"DESK"
    ]
    ask(desk, "all", 7)
    desk.send("H", {11: "d9", 55: "BTCUSDT", 54: 1})  # its answer waits behind that
    async with asyncio.timeout(5):
        while not flow.is_telling:
            await asyncio.sleep(0)
    bob.enter("b1", "sell", "0.1", "60000")
    assert (await bob.expect("8"))[150] == "0"
    assert flow.is_telling
    bob.enter("b2", "sell", "0.01", "1000")  # it trades with an order that is told of
    assert [(await bob.expect("8"))[150] for _ in range(2)] == ["0", "F"]

    answers = [await desk.expect("8") for _ in range(count + 2)]
    assert [each[11] for each in answers if each[150] != "I"] == ["d0"]
    *status, behind = (each for each in answers if each[150] == "I")
    assert [each[11] for each in status] == [f"d{number}" for number in range(count)]
    assert [each[912] for each in status] == ["N"] * (count - 1) + ["Y"]
    assert (behind[11], 912 in behind) == ("d9", False)


async def test_a_status_request_names_the_symbol_too(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    desk.enter("d1", "buy", "0.1", "1000")
    await desk.expect("8")
    desk.send("H", {11: "d1", 55: "BTCUSDT", 54: 1, 790: "q1"})
    status = await desk.expect("8")
    assert (status[39], status[790], status[11]) == ("0", "q1", "d1")
    desk.send("H", {11: "d1", 55: "ETHUSDT", 54: 1, 790: "q2"})
    status = await desk.expect("8")
    assert (status[39], status[790], status[103]) == ("8", "q2", "5")


async def test_limits_are_told_with_what_is_used_of_them(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    desk.enter("d1", "buy", "0.1", "1000")
    await desk.expect("8")
    desk.send("XLQ", {6136: "l1"})
    response = await desk.expect("XLR")
    assert (response[6136], response[25003]) == ("l1", "3")
    fields = [(tag, value) for tag, value in desk.last_pairs if tag in range(25004, 25009)]
    assert [value for tag, value in fields if tag == 25004] == ["1", "2", "1"]
    assert [value for tag, value in fields if tag == 25006] == ["100000", "1000000", "100000"]
    assert [value for tag, value in fields if tag == 25008] == ["s", "s"]
    assert [value for tag, value in fields if tag == 25005][2] == "1"
