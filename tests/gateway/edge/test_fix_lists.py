"""Lists of orders over FIX: entered (E), asked for (M), canceled (K), told of (N and 8)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.fix_application.reject_reasons import REJECT_REASONS
from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.engine_room import ALICE
from tests.gateway.fix_client import FixClient, Pairs
from vocabulary.rejects import RejectReason

SELL_LIMIT = "55=BTCUSDT|54=2|38=0.5|40=2|18=6|44=51000"
SELL_STOP = "55=BTCUSDT|54=2|38=0.5|40=3|99=49000"
BUY_LIMIT = "55=BTCUSDT|54=1|38=0.5|40=2|44=49000"
OCO = (f"11=stop|{SELL_STOP}", f"11=gain|{SELL_LIMIT}")
OTO = (f"11=buy|{BUY_LIMIT}", f"11=sell|{SELL_LIMIT}")
# As Binance's clients send them, who name the order below first.
OCO_TOLD = (
    f"{OCO[0]}|25010=1|25011=2|25012=1|25013=2",
    f"{OCO[1]}|25010=1|25011=1|25012=0|25013=2",
)
OTO_TOLD = (OTO[0], f"{OTO[1]}|25010=1|25011=3|25012=0|25013=1")
# A working order, and then two of which one cancels the other.
OTOCO = (OTO[0], "11=stop|55=BTCUSDT|54=2|38=0.5|40=3|99=48000", f"11=gain|{SELL_LIMIT}")
OTOCO_TOLD = (
    OTO[0],
    f"{OTOCO[1]}|25010=2|25011=3|25012=0|25013=1|25011=2|25012=2|25013=2",
    f"{OTOCO[2]}|25010=2|25011=3|25012=0|25013=1|25011=1|25012=1|25013=2",
)
OTHER_INSTRUCTIONS = (
    "order 2: ListTriggerType(25011), ListTriggerTriggerIndex(25012) and"
    " ListTriggerAction(25013) are not those of ContingencyType(1385)"
)


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path, redis_url) as venue:
        bob = await venue.client("bob", "BOB")
        for name, side, price in (("b1", "sell", "50000"), ("b2", "buy", "50000")):
            bob.enter(name, side, "0.1", price, t25001=1)  # they trade: there is a last price
        yield venue


def pairs(text: str) -> Pairs:
    fields = (field.split("=", 1) for field in text.split("|") if field)
    return [(int(tag), value) for tag, value in fields]


def enter_list(client: FixClient, name: str, kind: int, *orders: str) -> None:
    client.send("E", pairs(f"25014={name}|1385={kind}|73={len(orders)}|{'|'.join(orders)}"))


def group(client: FixClient, *tags: int) -> list[str]:
    """Return the values of a group's fields in the last message received."""
    start = [tag for tag, _ in client.last_pairs].index(73)
    return [value for tag, value in client.last_pairs[start:] if tag in tags]


async def told(client: FixClient, count: int) -> list[tuple[str, str, str]]:
    """Return ClOrdID(11), ExecType(150) and OrdStatus(39) of the next reports."""
    reports = [await client.expect("8") for _ in range(count)]
    assert all(66 in each for each in reports)
    return [(each[11], each[150], each[39]) for each in reports]


@pytest.mark.parametrize("orders", [OCO, OCO[::-1], OCO_TOLD], ids=["below", "above", "told"])
async def test_one_cancels_the_other(venue: SmallVenue, orders: tuple[str, str]) -> None:
    desk = await venue.client("alice", "DESK")
    enter_list(desk, "pair", 1, *orders)
    assert await told(desk, 2) == [("stop", "0", "0"), ("gain", "0", "0")]
    entered = await desk.expect("N")
    expected = {25014: "pair", 1385: "1", 429: "4", 431: "3", 73: "2"}
    assert entered | expected == entered
    assert group(desk, 11) == ["gain", "stop"]
    assert group(desk, 25011, 25012, 25013) == ["1", "1", "2", "2", "0", "2"]

    bob = await venue.client("bob", "BOB2")
    bob.enter("b3", "buy", "0.2", "51000")
    assert await told(desk, 2) == [("gain", "F", "1"), ("stop", "C", "C")]
    desk.cancel("x1", "gain", t54=2)
    assert await told(desk, 1) == [("x1", "4", "4")]
    done = await desk.expect("N")
    assert (done[66], done[429], done[431]) == (entered[66], "5", "6")


