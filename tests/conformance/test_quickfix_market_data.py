"""QuickFIX follows a market through its day: books, trades, phases, definitions, the session."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agio.child_process import free_port
from gateway.edge.tls import TlsFiles
from tests.conformance.tls_tunnel import tls_tunnel
from tests.gateway.edge.certificates import Authority
from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.feeds.live_feeds import Flow, change_phase
from vocabulary.types import TradingPhase

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

quickfix_client = pytest.importorskip(
    "tests.conformance.quickfix_client", reason="quickfix is not installed: make conformance"
)

KEY = {"api_key": "reader", "secret": "secret-of-reader"}
BID, OFFER, TRADE = "0", "1", "2"
SNAPSHOT, SUBSCRIBE, UNSUBSCRIBE = 0, 1, 2
PATIENCE_S = 20.0
Message = list[tuple[int, str]]
GROUPS: dict[int, list[dict[int, object]]] = {267: [{269: BID}], 146: [{55: "BTCUSDT"}]}


class MarketClient:
    """QuickFIX on the market-data port; it blocks, so it is asked in a thread."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.books: dict[str, dict[str, dict[str, str]]] = {}
        self.trade_ids: list[int] = []
        self._changes: dict[str, int] = {}

    def ask(self, request_id: str, depth: int, update_type: int, *types: str) -> None:
        fields = {262: request_id, 263: SUBSCRIBE, 264: depth, 265: update_type}
        self.client.send("V", fields, GROUPS | {267: [{269: kind} for kind in types]})

    async def receive(self) -> dict[int, str]:
        return dict(await self._take())

    async def expect(self, msg_type: str) -> dict[int, str]:
        """Return the next message of a type; take those of books and trades on the way."""
        while True:
            message = await self.receive()
            if message[35] == msg_type:
                return message
            assert message[35] in "WX", message

    def ask_for_books(self) -> None:
        """Subscribe anew: the whole book with trades, its top, and five levels refreshed."""
        self.books.clear()
        self.trade_ids.clear()
        self.ask("whole", 0, 1, BID, OFFER, TRADE)
        self.ask("top", 1, 1, BID, OFFER)
        self.ask("refreshed", 5, 0, BID, OFFER)

    async def until_as(self, venue: JsonVenue) -> None:
        """Take in what comes until books and trades are the venue's."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.is_as(venue):
                await asyncio.sleep(0.05)
                while self.client.has_more:
                    assert (await self.receive())[35] in "WX"

    async def is_as(self, venue: JsonVenue) -> bool:
        """Say whether the books, and the trades since the first, are those that REST shows."""
        wanted = {"whole": 5000, "top": 1, "refreshed": 5}
        books = {}
        for name, limit in wanted.items():
            depth = await venue.get("depth", symbol="BTCUSDT", limit=limit)
            books[name] = {BID: dict(depth["bids"]), OFFER: dict(depth["asks"])}
        trades = [each["id"] for each in await venue.get("trades", symbol="BTCUSDT", limit=1000)]
        return self.books == books and self.trade_ids == trades[-len(self.trade_ids) :]

    async def _take(self) -> Message:
        pairs: Message = await asyncio.to_thread(self.client.pairs)
        message = dict(pairs)
        if message[35] == "W":
            self.books[message[262]] = {BID: {}, OFFER: {}}
            self._changes[message[262]] = int(message[83])
        if message[35] in "WX":
            self._apply(pairs, message[262], 279 if message[35] == "X" else 269)
        return pairs

    def _apply(self, pairs: Message, request_id: str, first: int) -> None:
        entries: list[dict[int, str]] = []
        start = [tag for tag, _ in pairs].index(268) + 1
        for tag, value in pairs[start:]:
            if tag == first:
                entries.append({})
            if entries:  # QuickFIX puts fields in order: some stand behind the group
                entries[-1][tag] = value
        for entry in entries:
            if entry[269] == TRADE:
                self.trade_ids.append(int(entry[1003]))
                continue
            if 83 in entry:
                assert int(entry[83]) - self._changes[request_id] in {0, 1}
                self._changes[request_id] = int(entry[83])
            side = self.books[request_id][entry[269]]
            if entry.get(279) == "2":
                del side[entry[270]]
            else:
                side[entry[270]] = entry[271]


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[JsonVenue]:
    venue = JsonVenue(make_directory(tmp_path / "venue"), redis_url)
    await venue.start()
    yield venue
    await venue.stop()


def make_directory(path: Path) -> Path:
    path.mkdir()
    return path


@asynccontextmanager
async def connected(
    venue: JsonVenue, directory: Path, port: int = 0
) -> AsyncIterator[MarketClient]:
    port = port or venue.gateway.fix.market_data.port
    client = quickfix_client.QuickFixClient(port, directory, KEY, "QUICKMD", resets=True)
    await asyncio.to_thread(client.__enter__)
    try:
        yield MarketClient(client)
    finally:
        await asyncio.to_thread(client.stop)
    assert client.rejects_sent == []


async def test_books_and_trades_are_the_venues(venue: JsonVenue, tmp_path: Path) -> None:
    await follow_books(venue, tmp_path)


async def test_books_and_trades_come_over_tls(tmp_path: Path, redis_url: str) -> None:
    authority = Authority(make_directory(tmp_path / "pki"))
    venue = JsonVenue(make_directory(tmp_path / "venue"), redis_url)
    await venue.start(fix_tls=TlsFiles(*authority.issue("venue")))
    try:
        async with tls_tunnel(venue.gateway.fix.market_data.port, authority.file) as port:
            await follow_books(venue, tmp_path, port)
    finally:
        await venue.stop()


async def follow_books(venue: JsonVenue, directory: Path, port: int = 0) -> None:
    """Hold QuickFIX's books at three depths, and its trades, against the venue's REST."""
    flow = Flow(venue, 3)
    await flow.run(40)
    async with connected(venue, directory, port) as market:
        market.ask_for_books()
        await flow.run(120)
        await market.until_as(venue)
        for name in market.books:
            market.client.send("V", {262: name, 263: UNSUBSCRIBE, 264: 0}, GROUPS)
        market.client.send("V", {262: "whole", 263: SNAPSHOT, 264: 5001}, GROUPS)
        refused = await market.expect("Y")
        assert (refused[262], refused[281]) == ("whole", "5")


@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "tls"])
async def test_books_begin_anew_over_restarts_of_both_sides(
    tmp_path: Path, redis_url: str, *, is_secure: bool
) -> None:
    authority = Authority(make_directory(tmp_path / "pki"))
    door: dict[str, Any] = {"fix_market_data_port": free_port()}
    if is_secure:
        door["fix_tls"] = TlsFiles(*authority.issue("venue"))
    venue = JsonVenue(make_directory(tmp_path / "venue"), redis_url)
    await venue.start(**door)
    flow = Flow(venue, 5)
    await flow.run(40)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(venue.stop)
        port = door["fix_market_data_port"]
        if is_secure:
            port = await stack.enter_async_context(tls_tunnel(port, authority.file))
        async with connected(venue, tmp_path, port) as market:
            market.ask_for_books()
            await market.until_as(venue)
            await venue.restart_gateway(**door)  # QuickFIX comes back by itself
            await asyncio.to_thread(market.client.wait_for_logon)
            while market.client.has_more:
                await market.receive()  # of the connection before
            market.ask_for_books()
            await flow.run(40)
            await market.until_as(venue)
        await flow.run(40)
        async with connected(venue, tmp_path, port) as market:  # another client, of the same files
            market.ask_for_books()
            await market.until_as(venue)


async def test_a_day_of_phases_is_told(venue: JsonVenue, tmp_path: Path) -> None:
    async with connected(venue, tmp_path) as market:
        send = market.client.send
        send("x", {320: "list", 559: 4})
        assert (await market.expect("y"))[55] == "BTCUSDT"
        send("c", {320: "terms", 321: 3, 263: SUBSCRIBE})
        definition = await market.expect("d")
        assert (definition[969], definition[561], definition[15]) == ("0.01", "0.00001", "USDT")
        send("e", {324: "phase", 55: "BTCUSDT", 263: SUBSCRIBE})
        assert (await market.expect("f"))[326] == "17"
        send("g", {335: "venue", 263: SNAPSHOT})
        assert (await market.expect("h"))[340] == "2"
        market.ask("whole", 0, 1, BID, OFFER, TRADE)

        for number, phase in enumerate(PHASES, start=1):
            await change_phase(venue, number, phase)
            if phase is TradingPhase.DELISTED:  # the definition ends with it, in either order
                told = [await market.receive() for _ in range(2)]
                assert {each[35]: each.get(980, each.get(625)) for each in told} == {
                    "d": "D",
                    "f": "DELISTED",
                }
                break
            assert (await market.expect("f"))[625] == phase.name
            if phase is TradingPhase.OPENING_AUCTION:
                await venue.place("alice", side="BUY", price="101.00", quantity="0.3")
                await venue.place("bob", side="SELL", price="99.00", quantity="0.2")
                auction = await market.expect("f")
                assert (auction[35102], auction[35103]) == ("0.20000", "0.10000")
        assert market.trade_ids == [1]
        assert market.books["whole"] == {BID: {"101.00": "0.10000"}, OFFER: {}}


PHASES = [
    TradingPhase.PRE_OPEN,
    TradingPhase.OPENING_AUCTION,
    TradingPhase.TRADING,
    TradingPhase.HALTED,
    TradingPhase.CANCEL_ONLY,
    TradingPhase.TRADING,
    TradingPhase.CLOSING_AUCTION,
    TradingPhase.CLOSED,
    TradingPhase.DELISTED,
]


async def test_refusals_are_valid_messages(venue: JsonVenue, tmp_path: Path) -> None:
    async with connected(venue, tmp_path) as market:
        send = market.client.send
        send("e", {324: "phase", 55: "NOSUCH", 263: SUBSCRIBE})
        assert (await market.expect("j"))[380] == "2"
        send("c", {320: "terms", 321: 0, 55: "NOSUCH"})
        assert (await market.expect("d"))[323] == "6"
        send("g", {335: "venue", 336: "DAY", 263: SUBSCRIBE})
        assert (await market.expect("h"))[567] == "1"
        send("x", {320: "list", 559: 2})
        assert (await market.expect("y"))[560] == "1"
