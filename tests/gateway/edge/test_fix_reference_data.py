"""Phases, definitions and the session over FIX, of a real venue's instruments."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.fix_application import subscriptions as fix_subscriptions
from matching.client import MatchingClient
from tests.gateway.edge.json_venue import JsonVenue, until
from tests.gateway.engine_room import BTCUSDT, OPS_SESSION, USDT
from tests.gateway.validating_client import ValidatingClient
from vocabulary import commands as c
from vocabulary.types import TradingPhase

SNAPSHOT, SUBSCRIBE, UNSUBSCRIBE = 0, 1, 2


class Desk:
    """What operators do to the instruments."""

    def __init__(self, client: MatchingClient) -> None:
        self._client = client
        self._number = 1_000

    async def submit(self, command: type[c.Command], *fields: object) -> None:
        self._number += 1
        self._client.submit(command(OPS_SESSION, self._number, *fields))
        await self._client.funds()

    async def phase(self, phase: TradingPhase, instrument_id: int = BTCUSDT) -> None:
        await self.submit(c.ChangePhase, instrument_id, phase)

    async def limit(self, **limits: int) -> None:
        names = c.SetLimits.__struct_fields__[3:]
        await self.submit(c.SetLimits, BTCUSDT, *(limits.get(name, 0) for name in names))

    async def list_ethusdt(self) -> None:
        await self.submit(c.ListAsset, 3, 8, b"ETH")
        await self.submit(c.ListInstrument, 2, 3, USDT, 10_000, 100, 0, 500, 1_000, b"ETHUSDT")


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[JsonVenue]:
    venue = JsonVenue(tmp_path, redis_url)
    await venue.start()
    yield venue
    await venue.stop()


@pytest.fixture
async def desk(venue: JsonVenue) -> AsyncIterator[Desk]:
    client = MatchingClient(
        venue.matching_address, "ops", from_sequence=None, on_records=lambda _records: None
    )
    await client.start()
    yield Desk(client)
    await client.stop()


class Watcher(ValidatingClient):
    """A market-data session."""

    async def ask_status(self, request_id: str, kind: int, symbol: str = "BTCUSDT") -> None:
        self.send("e", {324: request_id, 55: symbol, 263: kind})


@asynccontextmanager
async def watching(venue: JsonVenue, comp_id: str = "WATCHER") -> AsyncIterator[Watcher]:
    watcher = await Watcher.connect(venue.gateway.fix.market_data.port, comp_id)
    assert (await watcher.log_on("reader", "secret-of-reader", is_reset=True))[35] == "A"
    yield watcher
    await watcher.close()


async def cross(venue: JsonVenue) -> None:
    """Enter two orders that cross: 0.3 wanted at 101, 0.2 offered at 99."""
    await venue.place("alice", side="BUY", price="101.00", quantity="0.3")
    await venue.place("bob", side="SELL", price="99.00", quantity="0.2")


PHASES = [
    (TradingPhase.PRE_OPEN, "21", "4"),
    (TradingPhase.OPENING_AUCTION, "22", "4"),
    (TradingPhase.TRADING, "17", "2"),
    (TradingPhase.VOLATILITY_AUCTION, "5", "2"),
    (TradingPhase.HALTED, "2", "1"),
    (TradingPhase.CANCEL_ONLY, "2", "1"),
    (TradingPhase.CLOSING_AUCTION, "5", "5"),
    (TradingPhase.CLOSED, "18", "3"),
]


async def test_each_phase_is_told_as_it_begins(venue: JsonVenue, desk: Desk) -> None:
    async with watching(venue) as watcher:
        await watcher.ask_status("s1", SUBSCRIBE)
        now = await watcher.expect("f")
        assert (now[324], now[55], now[336], now[325]) == ("s1", "BTCUSDT", "24H", "N")
        assert (now[326], now[625]) == ("17", "TRADING")
        sequence = int(now[25044])
        for phase, status, _ in PHASES:
            await desk.phase(phase)
            told = await watcher.expect("f")
            assert (told[324], told[325], told[326], told[625]) == ("s1", "Y", status, phase.name)
            assert int(told[25044]) > sequence
            sequence = int(told[25044])


async def test_the_session_stands_as_its_most_open_instrument(venue: JsonVenue, desk: Desk) -> None:
    async with watching(venue) as watcher:
        watcher.send("g", {335: "g1", 336: "24H", 263: SUBSCRIBE})
        now = await watcher.expect("h")
        assert (now[335], now[336], now[338], now[325], now[340]) == ("g1", "24H", "1", "N", "2")
        told = "2"
        for phase, _, status in PHASES:
            await desk.phase(phase)
            if status != told:
                changed = await watcher.expect("h")
                assert (changed[335], changed[325], changed[340]) == ("g1", "Y", status)
            told = status
        await desk.list_ethusdt()  # it trades, so the session is open
        assert (await watcher.expect("h"))[340] == "2"
        await venue.matching.stop()
        assert (await watcher.expect("h"))[340] == "1"
        await venue.restart_matching()
        assert (await watcher.expect("h"))[340] == "2"


async def test_what_an_auction_would_come_to_is_told(venue: JsonVenue, desk: Desk) -> None:
    async with watching(venue) as watcher:
        await desk.phase(TradingPhase.OPENING_AUCTION)
        await watcher.ask_status("s1", SUBSCRIBE)
        while (told := await watcher.expect("f"))[625] != "OPENING_AUCTION":
            pass
        assert 35101 not in told
        await cross(venue)
        told = await watcher.expect("f")
        price, terms = told[35101], (told[35102], told.get(35103), told.get(35104))
        assert terms == ("0.20000", "0.10000", None)
        await venue.place("bob", side="SELL", price="99.00", quantity="0.5")
        told = await watcher.expect("f")
        assert (told[35102], told.get(35103), told[35104]) == ("0.30000", None, "0.40000")
        assert 99 <= float(price) <= 101
        await desk.phase(TradingPhase.TRADING)
        while (told := await watcher.expect("f"))[326] != "17":
            pass
        assert {35101, 35102, 35103, 35104}.isdisjoint(told)
        [*_, last] = await venue.get("trades", symbol="BTCUSDT")
        assert told[1150] == last["price"]  # the auction's price is the reference price


async def test_a_reference_price_and_its_band_are_told(venue: JsonVenue, desk: Desk) -> None:
    async with watching(venue) as watcher:
        await watcher.ask_status("s1", SUBSCRIBE)
        assert {1148, 1149, 1150}.isdisjoint(await watcher.expect("f"))
        await desk.submit(c.SetReferencePrice, BTCUSDT, 10_000)
        told = await watcher.expect("f")
        assert (told[325], told[1150], told.get(1148)) == ("Y", "100.00", None)
        await desk.limit(price_band_ppm=50_000)
        told = await watcher.expect("f")
        assert (told[1150], told[1148], told[1149]) == ("100.00", "95.00", "105.00")
        # The ends are those of the engine.
        for price, status in (("105.00", 200), ("105.01", 400)):
            answer = await venue.signed(
                "POST", "order", symbol="BTCUSDT", side="SELL", type="LIMIT", quantity="0.1",
                timeInForce="GTC", price=price,
            )  # fmt: skip
            assert answer[0] == status
        await venue.place("bob", side="BUY", price="105.00", quantity="0.1")
        await watcher.ask_status("s2", SNAPSHOT)
        assert (await watcher.expect("f"))[1150] == "105.00"  # that of the last trade


async def test_a_volatility_interruption_is_told_and_its_end(venue: JsonVenue, desk: Desk) -> None:
    await desk.submit(c.SetReferencePrice, BTCUSDT, 10_000)
    await desk.limit(volatility_band_ppm=10_000, volatility_auction_ns=300_000_000)
    async with watching(venue) as watcher:
        await watcher.ask_status("s1", SUBSCRIBE)
        assert (await watcher.expect("f"))[625] == "TRADING"
        await venue.place("bob", side="SELL", price="110.00", quantity="0.2")
        await venue.place("alice", side="BUY", price="110.00", quantity="0.3")
        told = await watcher.expect("f")
        assert (told[326], told[625]) == ("5", "VOLATILITY_AUCTION")
        while 35101 not in told:  # the price may come with the phase, or behind it
            told = await watcher.expect("f")
        assert (told[35101], told[35102], told[35103]) == ("110.00", "0.20000", "0.10000")
        told = await watcher.expect("f")
        assert (told[326], told[625], told[1150]) == ("17", "TRADING", "110.00")


async def test_a_definition_has_every_term(venue: JsonVenue, desk: Desk) -> None:
    async with watching(venue) as watcher:
        await desk.limit(
            quantity_lots_min=10,
            quantity_lots_max=1_000_000,
            notional_units_min=5 * 10**8,
            notional_units_max=10**14,
            open_orders_max=200,
            price_band_ppm=100_000,
            market_collar_ppm=50_000,
            volatility_band_ppm=20_000,
            volatility_auction_ns=3_000_000_000,
        )
        watcher.send("c", {320: "d1", 321: 0, 55: "BTCUSDT"})
        told = await watcher.expect("d")
        expected = {
            320: "d1", 323: "1", 55: "BTCUSDT", 35111: "BTC", 35112: "8", 15: "USDT", 35113: "8",
            561: "0.00001", 969: "0.01", 562: "0.00010", 1140: "10.00000",
            35114: "5.00000000", 35115: "1000000.00000000", 35116: "200",
            35117: "0.100000", 35118: "0.050000", 35119: "0.020000", 35120: "3000",
            35121: "0.001000", 35122: "0.002000",
        }  # fmt: skip
        assert {tag: told.get(tag) for tag in expected} == expected


async def test_listings_changes_and_the_end_are_told(venue: JsonVenue, desk: Desk) -> None:
    async with watching(venue) as watcher:
        watcher.send("c", {320: "all", 321: 3, 263: SUBSCRIBE})
        first = await watcher.expect("d")
        assert (first[320], first[323], first[393], first[55]) == ("all", "4", "1", "BTCUSDT")
        await desk.list_ethusdt()
        listed = await watcher.expect("d")
        assert (listed[980], listed[55], listed[969]) == ("A", "ETHUSDT", "0.01")
        assert (listed[35121], listed[35122]) == ("0.000500", "0.001000")
        await desk.submit(c.SetFees, BTCUSDT, -7, 8)
        changed = await watcher.expect("d")
        assert (changed[980], changed[55], changed[35121]) == ("M", "BTCUSDT", "-0.000007")
        assert changed[322] != listed[322]
        await desk.phase(TradingPhase.HALTED)
        await desk.submit(c.ChangeIncrements, BTCUSDT, 50, 100, 0)
        changed = await watcher.expect("d")
        assert (changed[980], changed[969], changed[561]) == ("M", "0.50", "0.00100")
        assert changed[562] == "0.00100"
        await until(lambda: venue.gateway.feed.ready)
        await watcher.ask_status("eth", SUBSCRIBE, "ETHUSDT")
        assert (await watcher.expect("f"))[326] == "17"
        await desk.phase(TradingPhase.DELISTED, 2)
        told = [await watcher.receive() for _ in range(2)]
        [gone] = [each for each in told if each[35] == "d"]
        [status] = [each for each in told if each[35] == "f"]
        assert (gone[980], gone[55]) == ("D", "ETHUSDT")
        assert (status[326], status[625]) == ("19", "DELISTED")
        for kind, fields in (("c", {321: 3}), ("x", {559: 4})):
            watcher.send(kind, {320: "again", **fields})
            assert (await watcher.expect({"c": "d", "x": "y"}[kind]))[55] == "BTCUSDT"
        watcher.send("V", {262: "r", 263: 0, 264: 0, 267: 1, 269: 0, 146: 1, 55: "ETHUSDT"})
        assert (await watcher.expect("Y"))[281] == "0"


async def test_what_is_unsubscribed_is_silent_and_its_name_free(
    venue: JsonVenue, desk: Desk
) -> None:
    asked: dict[str, dict[int, object]] = {
        "e": {324: "r", 55: "BTCUSDT"},
        "c": {320: "r", 321: 0, 55: "BTCUSDT"},
        "g": {335: "r"},
    }
    async with watching(venue) as watcher:
        for kind, fields in asked.items():
            answer = {"e": "f", "c": "d", "g": "h"}[kind]
            watcher.send(kind, fields | {263: SUBSCRIBE})
            assert (await watcher.expect(answer))[35] == answer
            watcher.send(kind, fields | {263: UNSUBSCRIBE})
        await desk.phase(TradingPhase.HALTED)
        await desk.submit(c.SetFees, BTCUSDT, -7, 8)
        await asyncio.sleep(0.3)
        for kind, fields in asked.items():
            watcher.send(kind, fields | {263: SUBSCRIBE})
            assert (await watcher.receive())[35] == {"e": "f", "c": "d", "g": "h"}[kind]


async def test_what_left_is_forgotten(venue: JsonVenue, desk: Desk) -> None:
    async with watching(venue, "STAYS") as watcher:
        async with watching(venue, "LEAVES") as gone:
            await gone.ask_status("s1", SUBSCRIBE)
            await gone.expect("f")
        await watcher.ask_status("s1", SUBSCRIBE)
        await watcher.expect("f")
        await until(lambda: venue.gateway.fix.market_data.logged_on == 1)
        await desk.phase(TradingPhase.HALTED)
        assert (await watcher.expect("f"))[625] == "HALTED"


async def test_status_requests_are_refused_by_name(
    venue: JsonVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix_subscriptions, "SUBSCRIPTIONS_MAX", 1)
    async with watching(venue) as watcher:
        await watcher.ask_status("first", SUBSCRIBE)
        await watcher.expect("f")
        for request_id, kind, symbol, reason, text in (
            ("r1", SUBSCRIBE, "NOSUCH", "2", "Symbol(55) NOSUCH is not listed"),
            ("first", SUBSCRIBE, "BTCUSDT", "0", "SecurityStatusReqID(324) is in use"),
            ("r3", UNSUBSCRIBE, "BTCUSDT", "1",
             "SecurityStatusReqID(324) is not that of an open subscription"),
            ("r4", SUBSCRIBE, "BTCUSDT", "0", "more than 1 subscriptions"),
        ):  # fmt: skip
            await watcher.ask_status(request_id, kind, symbol)
            refused = await watcher.expect("j")
            assert (refused[372], refused[379], refused[380]) == ("e", request_id, reason)
            assert refused[58] == text


async def test_definition_requests_are_refused_by_name(venue: JsonVenue) -> None:
    wanted = "SecurityRequestType(321) must be 0 with Symbol(55), or 3 without"
    async with watching(venue) as watcher:
        watcher.send("c", {320: "first", 321: 0, 55: "BTCUSDT", 263: SUBSCRIBE})
        await watcher.expect("d")
        asked: list[tuple[str, dict[int, object], str, str]] = [
            ("r1", {321: 0, 55: "NOSUCH"}, "6", "Symbol(55) NOSUCH is not listed"),
            ("r2", {321: 0}, "5", wanted),
            ("r3", {321: 2}, "5", wanted),
            ("first", {321: 3}, "5", "SecurityReqID(320) is in use"),
            ("r4", {321: 3, 263: 2}, "5", "SecurityReqID(320) is not that of an open subscription"),
        ]
        for request_id, fields, kind, text in asked:
            watcher.send("c", {320: request_id, **fields})
            refused = await watcher.expect("d")
            assert (refused[320], refused[323], refused[58]) == (request_id, kind, text)


async def test_session_requests_are_refused_by_name(venue: JsonVenue) -> None:
    async with watching(venue) as watcher:
        watcher.send("g", {335: "first", 263: SUBSCRIBE})
        await watcher.expect("h")
        asked: list[tuple[str, dict[int, object], str, str]] = [
            ("r1", {336: "DAY", 263: 0}, "1", "TradingSessionID(336) must be 24H"),
            ("first", {263: 1}, "99", "TradSesReqID(335) is in use"),
            ("r2", {263: 2}, "99", "TradSesReqID(335) is not that of an open subscription"),
        ]
        for request_id, fields, reason, text in asked:
            watcher.send("g", {335: request_id, **fields})
            refused = await watcher.expect("h")
            assert (refused[335], refused[340], refused[567]) == (request_id, "6", reason)
            assert refused[58] == text
        for kind, missing in (("e", {324: "x", 263: 0}), ("c", {320: "x"}), ("g", {335: "x"})):
            number = watcher.send(kind, dict(missing))
            rejected = await watcher.expect("3")  # required fields are the session's to look after
            assert (rejected[45], rejected[371]) == (
                str(number),
                {"e": "55", "c": "321", "g": "263"}[kind],
            )
