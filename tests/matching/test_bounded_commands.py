"""The venue's own commands do a bounded amount at a time, and nothing comes between."""

import pytest

from matching.core import invariants
from matching.core.engine import Engine
from matching.pipeline import Pipeline
from matching.sequencer import Sequencer
from tests.matching import bounded_campaign
from tests.matching.samples import NOW_NS, listing, order, split_records
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import Record, pack, unpack_record
from vocabulary.types import (
    CLOCK_SESSION_ID,
    MATCHES_PER_COMMAND_MAX,
    STEPS_PER_COMMAND_MAX,
    Side,
    TimeInForce,
    TradingPhase,
)

END_NS = NOW_NS + 60 * 10**9


class Venue:
    def __init__(self) -> None:
        self.engine = Engine()
        self.pipeline = Pipeline(self.engine, Sequencer())
        self.execute(*listing())

    def execute(self, *commands: c.Command, now_ns: int = NOW_NS) -> list[Record]:
        data = b"".join(map(pack, commands))
        self.batch = self.pipeline.execute([("a", data)], now_ns)
        invariants.check(self.engine.state)
        return [unpack_record(record)[0] for record in split_records(self.batch.records)]


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Venue:
    monkeypatch.setattr("matching.pipeline.STEPS_PER_COMMAND_MAX", 2)
    return Venue()


def test_orders_expire_a_few_at_a_time_and_all_before_anything_later(venue: Venue) -> None:
    timed = {"time_in_force": TimeInForce.GOOD_TILL_DATE, "expire_time_ns": END_NS}
    venue.execute(*(order(7, number, side=Side.BUY, **timed) for number in range(1, 6)))
    *clock, taken = venue.execute(order(7, 6, side=Side.SELL, price_ticks=90), now_ns=END_NS)
    assert [len(record.events) for record in clock] == [2, 2, 1]
    assert all(isinstance(record.command, c.ExpireOrders) for record in clock)
    numbers = [record.command.session_number for record in clock]
    assert numbers == [record.timestamp_ns for record in clock] == sorted(set(numbers))
    assert not any(isinstance(event, e.TradeExecuted) for event in taken.events)
    assert venue.batch.own == [("a", 3, 4)]


def test_an_auction_trades_a_few_at_a_time_at_one_price_and_nothing_comes_between(
    venue: Venue,
) -> None:
    one = {"quantity_lots": 1, "self_trade_prevention": 1}
    pairs = [
        order(7, number, **one, price_ticks=100 + (3 if number % 2 else -3))
        for number in range(1, 11)
    ]
    phase = c.ChangePhase(8, 1, 1, TradingPhase.PRE_OPEN)
    venue.execute(phase, *pairs)
    records = venue.execute(
        c.ChangePhase(8, 2, 1, TradingPhase.TRADING, 2),
        order(7, 11, side=Side.SELL, price_ticks=90, quantity_lots=1),
        c.ChangePhase(8, 3, 1, TradingPhase.HALTED, 2),
    )
    *auction, entered, _ = records
    events = [event for record in auction for event in record.events]
    trades = [event for event in events if isinstance(event, e.AuctionTradeExecuted)]
    assert [record.command.session_id for record in auction] == [
        8,
        CLOCK_SESSION_ID,
        CLOCK_SESSION_ID,
    ]
    assert len(trades) == 5
    assert {trade.price_ticks for trade in trades} == {97}
    phases = [event.phase for event in events if isinstance(event, e.PhaseChanged)]
    assert phases == [TradingPhase.OPENING_AUCTION, TradingPhase.TRADING]
    assert isinstance(entered.events[-1], e.OrderRested)  # nobody was left to trade with
    assert venue.batch.own == [("a", 0, 1), ("a", 3, 5)]


def test_delisting_takes_cancels_only_until_all_orders_are_gone(venue: Venue) -> None:
    venue.execute(*(order(7, number, price_ticks=100 + number % 2 * -9) for number in range(1, 6)))
    told = [
        venue.execute(c.ChangePhase(8, number, 1, TradingPhase.DELISTED, 2))[0].events
        for number in range(1, 4)
    ]
    assert [sum(isinstance(event, e.OrderCanceled) for event in said) for said in told] == [2, 2, 1]
    phases = [said[-1] for said in told]
    assert phases == [
        e.PhaseChanged(1, TradingPhase.CANCEL_ONLY),
        e.PhaseChanged(1, TradingPhase.CANCEL_ONLY),
        e.PhaseChanged(1, TradingPhase.DELISTED),
    ]


def test_without_a_bound_as_in_journals_of_old_all_is_done_at_once(venue: Venue) -> None:
    venue.execute(*(order(7, number, price_ticks=100 + number % 2 * -9) for number in range(1, 6)))
    (record,) = venue.execute(c.ChangePhase(8, 1, 1, TradingPhase.DELISTED))
    assert len(record.events) == 6


@pytest.mark.parametrize(
    "campaign", [bounded_campaign.expire, bounded_campaign.uncross, bounded_campaign.delist]
)
def test_more_orders_than_one_command_takes_go_in_several_records(
    campaign: bounded_campaign.CampaignRun,
) -> None:
    told = campaign(2 * STEPS_PER_COMMAND_MAX + 2)
    assert told.records == (2 if campaign is bounded_campaign.uncross else 3)
    assert told.largest_bytes < 5_000_000


def test_an_order_that_meets_more_than_one_command_may_goes_on_in_an_auction() -> None:
    told = bounded_campaign.sweep(MATCHES_PER_COMMAND_MAX + 2)
    assert told.records == 2
    assert told.largest_bytes < 10_000_000
    traded = [event for event in told.last.events if isinstance(event, e.AuctionTradeExecuted)]
    assert len(traded) == 2
    assert told.last.events[-1] == e.PhaseChanged(1, TradingPhase.TRADING)
