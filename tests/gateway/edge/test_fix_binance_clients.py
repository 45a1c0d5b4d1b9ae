"""What clients written for Binance's FIX API send, with its fields and no others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.fix_client import FixClient, Pairs

LIMIT = "38=0.5|40=2|44=40000|54=1|55=BTCUSDT|59=1"
STOP = "38=0.5|40=4|44=45000|54=2|55=BTCUSDT|59=1|1100=4|1101=1|1102=46000|1107=2|1109=D"
TRAILING = "38=0.5|40=3|54=2|55=BTCUSDT|1100=4|1101=1|1107=2|25009=100"


@pytest.fixture
async def desk(tmp_path: Path, redis_url: str) -> AsyncIterator[FixClient]:
    async with small_venue(tmp_path, redis_url) as venue:
        await trade_once(venue)
        yield await venue.client("alice", "DESK")


async def trade_once(venue: SmallVenue) -> None:
    bob = await venue.client("bob", "BOB")
    for name, side in (("b1", "sell"), ("b2", "buy")):
        bob.enter(name, side, "0.1", "50000", t25001=1)
        await bob.expect("8")


def pairs(text: str) -> Pairs:
    fields = (field.split("=", 1) for field in text.split("|"))
    return [(int(tag), value) for tag, value in fields]


@pytest.mark.parametrize("order", [LIMIT, STOP, TRAILING])
async def test_an_order_is_taken_and_canceled_by_either_id(desk: FixClient, order: str) -> None:
    for name in ("11=x1|41=a1", "11=x2|37="):
        desk.send("D", pairs(f"11=a{name[4]}|{order}"))
        new = await desk.expect("8")
        assert (new[150], new[39]) == ("0", "0")
        desk.send("F", pairs(f"{name}{new[37] if name.endswith('=') else ''}|55=BTCUSDT"))
        canceled = await desk.expect("8")
        assert (canceled[37], canceled[150], canceled[41]) == (new[37], "4", new[11])


async def test_a_stop_s_trigger_price_is_its_stop_price(desk: FixClient) -> None:
    desk.send("D", pairs(f"11=a1|{STOP}"))
    new = await desk.expect("8")
    assert (new[99], new[1109], new[636]) == ("46000.00", "D", "N")
    desk.send("D", pairs(f"11=a2|{STOP}|99=46000"))
    refused = await desk.expect("8")
    assert (refused[150], refused[58]) == ("8", "StopPx(99) or TriggerPrice(1102), not both")
    desk.send("D", pairs(f"11=a3|{STOP.replace('1107=2', '1107=1')}"))
    reject = await desk.expect("3")
    assert (reject[371], reject[373]) == ("1107", "5")


async def test_a_cancel_of_nothing_is_answered_without_the_name_it_lacks(desk: FixClient) -> None:
    for named in ("37=999|", ""):
        desk.send("F", pairs(f"11=x1|{named}55=BTCUSDT"))
        answer = await desk.expect("9")
        assert (answer[37], answer[102], 41 in answer) == ("NONE", "1", False)


async def test_a_list_with_a_stop_is_taken(desk: FixClient) -> None:
    below = f"11=below|{STOP}|25010=1|25011=2|25012=1|25013=2"
    gain = "38=0.5|40=2|18=6|44=60000|54=2|55=BTCUSDT"
    above = f"11=above|{gain}|25010=1|25011=1|25012=0|25013=2"
    desk.send("E", pairs(f"25014=l1|1385=1|73=2|{below}|{above}"))
    assert [(await desk.expect("8"))[150] for _ in range(2)] == ["0", "0"]
    assert (await desk.expect("N"))[431] == "3"
    desk.send("q", pairs("11=m1|55=BTCUSDT|530=1"))
    assert [(await desk.expect("8"))[150] for _ in range(2)] == ["4", "4"]
    assert (await desk.expect("N"))[431] == "6"
    assert (await desk.expect("r"))[533] == "2"
