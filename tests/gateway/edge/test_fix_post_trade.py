"""Trades and balances over FIX, at order entry and drop copy: asked for once, or subscribed to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.edge.desk_link import DeskLink
from tests.gateway.edge.json_venue import JsonVenue
from tests.gateway.fix_client import Fields, FixClient

Message = dict[int, str]


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


async def trade(venue: JsonVenue, count: int, price: str = "50000") -> list[Message]:
    """Let Alice buy 0.1 so often; return her reports of it."""
    alice, bob = await venue.client("alice", "DESK"), await venue.client("bob", "OTHER")
    told = []
    for number in range(count):
        alice.enter(f"a{number}", "buy", "0.1", price)
        await alice.expect("8")
        bob.enter(f"b{number}", "sell", "0.1", price)
        told.append(await alice.expect("8"))
    await alice.log_out()
    return told


async def ask(client: FixClient, **more: object) -> tuple[Message, list[Message]]:
    """Ask for trades; return the answer and the reports that it announces."""
    fields: Fields = {568: "r1", 569: 1} | {int(tag[1:]): value for tag, value in more.items()}
    client.send("AD", fields)
    answer = await client.expect("AQ")
    return answer, [await client.expect("AE") for _ in range(int(answer.get(748, 0)))]


async def ids(client: FixClient, **more: object) -> list[str]:
    _, found = await ask(client, **more)
    return [each[527] for each in found]


async def test_trades_are_found_by_each_criterion(venue: JsonVenue) -> None:
    told = await trade(venue, 3)
    for client in (await venue.client("alice"), await copies_of(venue)):
        answer, found = await ask(client)
        assert [answer[tag] for tag in (568, 748, 749, 750, 55)] == ["r1", "3", "0", "0", "[N/A]"]
        assert [each[17] for each in found] == [each[17] for each in told]
        assert [each[912] for each in found] == ["N", "N", "Y"]
        same = (55, 31, 32, 54, 37, 11, 60, 137, 138)
        assert [[each[tag] for tag in same] for each in found] == [
            [each[tag] for tag in same] for each in told
        ]
        assert [each[1057] for each in found] == ["N", "N", "N"]
        second = told[1]
        assert await ids(client, t17=second[17]) == ["2"]
        assert await ids(client, t571=found[1][571]) == ["2"]
        assert await ids(client, t37=second[37]) == ["2"]
        assert await ids(client, t11="a1") == ["2"]
        assert await ids(client, t55="BTCUSDT", t580=1, t75=second[60][:8]) == ["1", "2", "3"]
        assert await ids(client, t580=1, t75="20200101") == []


async def test_a_time_range_has_both_ends(venue: JsonVenue) -> None:
    told = await trade(venue, 3)
    client = await venue.client("alice")
    first, last = told[0][60], told[1][60]
    dates: list[tuple[int, object]] = [(75, first[:8]), (60, first), (75, last[:8]), (60, last)]
    client.send("AD", [(568, "r1"), (569, 1), (580, 2), *dates])
    found = [await client.expect("AE") for _ in range(int((await client.expect("AQ"))[748]))]
    times = [each[60] for each in told]
    assert [each[60] for each in found] == [each for each in times if first <= each <= last]


async def test_amended_trades_say_so(venue: JsonVenue) -> None:
    await trade(venue, 3)
    async with DeskLink(venue.matching_address) as desk:
        await desk.bust(1)
        await desk.correct(2, 49_000_00, 5_000)
    client = await venue.client("alice")
    _, found = await ask(client)
    assert [(each[487], each[856], each[150]) for each in found] == [
        ("1", "6", "H"),
        ("2", "5", "G"),
        ("0", "0", "F"),
    ]
    assert [each.get(572) for each in found] == ["1-1-1", "1-2-1", None]
    assert [each[571] for each in found] == ["1-1-1-1", "1-2-1-1", "1-3-1"]
    assert (found[1][31], found[1][32]) == ("49000.00", "0.05000")


async def test_a_subscription_tells_trades_and_amendments(venue: JsonVenue) -> None:
    copies = await copies_of(venue)
    answer, found = await ask(copies, t263=1, t55="BTCUSDT")
    assert (answer[750], answer[748], found) == ("1", "0", [])
    told = await trade(venue, 1)
    while (update := await copies.receive())[35] != "AE":
        assert update[35] == "8"
    assert (update[17], update[325], update[568]) == (told[0][17], "Y", "r1")
    async with DeskLink(venue.matching_address) as desk:
        await desk.bust(1)
    while (update := await copies.receive())[35] != "AE":
        assert update[35] == "8"
    assert (update[150], update[487], update[572], update[60]) == ("H", "1", "1-1-1", told[0][60])
    again, _ = await ask(copies, t263=1)
    assert (again[749], again[750], again[58]) == ("99", "2", "TradeRequestID(568) is in use")
    ended, _ = await ask(copies, t263=2)
    assert (ended[749], ended[750]) == ("0", "1")
    gone, _ = await ask(copies, t263=2)
    assert (gone[749], gone[750]) == ("99", "2")


REFUSALS: list[tuple[dict[str, object], str, str]] = [
    ({"t55": "NOPE"}, "1", "Symbol(55)=NOPE is not listed"),
    ({"t569": 3}, "8", "TradeRequestType(569)=3 is not supported"),
    ({"t37": "x1"}, "99", "OrderID(37)=x1 is none of ours"),
    ({"t37": "99999999999999999999"}, "99", "OrderID(37)=99999999999999999999 is none of ours"),
    ({"t17": "74-0"}, "99", "ExecID(17)=74-0 is none of a trade's"),
    ({"t17": "1-7-1-1"}, "99", "ExecID(17)=1-7-1-1 is none of a trade's"),
    ({"t571": "1-1-3"}, "99", "TradeReportID(571)=1-1-3 is none of a trade's"),
    ({"t580": 3, "t75": ["20260101"] * 3}, "99", "NoDates(580)=3 is not supported, at most 2"),
    (
        {"t580": 2, "t75": ["20260102", "20260101"]},
        "99",
        "NoDates(580): the second is before the first",
    ),
]


async def test_what_is_wrong_is_named(venue: JsonVenue) -> None:
    client = await venue.client("alice")
    for more, result, text in REFUSALS:
        answer, found = await ask(client, **more)
        assert [answer[tag] for tag in (749, 750, 58)] == [result, "2", text]
        assert found == []
    client.send("AD", {569: 1})
    rejected = await client.expect("3")
    assert (rejected[371], rejected[373]) == ("568", "1")
    answers = [(await ask(client))[0].get(58) for _ in range(30)]
    assert "too many requests, ask later" in answers


async def positions(client: FixClient, **more: object) -> tuple[Message, dict[str, list[str]]]:
    fields: Fields = {710: "p1", 724: 0} | {int(tag[1:]): value for tag, value in more.items()}
    client.send("AN", fields)
    answer = await client.expect("AO")
    found: dict[str, list[str]] = {}
    for _ in range(int(answer.get(727, 0))):
        report = await client.expect("AP")
        assert report[721] == f"{answer[721]}-{report[15]}"
        found[report[15]] = quantities(client)
    return answer, found


def quantities(client: FixClient) -> list[str]:
    """Return total, available and held of the last report."""
    kinds = [value for tag, value in client.last_pairs if tag == 703]
    assert kinds == ["TOT", "AVL", "HLD"]
    return [value for tag, value in client.last_pairs if tag == 704]


async def test_balances_are_those_of_the_rest_account(venue: JsonVenue) -> None:
    await trade(venue, 1)
    await venue.place(quantity="0.2", price="100")
    client, copies = await venue.client("alice"), await copies_of(venue)
    answer, found = await positions(client)
    assert [answer[tag] for tag in (710, 727, 728, 729, 1)] == ["p1", "2", "0", "0", "1"]
    assert (await positions(copies))[1] == found
    status, account = await venue.signed("GET", "account")
    assert status == 200
    rest = {each["asset"]: (each["free"], each["locked"]) for each in account["balances"]}
    assert {name: (free, held) for name, (_, free, held) in found.items()} == rest
    assert found["USDT"] == ["995000.00000000", "994980.00000000", "20.00000000"]
    _, one = await positions(client, t15="BTC")
    assert one == {"BTC": found["BTC"]}


async def test_a_subscription_tells_what_changes(venue: JsonVenue) -> None:
    client = await venue.client("alice")
    await positions(client, t263=1)
    await venue.place(quantity="0.2", price="100")
    update = await client.expect("AP")
    assert (update[15], update[325], update[710]) == ("USDT", "Y", "p1")
    assert quantities(client) == ["1000000.00000000", "999980.00000000", "20.00000000"]
    await venue.signed("DELETE", "openOrders", symbol="BTCUSDT")
    await client.expect("AP")
    assert quantities(client) == ["1000000.00000000", "1000000.00000000", "0.00000000"]
    answer, _ = await positions(client, t263=2)
    assert (answer[728], answer[729]) == ("0", "0")


async def test_wrong_requests_for_positions_are_refused(venue: JsonVenue) -> None:
    client = await venue.client("alice")
    for more, result, text in (
        ({"t724": 1}, "4", "PosReqType(724)=1 is not supported"),
        ({"t1": 2}, "3", "Account(1)=2 is not yours"),
        ({"t15": "DOGE"}, "1", "Currency(15)=DOGE is not an asset"),
        ({"t263": 2}, "99", "PosReqID(710) is none of a subscription"),
    ):
        answer, _ = await positions(client, **more)
        assert [answer[tag] for tag in (728, 729, 58)] == [result, "2", text]