@pytest.mark.parametrize("orders", [OTO, OTO_TOLD], ids=["plain", "told"])
async def test_one_triggers_the_other(venue: SmallVenue, orders: tuple[str, str]) -> None:
    desk = await venue.client("alice", "DESK")
    enter_list(desk, "two", 2, *orders)
    assert await told(desk, 2) == [("sell", "0", "A"), ("buy", "0", "0")]
    entered = await desk.expect("N")
    assert (entered[429], entered[431], entered[1385]) == ("4", "3", "2")
    assert group(desk, 25010, 25011, 25012, 25013) == ["1", "3", "0", "1"]
    bob = await venue.client("bob", "BOB2")
    bob.enter("b3", "sell", "0.5", "49000")
    assert await told(desk, 2) == [("buy", "F", "2"), ("sell", "L", "0")]
    bob.enter("b4", "buy", "0.5", "51000")
    assert await told(desk, 1) == [("sell", "F", "2")]
    assert (await desk.expect("N"))[431] == "6"


@pytest.mark.parametrize(
    "orders", [OTOCO, OTOCO_TOLD, (OTOCO[0], OTOCO[2], OTOCO[1])], ids=["plain", "told", "above"]
)
async def test_one_triggers_two_of_which_one_cancels_the_other(
    venue: SmallVenue, orders: tuple[str, ...]
) -> None:
    desk = await venue.client("alice", "DESK")
    enter_list(desk, "three", 2, *orders)
    pending = [("gain", "0", "A"), ("stop", "0", "A")]
    assert await told(desk, 3) == [*pending, ("buy", "0", "0")]
    entered = await desk.expect("N")
    assert (entered[429], entered[431], entered[1385], entered[73]) == ("4", "3", "2", "3")
    assert group(desk, 11) == ["buy", "gain", "stop"]
    instructions = ["2", "3", "0", "1", "1", "2", "2", "2", "3", "0", "1", "2", "1", "2"]
    assert group(desk, 25010, 25011, 25012, 25013) == instructions

    bob = await venue.client("bob", "BOB2")
    bob.enter("b3", "sell", "0.5", "49000")
    assert await told(desk, 3) == [("buy", "F", "2"), ("stop", "L", "0"), ("gain", "L", "0")]
    bob.enter("b4", "buy", "0.2", "51000")
    assert await told(desk, 2) == [("gain", "F", "1"), ("stop", "C", "C")]
    desk.cancel("x1", "gain", t54=2)
    assert await told(desk, 1) == [("x1", "4", "4")]
    done = await desk.expect("N")
    assert (done[66], done[429], done[431]) == (entered[66], "5", "6")


