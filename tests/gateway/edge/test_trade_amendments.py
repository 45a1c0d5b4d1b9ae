"""Busts and corrections reach both sides at every door, also those who were away, once."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.edge.desk_link import DeskLink
from tests.gateway.edge.json_venue import JsonVenue, until
from tests.gateway.fix_client import FixClient

STATE = (150, 39, 14, 151, 6)


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[JsonVenue]:
    venue = JsonVenue(tmp_path, redis_url)
    await venue.start()
    yield venue
    await venue.stop()


async def copies_of(venue: JsonVenue) -> FixClient:
    client = await FixClient.connect(venue.gateway.fix.drop_copy.port, "OFFICE")
    assert (await client.log_on("reader", "secret-of-reader"))[35] == "A"
    venue._clients.append(client)
    return client


async def test_both_sides_and_the_drop_copy_are_told(venue: JsonVenue) -> None:
    alice, bob, copies = (
        await venue.client("alice"),
        await venue.client("bob"),
        await copies_of(venue),
    )
    alice.enter("a1", "buy", "0.5", "50000")
    await alice.expect("8")
    bob.enter("b1", "sell", "0.2", "50000")
    made = [await alice.expect("8"), [await bob.expect("8") for _ in range(2)][1]]
    async with DeskLink(venue.matching_address) as desk:
        await desk.correct(1, 49_000_00, 10_000)
        corrected = [await client.expect("8") for client in (alice, bob)]
        assert [[fields[tag] for tag in STATE] for fields in corrected] == [
            ["G", "1", "0.10000", "0.30000", "49000"],
            ["G", "4", "0.10000", "0.00000", "49000"],
        ]
        await desk.bust(1)
        busted = [await client.expect("8") for client in (alice, bob)]
    assert [[fields[tag] for tag in STATE] for fields in busted] == [
        ["H", "0", "0.00000", "0.30000", "0"],
        ["H", "4", "0.00000", "0.00000", "0"],
    ]
    for told in (corrected, busted):
        assert [fields[19] for fields in told] == [fields[17] for fields in made]
    copied = [await copies.expect("8") for _ in range(4)]
    assert [fields[150] for fields in copied] == ["0", "F", "G", "H"]
    assert [fields[17] for fields in copied[2:]] == [corrected[0][17], busted[0][17]]

    status, trades = await venue.signed("GET", "myTrades", symbol="BTCUSDT")
    assert (status, [each["amendment"] for each in trades]) == (200, ["BUSTED"])


async def test_who_was_away_is_told_at_the_next_logon_in_order_and_once(venue: JsonVenue) -> None:
    alice, bob = await venue.client("alice"), await venue.client("bob")
    alice.enter("a1", "buy", "0.5", "50000")
    await alice.expect("8")
    for name in ("b1", "b2"):
        bob.enter(name, "sell", "0.2", "50000")
        made = await alice.expect("8")
    await alice.log_out()
    async with DeskLink(venue.matching_address) as desk:
        await desk.bust(1)
        bob.enter("b3", "sell", "0.1", "50000")
        while (await bob.expect("8"))[11] != "b3":
            pass
        await desk.correct(2, 49_000_00, 20_000)
    await venue.restart_gateway()

    back = await FixClient.connect(venue.gateway.fix.order_entry.port, "TRADER")
    back.next_number = alice.next_number
    await back.log_on("alice", "secret-of-alice")
    venue._clients.append(back)
    back.send("2", {7: int(made[34]) + 1, 16: 0})
    missed: list[dict[int, str]] = []
    while len(missed) < 3:
        message = await back.receive()
        if message[35] == "8":
            missed.append(message)
    assert [(fields[150], fields[527], fields[14]) for fields in missed] == [
        ("H", "1", "0.20000"),
        ("F", "3", "0.30000"),
        ("G", "2", "0.30000"),
    ]
    assert missed[2][19] == made[17]
    back.enter("a2", "buy", "0.1", "40000")
    while (message := await back.receive())[35] != "8":
        assert message[35] == "4", message
    assert message[11] == "a2"


async def test_the_user_data_stream_tells_trade_and_balances(venue: JsonVenue) -> None:
    async with venue.api() as stream:
        await stream.signed("userDataStream.subscribe.signature")
        await venue.place(quantity="0.1", price="100")
        await venue.place("bob", side="SELL", quantity="0.1", price="100")
        while (event := (await stream.receive())["event"]).get("x") != "TRADE":
            pass
        async with DeskLink(venue.matching_address) as desk:
            await desk.bust(1)
        while (told := (await stream.receive())["event"]).get("x") != "TRADE_CANCEL":
            pass
        assert (told["Ir"], told["X"], told["z"]) == (event["I"], "CANCELED", "0.00000")
        funds = (await stream.receive())["event"]
        assert funds["e"] == "outboundAccountPosition"
        assert {each["a"]: float(each["f"]) for each in funds["B"]} == {"BTC": 10, "USDT": 1e6}


async def test_the_public_is_told(venue: JsonVenue) -> None:
    watcher = await FixClient.connect(venue.gateway.fix.market_data.port, "WATCHER")
    assert (await watcher.log_on("reader", "secret-of-reader", is_reset=True))[35] == "A"
    venue._clients.append(watcher)
    for _ in range(3):
        await venue.place(quantity="0.2", price="100")
        await venue.place("bob", side="SELL", quantity="0.2", price="100")
    await until(lambda: len(venue.gateway.feed.tapes["BTCUSDT"].prints) == 3)
    query: dict[int, object] = {262: "m1", 263: 1, 264: 0, 265: 1, 267: 1, 269: "2", 146: 1}
    watcher.send("V", query | {55: "BTCUSDT"})
    assert (await watcher.expect("W"))[268] == "3"
    async with venue.api("/ws") as stream:
        await stream.subscribe("btcusdt@tradeAmendment")
        async with DeskLink(venue.matching_address) as desk:
            await desk.bust(1)
            busted = await stream.receive()
            await desk.correct(2, 90_00, 10_000)
            corrected = await stream.receive()
    told = [{key: event[key] for key in "etxpq"} for event in (busted, corrected)]
    assert told == [
        {"e": "tradeAmendment", "t": 1, "x": "BUSTED", "p": "100.00", "q": "0.00000"},
        {"e": "tradeAmendment", "t": 2, "x": "CORRECTED", "p": "90.00", "q": "0.10000"},
    ]
    tags = (279, 269, 55, 270, 271, 1003)
    changes = [await watcher.expect("X") for _ in range(2)]
    assert [[change.get(tag) for tag in tags] for change in changes] == [
        ["2", "2", "BTCUSDT", "100.00", None, "1"],
        ["1", "2", "BTCUSDT", "90.00", "0.10000", "2"],
    ]
    watcher.send("V", query | {262: "m2", 263: 0, 55: "BTCUSDT"})
    assert (await watcher.expect("W"))[268] == "2"
    trades = await venue.get("trades", symbol="BTCUSDT")
    assert [(each.get("amendment"), each["price"]) for each in trades] == [
        ("BUSTED", "100.00"),
        ("CORRECTED", "90.00"),
        (None, "100.00"),
    ]
    aggregates = await venue.get("aggTrades", symbol="BTCUSDT")
    assert [each.get("amendment") for each in aggregates] == ["BUSTED", "CORRECTED", None]
    candle: list[Any] = [0] * 9
    while candle[8] < 3:
        [candle] = await venue.get("klines", symbol="BTCUSDT", interval="1d")
    assert (candle[3], candle[5]) == ("100.00", "0.60000")  # as they were made
