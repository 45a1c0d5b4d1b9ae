"""The handler on a real venue's FIX market data, alone and beside its WebSocket."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.edge.tls import TlsFiles
from tests.gateway.edge.certificates import Authority
from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.feeds.fix_proxy import Meddle, changed, damaged, drop, every, fix_proxy
from tests.trading.feeds.live_feeds import (
    KEY,
    Flow,
    check_against,
    count,
    eventually,
    feeds,
    fix_url,
    source_url,
    subscribed,
)
from tests.trading.feeds.meddling_proxy import meddling_proxy
from trading.credentials import Credentials
from trading.events import BookChanged, BookReset, FeedLost, InstrumentDefined, TradePrinted


async def test_the_book_told_over_fix_is_the_venues(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    await Flow(venue, 1).run(40)
    async with (
        feeds(tmp_path, redis_url, fix_url(venue), **KEY) as service,
        subscribed(service) as subscriber,
    ):
        await check_against(venue, subscriber)
        trades = await venue.get("trades", symbol="BTCUSDT", limit=1000)
        printed = subscriber.of(TradePrinted)
        assert len(printed) > 20
        instrument = venue.gateway.catalogue.instrument_by_symbol["BTCUSDT"]
        assert [
            (
                each.trade_id,
                instrument.price_text(each.price_ticks),
                instrument.quantity_text(each.lots),
                each.buyer_is_maker,
                each.exchange_ns // 1_000_000,
            )
            for each in printed
        ] == [
            (each["id"], each["price"], each["qty"], each["isBuyerMaker"], each["time"])
            for each in trades[-len(printed) :]
        ]
        [defined] = subscriber.of(InstrumentDefined)
        assert (defined.base, defined.quote) == ("BTC", "USDT")
        sizes = (defined.tick_mantissa, defined.tick_scale)
        assert (sizes, defined.lot_mantissa, defined.lot_scale) == ((1, 2), 1, 5)
        assert len(subscriber.of(BookReset)) == 1
        assert (count(service, "gaps"), count(service, "rejected")) == (0, 0)


@pytest.mark.parametrize("meddle", [drop, damaged])
async def test_a_change_that_never_comes_or_has_a_wrong_sum_is_noticed_by_its_number(
    meddle: Meddle, venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        fix_proxy(venue.gateway.fix.market_data.port) as proxy,
        feeds(tmp_path, redis_url, fix_url(venue, proxy.port), **KEY) as service,
        subscribed(service) as subscriber,
    ):
        proxy.meddle = every(40, b"X", meddle, times=3)
        await check_against(venue, subscriber)
        losses = subscriber.of(FeedLost)
        assert len(losses) == len(subscriber.of(BookReset)) > 2
        assert all("missing" in each.reason for each in losses[1:])
        assert count(service, "sources_connected") == 1


async def test_what_fix_loses_the_websocket_beside_it_brings(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        fix_proxy(venue.gateway.fix.market_data.port) as proxy,
        feeds(tmp_path, redis_url, fix_url(venue, proxy.port), source_url(venue), **KEY) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: count(service, "sources_connected") == 2)
        await Flow(venue, 4).run(10)
        proxy.meddle = every(9, b"X", drop)
        await check_against(venue, subscriber)
        assert count(service, "duplicates") > 50
        assert count(service, "gaps") == 0
        assert len(subscriber.of(FeedLost)) == 1  # that of the start
        assert len(subscriber.of(InstrumentDefined)) == 1  # both list the same


@pytest.mark.parametrize("killed", ["websocket", "fix"])
async def test_either_of_the_two_may_be_killed_unnoticed(
    venue: JsonVenue, tmp_path: Path, redis_url: str, killed: str
) -> None:
    async with (
        fix_proxy(venue.gateway.fix.market_data.port) as fix,
        meddling_proxy(venue.websocket_url) as websocket,
        feeds(
            tmp_path,
            redis_url,
            source_url(venue, websocket.url),
            fix_url(venue, fix.port),
            **KEY,
        ) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: count(service, "sources_connected") == 2)
        await Flow(venue, 6).run(30)
        if killed == "fix":
            fix.cut()
        else:
            await websocket.kill()
        await check_against(venue, subscriber)
        assert count(service, "gaps") == 0
        assert len(subscriber.of(FeedLost)) == 1
        if killed == "fix":  # it comes back, and takes part again
            await eventually(lambda: count(service, "sources_connected") == 2)
            await check_against(venue, subscriber, seed=7)
            assert count(service, "gaps") == 0


async def test_fix_that_does_not_fit_ends_in_quarantine(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    broken: list[bytes] = []

    def break_price(message: bytes) -> list[bytes]:
        """Put a price between two ticks into every second one, a letter into the others."""
        at = message.index(b"\x01270=") + 1
        old = message[at : message.index(b"\x01", at)]
        off_tick = b"270=0." + (b"1").rjust(len(old) - 6, b"0")
        new = old.replace(b".", b"x") if len(broken) % 2 else off_tick
        broken.append(changed(message, old, new))
        return [broken[-1]]

    async with (
        fix_proxy(venue.gateway.fix.market_data.port) as proxy,
        feeds(tmp_path, redis_url, fix_url(venue, proxy.port), source_url(venue), **KEY) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: count(service, "sources_connected") == 2)
        proxy.meddle = every(10, b"X", break_price)
        await check_against(venue, subscriber)
        assert count(service, "gaps") == 0
        lines = (tmp_path / "feeds" / "quarantine.jsonl").read_text().splitlines()
        entries = [json.loads(line) for line in lines]
        assert [base64.b64decode(each["data"]) for each in entries] == broken
        assert len(entries) > 5
        assert {each["reason"] for each in entries} == {"off_tick"}
        assert count(service, "rejected") == len(entries)


async def test_a_recording_of_fix_makes_the_same_events_again(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    record = tmp_path / "venue.recording"
    async with (
        feeds(tmp_path / "live", redis_url, fix_url(venue), record_file=record, **KEY) as service,
        subscribed(service) as subscriber,
    ):
        await Flow(venue).run(60)
        await eventually(lambda: len(subscriber.of(BookChanged)) > 20)
        live = subscriber
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    async with (
        feeds(tmp_path / "replay", redis_url, record.as_uri(), ready=False) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: len(subscriber.events) >= len(live.events))
        assert subscriber.events[: len(live.events)] == live.events


async def test_a_wrong_key_brings_nothing(venue: JsonVenue, tmp_path: Path, redis_url: str) -> None:
    wrong: dict[str, Any] = {"credentials": Credentials("reader", "guessed")}
    async with feeds(tmp_path, redis_url, fix_url(venue), ready=False, **wrong) as service:
        await Flow(venue).run(5)
        assert count(service, "sources_connected") == 0
        assert service.health()["ready"] is False


async def test_fix_over_tls(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pki").mkdir()
    authority = Authority(tmp_path / "pki")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert ssl.get_default_verify_paths().cafile == str(authority.file)
    venue = JsonVenue(tmp_path, redis_url)
    await venue.start(fix_tls=TlsFiles(*authority.issue("venue")))
    try:
        async with (
            feeds(tmp_path, redis_url, fix_url(venue, scheme="fixs"), **KEY) as service,
            subscribed(service) as subscriber,
        ):
            await check_against(venue, subscriber)
    finally:
        await venue.stop()
