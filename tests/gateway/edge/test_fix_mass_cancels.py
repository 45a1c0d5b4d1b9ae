"""OrderMassCancelRequest(q): whose orders end, and what each session is told of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.engine_room import ALICE
from tests.gateway.fix_client import FixClient


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path, redis_url) as venue:
        yield venue


async def enter(client: FixClient, name: str, side: str = "buy") -> None:
    client.enter(name, side, "0.1", "50000" if side == "buy" else "60000")
    assert (await client.expect("8"))[150] == "0"


def mass_cancel(client: FixClient, name: str, kind: int, **more: object) -> None:
    fields: dict[int, object] = {11: name, 530: kind}
    fields |= {int(tag[1:]): value for tag, value in more.items()}
    client.send("q", fields | {60: "20260105-09:00:00"})


async def outcome(client: FixClient, *names: str) -> dict[int, str]:
    """Return the r behind the reports of the orders canceled."""
    canceled = [await client.expect("8") for _ in names]
    report = await client.expect("r")
    told = [(each[41], each[11], each[150], each[39]) for each in canceled]
    assert told == [(name, report[11], "4", "4") for name in names]
    return report


def open_orders(venue: SmallVenue) -> set[str]:
    return {order.client_order_id.decode() for order in venue.gateway.orders.open_orders(ALICE)}


async def test_each_scope_ends_its_orders_and_no_others(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    other = await venue.client("alice", "OTHER")
    for name, side in (("d1", "buy"), ("d2", "sell"), ("d3", "buy")):
        await enter(desk, name, side)
    for name, side in (("o1", "buy"), ("o2", "sell"), ("o3", "sell")):
        await enter(other, name, side)

    mass_cancel(desk, "m1", 6, t55="BTCUSDT", t54=2)  # this session's sells
    report = await outcome(desk, "d2")
    expected = {530: "6", 531: "6", 533: "1", 55: "BTCUSDT", 54: "2", 11: "m1"}
    assert report | expected == report
    assert open_orders(venue) == {"d1", "d3", "o1", "o2", "o3"}

    mass_cancel(desk, "m2", 6)
    report = await outcome(desk, "d1", "d3")
    assert (report[530], report[531], report[533], 55 in report) == ("6", "6", "2", False)

    mass_cancel(desk, "m3", 1, t55="BTCUSDT", t54=2)  # the account's sells: another session's
    report = await outcome(desk, "o2", "o3")
    assert (report[530], report[531], report[533]) == ("1", "1", "2")
    for name in ("o2", "o3"):
        told = await other.expect("8")
        assert (told[11], told[150], 41 in told) == (name, "4", False)

    mass_cancel(other, "m4", 7)
    report = await outcome(other, "o1")
    assert (report[530], report[531], report[533]) == ("7", "7", "1")
    mass_cancel(other, "m5", 7)
    report = await outcome(other)
    assert (report[531], report[533]) == ("7", "0")
    assert open_orders(venue) == set()


async def test_orders_sent_just_before_are_canceled_too(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    names = [f"d{number}" for number in range(20)]
    for name in names:
        desk.enter(name, "buy", "0.01", "50000")
    mass_cancel(desk, "m1", 6)
    for _ in names:
        assert (await desk.expect("8"))[150] == "0"
    assert (await outcome(desk, *names))[533] == "20"


@pytest.mark.parametrize(
    ("kind", "more", "reason", "text"),
    [
        (1, {}, "0", "MassCancelRequestType(530)=1 needs Symbol(55)"),
        (
            7,
            {"t55": "BTCUSDT"},
            "0",
            "MassCancelRequestType(530)=7 is for all, and Symbol(55) for one",
        ),
        (3, {}, "0", "MassCancelRequestType(530)=3 is not supported"),
        (7, {"t54": "5"}, "0", "Side(54)=5 is not supported"),
        (1, {"t55": "NOPE"}, "1", "symbol 'NOPE' is not listed"),
    ],
)
async def test_what_is_not_said_exactly_is_refused(
    venue: SmallVenue, kind: int, more: dict[str, object], reason: str, text: str
) -> None:
    desk = await venue.client("alice", "DESK")
    await enter(desk, "d1")
    mass_cancel(desk, "m1", kind, **more)
    report = await outcome(desk)
    assert (report[531], report[532], report[58]) == ("0", reason, text)
    assert (report[37], report[11], report[530]) == ("NONE", "m1", str(kind))
    assert open_orders(venue) == {"d1"}


async def test_a_field_that_could_mean_another_scope_is_rejected(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    mass_cancel(desk, "m1", 6, t336="DAY")
    reject = await desk.expect("3")
    assert (reject[371], reject[373]) == ("336", "2")
    mass_cancel(desk, "m1", 9)
    reject = await desk.expect("3")
    assert (reject[371], reject[373]) == ("530", "5")


async def test_its_outcome_is_sent_once_also_over_a_restart(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    await enter(desk, "d1")
    mass_cancel(desk, "m1", 7)
    await outcome(desk, "d1")
    await venue.restart_gateway()
    again = await FixClient.connect(venue.gateway.fix.order_entry.port, "DESK")
    again.next_number = 4
    assert (await again.log_on("alice", "secret-of-alice"))[35] == "A"
    again.enter("d2", "buy", "0.1", "50000")
    again.send("2", {7: 2, 16: 0})
    told: list[tuple[str, str | None, str]] = []
    while "d2" not in {name for _, _, name in told}:
        message = await again.receive()
        if message[35] in "8r":
            told.append((message[35], message.get(150), message[11]))
    expected = [("8", "0", "d1"), ("8", "4", "m1"), ("r", None, "m1"), ("8", "0", "d2")]
    assert told == expected
    await again.close()
