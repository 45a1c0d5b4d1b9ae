"""Market data over FIX, held against what REST tells of the same venue."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.edge.json_venue import JsonVenue, until
from tests.gateway.fix_client import FixClient

BID, OFFER, TRADE = "0", "1", "2"
SNAPSHOT, SUBSCRIBE, UNSUBSCRIBE = 0, 1, 2


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[JsonVenue]:
    venue = JsonVenue(tmp_path, redis_url)
    await venue.start()
    yield venue
    await venue.stop()


class Watcher:
    """A session on the market-data port, and the book and trades that it has been told."""

    def __init__(self, client: FixClient) -> None:
        self.client = client
        self.book: dict[str, dict[str, str]] = {BID: {}, OFFER: {}}
        self.trades: list[tuple[str, str, str, str]] = []
        self.change_count = -1
        self.update_id = ""

    @classmethod
    async def log_on(cls, venue: JsonVenue, comp_id: str = "WATCHER") -> "Watcher":
        client = await FixClient.connect(venue.gateway.fix.market_data.port, comp_id)
        answer = await client.log_on("reader", "secret-of-reader", is_reset=True)
        assert (answer[35], answer[141]) == ("A", "Y")
        venue._clients.append(client)
        return cls(client)

    def ask(self, request_id: str, kind: int, *types: str, depth: int = 0, **more: object) -> None:
        fields: dict[int, object] = {262: request_id, 263: kind, 264: depth}
        symbol = more.pop("symbol", "BTCUSDT")
        fields |= {int(tag[1:]): value for tag, value in more.items()}
        fields |= {267: len(types), 269: list(types), 146: 1, 55: symbol}
        self.client.send("V", fields)

    async def take(self) -> str:
        """Take one message in and return its type."""
        message = await self.client.receive()
        kind = message[35]
        if kind == "W":
            self.book = {BID: {}, OFFER: {}}
            self.change_count = int(message[83])
        if kind in "WX":
            self.update_id = message[25044]
            entries = self._entries(279 if kind == "X" else 269)
            assert len(entries) == int(message[268])
            for entry in entries:
                self._apply(entry)
        return kind

    def _entries(self, first: int) -> list[dict[int, str]]:
        entries: list[dict[int, str]] = []
        pairs = [(tag, value) for tag, value in self.client.last_pairs if tag != 10]
        start = next(at for at, (tag, _) in enumerate(pairs) if tag == 268) + 1
        for tag, value in pairs[start:]:
            if tag == first:
                entries.append({})
            entries[-1][tag] = value
        return entries

    def _apply(self, entry: dict[int, str]) -> None:
        if entry[269] == TRADE:
            self.trades.append((entry[1003], entry[270], entry[271], entry[2446]))
            return
        side, price, action = self.book[entry[269]], entry[270], entry.get(279, "0")
        if 83 in entry:
            assert int(entry[83]) in {self.change_count, self.change_count + 1}
            self.change_count = int(entry[83])
        if action == "2":
            del side[price]
        else:
            assert (price in side) == (action == "1")
            side[price] = entry[271]

    async def until_quiet(self) -> list[str]:
        kinds = []
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0.3):
                    kinds.append(await self.take())
        return kinds


async def book_of(venue: JsonVenue, limit: int = 5000) -> dict[str, dict[str, str]]:
    depth = await venue.get("depth", symbol="BTCUSDT", limit=limit)
    return {BID: dict(depth["bids"]), OFFER: dict(depth["asks"])}


async def some_orders(venue: JsonVenue, count: int, seed: int) -> None:
    """Enter orders around 50,000, some of which trade, and cancel some."""
    chance = random.Random(seed)
    trader = await venue.client("alice", f"T{seed}")
    other = await venue.client("bob", f"O{seed}")
    for number in range(count):
        client = chance.choice((trader, other))
        side, price = chance.choice(("buy", "sell")), 50_000 + chance.randint(-8, 8)
        client.enter(f"{seed}-{number}", side, f"0.0{chance.randint(1, 9)}", str(price))
        if number % 7 == 6:
            client.cancel(f"x{seed}-{number}", f"{seed}-{number - chance.randint(0, 6)}")
    client = trader
    client.send("H", {11: "none", 55: "BTCUSDT", 54: 1})
    while (await client.receive()).get(150) != "I":
        pass
    other.send("H", {11: "none", 55: "BTCUSDT", 54: 1})
    while (await other.receive()).get(150) != "I":
        pass


async def test_books_at_any_depth_and_trades_are_those_of_the_venue(venue: JsonVenue) -> None:
    await some_orders(venue, 40, seed=1)
    await asyncio.sleep(0.3)
    whole, top, both = [await Watcher.log_on(venue, f"W{number}") for number in range(3)]
    whole.ask("whole", SUBSCRIBE, BID, OFFER, t265=1)
    top.ask("top", SUBSCRIBE, BID, OFFER, depth=3, t265=1)
    both.ask("both", SUBSCRIBE, OFFER, TRADE, depth=1, t265=1)
    for watcher in (whole, top, both):
        assert await watcher.take() == "W"
    assert whole.book == await book_of(venue)
    before = len(both.trades)

    await some_orders(venue, 150, seed=2)
    for watcher in (whole, top, both):
        assert set(await watcher.until_quiet()) == {"X"}
    depth = await venue.get("depth", symbol="BTCUSDT", limit=5000)
    assert whole.book == await book_of(venue)
    assert whole.update_id == str(depth["lastUpdateId"])
    top3 = {side: dict(list(levels.items())[:3]) for side, levels in (await book_of(venue)).items()}
    assert top.book == top3
    assert both.book == {BID: {}, OFFER: dict(list(whole_offers(top3))[:1])}
    printed = await venue.get("trades", symbol="BTCUSDT", limit=1000)
    assert len(both.trades) > before
    assert (
        both.trades
        == [
            (str(each["id"]), each["price"], each["qty"], "2" if each["isBuyerMaker"] else "1")
            for each in printed
        ][-len(both.trades) :]
    )


def whole_offers(book: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    return list(book[OFFER].items())


async def test_a_snapshot_is_one_message_and_an_unsubscribed_book_is_silent(
    venue: JsonVenue,
) -> None:
    await some_orders(venue, 20, seed=1)
    await asyncio.sleep(0.3)
    watcher = await Watcher.log_on(venue)
    watcher.ask("once", SNAPSHOT, BID, OFFER)
    assert await watcher.take() == "W"
    assert watcher.book == await book_of(venue)
    watcher.ask("on", SUBSCRIBE, BID, t265=1)
    assert await watcher.take() == "W"
    watcher.ask("on", UNSUBSCRIBE, BID)
    await some_orders(venue, 20, seed=2)
    assert await watcher.until_quiet() == []
    watcher.ask("on", SUBSCRIBE, BID, t265=1)  # the name is free again
    assert await watcher.take() == "W"


async def test_full_refreshes_come_whole(venue: JsonVenue) -> None:
    watcher = await Watcher.log_on(venue)
    watcher.ask("full", SUBSCRIBE, BID, OFFER, depth=2, t265=0)
    assert await watcher.take() == "W"
    await some_orders(venue, 60, seed=1)
    assert set(await watcher.until_quiet()) == {"W"}
    assert watcher.book == {
        side: dict(list(levels.items())[:2]) for side, levels in (await book_of(venue)).items()
    }


@pytest.mark.parametrize(
    ("fields", "reason", "text"),
    [
        ({"symbol": "NOSUCH", "t265": 1}, "0", "Symbol(55) NOSUCH is not listed"),
        ({"depth": 5_001, "t265": 1}, "5", "MarketDepth(264) must be 0 to 5000, received 5001"),
        ({}, "6", "a subscription needs MDUpdateType(265)"),
        ({"t265": 1, "t266": "N"}, "7", "AggregatedBook(266) must be Y"),
        ({"t265": 1, "t546": "2"}, "A", "Scope(546) must be 1"),
        ({"t265": 1, "t286": "0"}, "B", "OpenCloseSettlFlag(286) is of no entry here"),
        (
            {"t265": 1, "t547": "Y"},
            "C",
            "MDImplicitDelete(547) must be N: every price that leaves is told",
        ),
        ({"t265": 1, "t386": 1, "t336": "DAY"}, "9", "TradingSessionID(336) must be 24H"),
        ({"t265": 1, "types": ["0", "9"]}, "8", "MDEntryType(269) must be 0, 1 or 2"),
    ],
)
async def test_what_is_not_offered_is_refused_by_name(
    venue: JsonVenue, fields: dict[str, Any], reason: str, text: str
) -> None:
    watcher = await Watcher.log_on(venue)
    watcher.ask("r1", SUBSCRIBE, *fields.pop("types", [BID]), **fields)
    refused = await watcher.client.expect("Y")
    assert (refused[262], refused[281], refused[58]) == ("r1", reason, text)


async def test_what_is_said_and_is_so_is_taken(venue: JsonVenue) -> None:
    watcher = await Watcher.log_on(venue)
    watcher.ask("r1", SUBSCRIBE, BID, t265=1, t266="Y", t546="1", t547="N", t386=1, t336="24H")
    assert await watcher.take() == "W"


async def test_a_name_in_use_and_a_request_that_is_none(venue: JsonVenue) -> None:
    watcher = await Watcher.log_on(venue)
    watcher.ask("r1", SUBSCRIBE, BID, t265=1)
    assert await watcher.take() == "W"
    watcher.ask("r1", SUBSCRIBE, BID, t265=1)
    assert (await watcher.client.expect("Y"))[281] == "1"
    watcher.ask("r2", UNSUBSCRIBE, BID)
    assert 281 not in await watcher.client.expect("Y")
    watcher.client.enter("a1", "buy", "1", "50000")
    refused = await watcher.client.expect("j")
    assert (refused[372], refused[380]) == ("D", "3")


async def test_securities_are_listed(venue: JsonVenue) -> None:
    watcher = await Watcher.log_on(venue)
    asked: list[tuple[dict[int, object], str]] = [
        ({559: 4}, "0"),
        ({559: 0, 55: "BTCUSDT"}, "0"),
        ({559: 0, 55: "NOSUCH"}, "2"),
        ({559: 2}, "1"),
    ]
    for fields, result in asked:
        watcher.client.send("x", {320: "ask", **fields})
        listed = await watcher.client.expect("y")
        assert (listed[320], listed[560]) == ("ask", result)
        if result == "0":
            assert (listed[146], listed[55], listed[15]) == ("1", "BTCUSDT", "USDT")
            assert (listed[561], listed[969]) == ("0.00001", "0.01")


async def test_who_can_not_read_or_does_not_begin_anew_stays_outside(venue: JsonVenue) -> None:
    port = venue.gateway.fix.market_data.port
    trader = await FixClient.connect(port, "T")
    refused = await trader.log_on("bound", "secret-of-bound", is_reset=True)
    assert refused[35] == "5"
    old = await FixClient.connect(port, "R")
    refused = await old.log_on("reader", "secret-of-reader")
    assert refused[58] == "market data begin anew: ResetSeqNumFlag(141) must be Y"


async def test_what_was_missed_is_not_sent_again(venue: JsonVenue) -> None:
    watcher = await Watcher.log_on(venue)
    watcher.ask("r1", SUBSCRIBE, BID, OFFER, t265=1)
    await some_orders(venue, 10, seed=1)
    kinds = await watcher.until_quiet()
    watcher.client.send("2", {7: 1, 16: 0})
    fill = await watcher.client.expect("4")
    assert (fill[123], fill[36]) == ("Y", str(len(kinds) + 2))
    await until(lambda: not venue.gateway.fix.market_sessions._hub.has_news)
