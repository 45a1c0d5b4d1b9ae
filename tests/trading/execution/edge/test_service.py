"""One instance against a real venue, over both doors."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from gateway.fix import tags
from tests.gateway.edge.desk_link import DeskLink
from tests.trading.execution.edge.trading_floor import SYMBOL, trading_floor, until
from trading.decisions import OrderStyle
from trading.events import DecisionTaken, OrderReported, TradeAmended
from trading.execution.edge import fix_link
from trading.execution.edge.auditor import Auditor
from trading.execution.edge.run_switches import RunSwitches
from vocabulary.types import Side

DOORS = ["websocket", "fix"]


@pytest.mark.parametrize("door", DOORS)
async def test_decisions_become_orders_and_all_that_happens_to_them_is_told(
    tmp_path: Path, redis_url: str, door: str
) -> None:
    async with trading_floor(tmp_path, redis_url, door=door) as floor, floor.instance():
        resting = floor.leader.place()
        await until(lambda: floor.told(1) == ["ACCEPTED"])
        floor.leader.cancel(resting)
        await until(lambda: floor.told(1) == ["ACCEPTED", "CANCELED"])
        assert floor.report(1).number == 2

        floor.leader.place(Side.BUY, 10_003, 25_000, OrderStyle.IMMEDIATE)
        await until(lambda: floor.told(3) == ["ACCEPTED", "TRADED"])
        trade = floor.report(3)
        assert (trade.fill_price_ticks, trade.fill_lots, trade.leaves_lots) == (10_002, 25_000, 0)
        assert trade.trade_id == 1
        assert not trade.is_maker

        floor.leader.place(Side.BUY, 10_100, 10_000, OrderStyle.POST_ONLY)
        await until(lambda: floor.told(4) == ["REFUSED"])
        assert "venue: " in floor.report(4).reason

        floor.leader.place(Side.BUY, 10_000, 10_000, OrderStyle.IMMEDIATE)
        await until(lambda: floor.told(5) == ["ACCEPTED", "EXPIRED"])

        floor.leader.place(Side.SELL, 10_000, 10_000)
        await until(lambda: floor.told(6) == ["ACCEPTED"])
        await floor.venue.place("bob", side="BUY", price="100.00", quantity="0.06")
        await until(lambda: floor.told(6) == ["ACCEPTED", "TRADED"])
        part = floor.report(6)
        assert (part.cumulative_lots, part.leaves_lots, part.is_maker) == (6_000, 4_000, True)

        orders = await floor.entered()
        ids = [each["clientOrderId"] for each in orders]
        assert ids == [floor.leader.decided[n - 1].client_order_id for n in (1, 3, 5, 6)]
        taken = floor.of(DecisionTaken)
        assert [each.number for each in taken] == [1, 2, 3, 4, 5, 6]


async def test_who_starts_anew_knows_what_was_before(tmp_path: Path, redis_url: str) -> None:
    async with trading_floor(tmp_path, redis_url) as floor:
        async with floor.instance("one"):
            order = floor.leader.place(Side.SELL, 10_000, 10_000)
            await until(lambda: floor.told(1) == ["ACCEPTED"])
        await floor.venue.place("bob", side="BUY", price="100.00", quantity="0.06")
        floor.leader.cancel(order)
        async with floor.instance("two"):
            await until(lambda: floor.told(1) == ["ACCEPTED", "TRADED", "CANCELED"])
            last = floor.report(1)
            assert (last.cumulative_lots, last.number) == (6_000, 2)


async def test_over_fix_the_venue_cancels_what_nobody_is_left_to_cancel(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = [(tags.CancelOnDisconnect, b"S"), (tags.CODTimeoutWindow, b"0")]
    monkeypatch.setattr(fix_link, "CANCEL_ON_DISCONNECT", at_once)
    async with trading_floor(tmp_path, redis_url, door="fix") as floor:
        async with floor.instance("one"):
            floor.leader.place()
            await until(lambda: floor.told(1) == ["ACCEPTED"])
        async with asyncio.timeout(5):
            while [each["status"] for each in await floor.entered()] != ["CANCELED"]:
                await asyncio.sleep(0.05)
        async with floor.instance("two"):
            await until(lambda: floor.told(1) == ["ACCEPTED", "CANCELED"])


async def test_a_former_leader_s_decisions_are_refused(tmp_path: Path, redis_url: str) -> None:
    async with trading_floor(tmp_path, redis_url) as floor, floor.instance() as service:
        former = floor.leader.token
        floor.leader.token += 1
        floor.leader.place()
        await until(lambda: floor.told(1) == ["ACCEPTED"])
        terms = {"number": 2, "order": 2, "cause": floor.events[-1].stream_sequence}
        late = msgspec.structs.replace(floor.leader.decided[0], **terms)
        floor.leader.send([late], token=former)
        await until(lambda: service._engine.outbox.counts["decisions_fenced"] == 1)
        floor.leader.place(Side.SELL, 10_100)
        await until(lambda: floor.told(2) == ["ACCEPTED"])
        assert len(await floor.entered()) == 2


async def test_whatever_is_refused_is_told_with_limit_and_value(
    tmp_path: Path, redis_url: str
) -> None:
    async with trading_floor(tmp_path, redis_url, order_lots_max=9_999) as floor, floor.instance():
        floor.leader.place()
        await until(lambda: floor.told(1) == ["REFUSED"])
        assert floor.report(1).reason == "order_lots_max: 10000 lots, limit 9999"
        assert await floor.entered() == []


async def test_the_loss_of_a_day_stops_all_instances(tmp_path: Path, redis_url: str) -> None:
    async with (
        trading_floor(tmp_path, redis_url, daily_loss_max="0.001") as floor,
        floor.instance() as service,
    ):
        floor.leader.place()
        floor.leader.place(Side.BUY, 10_002, 100_000, OrderStyle.IMMEDIATE)  # 1 BTC for 100.02
        await until(lambda: floor.told(1) == ["ACCEPTED", "CANCELED"])
        floor.leader.place()
        await until(lambda: floor.told(3) == ["REFUSED"])
        assert floor.report(3).reason.startswith("killed: daily_loss_max: ")
        await until(lambda: not service._pulling)
        pulled = await service._switches.pulled()
        assert list(pulled) == ["maker"]
        assert not [each for each in floor.of(OrderReported) if each.order > 3]


async def test_a_decision_s_outcome_is_asked_for_when_the_link_breaks(
    tmp_path: Path, redis_url: str
) -> None:
    async with trading_floor(tmp_path, redis_url) as floor, floor.instance() as service:
        orders = [floor.leader.place(Side.BUY, 9_900 - n) for n in range(5)]
        link = service._links["maker"]
        await until(lambda: service._engine.outbox.counts["orders_sent"] == 5)
        link._stream.abort()  # type: ignore[attr-defined]
        await until(lambda: all(floor.told(n) == ["ACCEPTED"] for n in range(1, 6)))
        await asyncio.sleep(0.3)
        entered = [each["clientOrderId"] for each in await floor.entered()]
        assert sorted(entered) == sorted(each.client_order_id for each in orders)


async def test_a_switch_pulled_by_hand_stops_a_strategy_until_it_is_revived(
    tmp_path: Path, redis_url: str
) -> None:
    async with trading_floor(tmp_path, redis_url) as floor, floor.instance() as service:
        floor.leader.place()
        await until(lambda: floor.told(1) == ["ACCEPTED"])
        switches = RunSwitches(redis_url, floor.run.name)
        await switches.pull("maker", "by the desk")
        await until(lambda: floor.told(1) == ["ACCEPTED", "CANCELED"])
        floor.leader.place()
        await until(lambda: floor.told(2) == ["REFUSED"])
        assert floor.report(2).reason == "killed: by the desk"
        assert await switches.revive("maker")
        assert not await switches.revive("maker")
        await switches.close()
        await until(lambda: service._engine._switches.refusal("maker") is None)
        floor.leader.place()
        await until(lambda: floor.told(3) == ["ACCEPTED"])


async def test_what_the_venue_says_of_an_account_is_compared_with_the_stream(
    tmp_path: Path, redis_url: str
) -> None:
    async with (
        trading_floor(tmp_path, redis_url) as floor,
        floor.instance(audit_every_s=0.1) as service,
    ):
        auditor = Auditor(service._engine, service._links, service._switches, nobody)
        floor.leader.place(Side.BUY, 10_003, 25_000, OrderStyle.IMMEDIATE)
        floor.leader.place(Side.SELL, 10_001, 10_000)
        await until(lambda: floor.told(2) == ["ACCEPTED"])
        await floor.venue.place("bob", side="BUY", price="100.01", quantity="0.06")
        await until(lambda: floor.told(2) == ["ACCEPTED", "TRADED"])
        floor.leader.cancel(floor.leader.decided[-1])
        await until(lambda: floor.told(2)[2:] == ["CANCELED"])
        assert await auditor.differences("maker") == []

        # Someone else trades the strategy's account.
        await floor.venue.place(side="SELL", price="99.98", quantity="0.1", newClientOrderId="x")
        [btc, usdt] = await auditor.differences("maker")
        assert btc == "balance of BTC is off by -10000000 units"
        assert usdt.startswith("balance of USDT is off by 99")
        floor.leader.place(Side.BUY, 10_003, 10_000, OrderStyle.IMMEDIATE)
        await until(lambda: floor.told(4) == ["ACCEPTED", "TRADED"])
        [fills, *_] = await auditor.differences("maker")
        assert fills == (
            "BTCUSDT: the venue has 4 fills, 19000 lots in all, the stream 3 and 29000, up to 4"
        )


@pytest.mark.parametrize("door", DOORS)
async def test_what_the_desk_amends_is_told_and_counts_for_who_listened_or_did_not(
    tmp_path: Path, redis_url: str, door: str
) -> None:
    async with (
        trading_floor(tmp_path, redis_url, door=door) as floor,
        DeskLink(floor.venue.matching_address) as desk,
    ):
        async with floor.instance(audit_every_s=0.1) as service:
            auditor = Auditor(service._engine, service._links, service._switches, nobody)
            floor.leader.place(Side.BUY, 10_003, 25_000, OrderStyle.IMMEDIATE)
            floor.leader.place(Side.SELL, 9_998, 25_000, OrderStyle.IMMEDIATE)
            await until(lambda: floor.told(2) == ["ACCEPTED", "TRADED"])
            assert await auditor.differences("maker") == []
            await desk.correct(1, 10_001, 20_000)
            await until(lambda: len(floor.of(TradeAmended)) == 1)
            held = service._engine.traders["maker", SYMBOL].orders.holdings
            assert (held.lots, held.trades) == (-5_000, 2)
            assert await auditor.differences("maker") == []
            await desk.bust(1)
            await until(lambda: len(floor.of(TradeAmended)) == 2)
            assert (held.lots, held.trades) == (-25_000, 1)
            assert await auditor.differences("maker") == []
        await desk.bust(2)
        async with floor.instance("two") as service:
            await until(lambda: len(floor.of(TradeAmended)) == 3)
            held = service._engine.traders["maker", SYMBOL].orders.holdings
            assert (held.lots, held.base_units, held.quote_units, held.trades) == (0, 0, 0, 0)
            auditor = Auditor(service._engine, service._links, service._switches, nobody)
            assert await auditor.differences("maker") == []
    corrected, busted, missed = floor.of(TradeAmended)
    assert (corrected.order, corrected.trade_id, corrected.amendment) == (1, 1, 1)
    assert (corrected.price_ticks, corrected.lots) == (10_001, 20_000)
    assert (busted.undone_price_ticks, busted.undone_lots, busted.lots) == (10_001, 20_000, 0)
    assert (busted.undone_fee_units, busted.amendment) == (corrected.fee_units, 2)
    assert (missed.order, missed.trade_id, missed.amendment, missed.lots) == (2, 2, 1, 0)


async def nobody(_strategy: str, _text: str) -> None:
    """Is told of differences."""