async def test_a_list_is_asked_for_and_canceled_by_either_name(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    enter_list(desk, "pair", 1, *OCO)
    await told(desk, 2)
    list_id = (await desk.expect("N"))[66]
    for tag, name in ((66, list_id), (25014, "pair")):
        desk.send("M", {tag: name})
        answer = await desk.expect("N")
        assert (answer[66], answer[25014], answer[429], answer[431]) == (list_id, "pair", "2", "3")
    desk.send("K", {25015: "pair", 11: "x1"})
    canceled = [await desk.expect("8") for _ in range(2)]
    assert [(each[11], each.get(41), each[39]) for each in canceled] == [
        ("x1", "gain", "4"),
        ("stop", None, "4"),
    ]
    assert (await desk.expect("N"))[429] == "5"

    desk.send("K", {66: list_id})  # it is done: this is how it stands
    rejected = await desk.expect("9")
    assert (rejected[11], rejected[41], rejected[102], rejected[434]) == ("pair", "gain", "0", "1")
    for request, tag, name in (("K", 66, "99"), ("M", 25014, "nothing"), ("M", 66, "x")):
        desk.send(request, {tag: name})
        unknown = await desk.expect("N")
        assert (unknown[429], unknown[431], unknown[58]) == ("2", "7", "no such list")


async def test_a_list_may_be_canceled_right_behind_its_entry(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    enter_list(desk, "pair", 1, *OCO)
    enter_list(desk, "two", 2, *OTO)
    desk.send("K", {25015: "two", 11: "x2"})
    desk.send("K", {25015: "pair", 11: "x1"})
    desk.send("K", {25015: "three"})
    await told(desk, 2)
    assert (await desk.expect("N"))[25014] == "pair"
    await told(desk, 2)
    assert (await desk.expect("N"))[25014] == "two"
    for name, orders in (("two", ["x2", "buy"]), ("pair", ["x1", "stop"])):
        canceled = await told(desk, 2)
        assert sorted(each[0] for each in canceled) == sorted(orders)
        assert {each[2] for each in canceled} == {"4"}
        done = await desk.expect("N")
        assert (done[25014], done[429]) == (name, "5")
    assert (await desk.expect("N"))[58] == "no such list"


@pytest.mark.parametrize(
    ("kind", "orders", "reason", "text"),
    [
        (1, OTO, "11", REJECT_REASONS[RejectReason.UNSUPPORTED_ORDER][2]),
        (2, (OTO[0],), "11", "NoOrders(73)=1 is not supported: such a list has 2 or 3 orders"),
        (
            1,
            (OCO[0], OCO[1].replace("51000", "51000.001")),
            "99",
            "order 2: price 51000.001 is not a multiple of the tick size 0.01",
        ),
        (1, (OCO[0], OCO[1].replace("BTC", "ETH")), "1", "order 2: symbol 'ETHUSDT' is not listed"),
        (
            1,
            (OCO_TOLD[0], OCO_TOLD[1].replace("25012=0", "25012=1")),
            "11",
            OTHER_INSTRUCTIONS,
        ),
        (
            2,
            (f"{OTO[0]}|25010=1|25011=3|25012=1|25013=2", OTO[1]),
            "11",
            "order 1: NoListTriggeringInstructions(25010)=1 is not supported, 0 is meant",
        ),
    ],
)
async def test_a_list_that_can_not_be_is_refused_whole(
    venue: SmallVenue, kind: int, orders: tuple[str, ...], reason: str, text: str
) -> None:
    desk = await venue.client("alice", "DESK")
    enter_list(desk, "pair", kind, *orders)
    refused = await desk.expect("N")
    expected = {25014: "pair", 1385: str(kind), 429: "2", 431: "7", 1386: "99", 103: reason}
    assert refused | expected | {58: text} == refused
    assert venue.gateway.orders.open_orders(ALICE) == []


@pytest.mark.parametrize(
    ("text", "tag", "reason"),
    [
        ("25014=l|73=1|11=a|55=BTCUSDT|54=1|38=1|40=1", "1385", "1"),
        ("25014=l|1385=3|73=1|11=a|55=BTCUSDT|54=1|38=1|40=1", "1385", "5"),
        ("25014=l|1385=1|73=2|11=a|55=BTCUSDT|54=1|38=1|40=1", "73", "16"),
        ("25014=l|1385=1|73=1|55=BTCUSDT|11=a|54=1|38=1|40=1", "55", "15"),
        ("25014=l|1385=1|73=1|11=a|55=BTCUSDT|54=1|40=1|152=10", "38", "1"),
        ("25014=l|1385=1|73=1|11=a|55=BTCUSDT|54=1|38=1|40=1|25010=1|25012=0", "25012", "15"),
    ],
)
async def test_a_malformed_list_is_rejected_by_its_tag(
    venue: SmallVenue, text: str, tag: str, reason: str
) -> None:
    desk = await venue.client("alice", "DESK")
    desk.send("E", pairs(text))
    reject = await desk.expect("3")
    assert (reject[371], reject[373], reject[372]) == (tag, reason, "E")


async def test_the_same_list_again_is_told_of_and_not_entered_twice(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    enter_list(desk, "pair", 1, *OCO)
    await told(desk, 2)
    list_id = (await desk.expect("N"))[66]
    enter_list(desk, "pair", 1, *OCO)
    assert await told(desk, 2) == [("gain", "I", "0"), ("stop", "I", "0")]
    assert (await desk.expect("N"))[66] == list_id
    enter_list(desk, "pair", 1, OCO[0], OCO[1].replace("51000", "52000"))
    assert (await desk.expect("N"))[103] == "6"


async def test_what_became_of_a_list_meanwhile_is_told_at_the_next_logon(venue: SmallVenue) -> None:
    desk = await venue.client("alice", "DESK")
    enter_list(desk, "pair", 1, *OCO)
    await told(desk, 2)
    await desk.expect("N")
    desk.send("5", {})
    await desk.expect("5")
    other = await venue.client("alice", "OTHER")
    other.send("q", {11: "all", 530: "7"})
    assert [(await other.receive())[35] for _ in range(3)] == ["8", "8", "r"]
    await venue.restart_gateway()
    again = await FixClient.connect(venue.gateway.fix.order_entry.port, "DESK")
    again.next_number = 4
    assert (await again.log_on("alice", "secret-of-alice"))[35] == "A"
    again.send("2", {7: 1, 16: 0})
    messages: list[tuple[str, str]] = []
    async with asyncio.timeout(5):
        while not messages or messages[-1][1] != "5":
            message = await again.receive()
            if message[35] in "8N":
                messages.append((message[35], message.get(429, message.get(39, ""))))
    expected = [("8", "0"), ("8", "0"), ("N", "4"), ("8", "4"), ("8", "4"), ("N", "5")]
    assert messages == expected
    await again.close()


async def test_drop_copies_are_told_of_lists_too(venue: SmallVenue) -> None:
    copy = await FixClient.connect(venue.gateway.fix.drop_copy.port, "COPY")
    await copy.log_on("alice", "secret-of-alice")
    desk = await venue.client("alice", "DESK")
    enter_list(desk, "pair", 1, *OCO)
    await told(desk, 2)
    desk.send("K", {25015: "pair"})
    kinds = []
    for _ in range(6):
        message = await copy.receive()
        assert message[797] == "Y"
        kinds.append((message[35], message.get(150, message.get(429, ""))))
    assert kinds == [("8", "0"), ("8", "0"), ("N", "4"), ("8", "4"), ("8", "4"), ("N", "5")]
    await copy.close()
