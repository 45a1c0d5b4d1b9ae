"""Each cell of the table of phases and commands, and the table in the documentation."""

import pytest

from agio.hot_paths import ROOT
from matching.core.engine import Engine
from matching.core.trading_phase import COLLECTING, TABLE, Treatment, table
from tests.matching.core.requests import enter
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import pack, unpack
from vocabulary.rejects import RejectReason
from vocabulary.types import CancelReason, Side, TradingPhase

LISTED = [phase for phase in TABLE if phase is not TradingPhase.DELISTED]
COMMANDS: dict[type[c.Command], c.Command] = {
    c.EnterOrder: enter(client_order_id=b"bid", price_ticks=12),
    c.ReplaceOrder: c.ReplaceOrder(1, 1, 1, 1, 0, 12, 4, b"bid", b"low"),
    c.CancelOrder: c.CancelOrder(1, 1, 1, 1, 0, b"", b"low"),
    c.CancelAllOrders: c.CancelAllOrders(1, 1, 1, 0, b""),
    c.ChangeIncrements: c.ChangeIncrements(1, 1, 1, 1, 1, 0),
}
EVENTS: dict[type[c.Command], type[e.Event]] = {
    c.EnterOrder: e.OrderAccepted,
    c.ReplaceOrder: e.OrderReplaced,
    c.CancelOrder: e.OrderCanceled,
    c.CancelAllOrders: e.OrderCanceled,
    c.ChangeIncrements: e.IncrementsChanged,
}


class Asked:
    def __init__(self) -> None:
        self.engine = Engine()
        self.sequence = 0

    def __call__(self, command: c.Command) -> list[e.Event]:
        self.sequence += 1
        data = self.engine.apply(pack(command), self.sequence, 0)
        events: list[e.Event] = []
        at = 0
        while at < len(data):
            event, at = unpack(data, at)
            assert isinstance(event, e.Event)
            events.append(event)
        return events


@pytest.fixture
def ask() -> Asked:
    """Give an engine in which a bid at 10, `low`, and an offer at 11 are open."""
    ask = Asked()
    for command in (
        c.ListAsset(1, 1, 1, 0, b"BTC"),
        c.ListAsset(1, 1, 2, 0, b"USD"),
        c.ListInstrument(1, 1, 1, 1, 2, 1, 1, 0, 0, 0, b"BTCUSD"),
        c.CreditFunds(1, 1, 1, 1, 1000),
        c.CreditFunds(1, 1, 1, 2, 1000),
        enter(client_order_id=b"low"),
        enter(client_order_id=b"offer", side=Side.SELL, price_ticks=11),
    ):
        ask(command)
    return ask


def test_delisting_cancels_all_orders_and_is_for_good(ask: Asked) -> None:
    canceled, _, changed = ask(c.ChangePhase(1, 1, 1, TradingPhase.DELISTED))
    assert isinstance(canceled, e.OrderCanceled)
    assert canceled.reason is CancelReason.DELISTED
    assert changed == e.PhaseChanged(1, TradingPhase.DELISTED)
    assert all(held == 0 for _, _, _, held in ask.engine.funds())
    asked: list[tuple[c.Command, RejectReason]] = [
        (COMMANDS[c.EnterOrder], RejectReason.NOT_TRADING),
        (COMMANDS[c.ReplaceOrder], RejectReason.NOT_TRADING),
        (COMMANDS[c.CancelOrder], RejectReason.UNKNOWN_ORDER),
        (c.ChangePhase(1, 1, 1, TradingPhase.TRADING), RejectReason.INSTRUMENT_DELISTED),
    ]
    for command, reason in asked:
        assert ask(command) == [e.CommandRejected(reason)]
    assert ask(COMMANDS[c.CancelAllOrders]) == []


@pytest.mark.parametrize("phase", LISTED, ids=lambda phase: phase.name)
@pytest.mark.parametrize("command_type", COMMANDS, ids=lambda one: one.__name__)
def test_each_phase_treats_each_command_as_the_table_says(
    ask: Asked, phase: TradingPhase, command_type: type[c.Command]
) -> None:
    ask(c.ChangePhase(1, 1, 1, phase))
    events = ask(COMMANDS[command_type])
    treatment = TABLE[phase][command_type]
    if treatment is Treatment.REFUSED:
        is_desk = command_type is c.ChangeIncrements
        refused = RejectReason.STILL_TRADING if is_desk else RejectReason.NOT_TRADING
        assert events == [e.CommandRejected(refused)]
        return
    assert isinstance(events[0], EVENTS[command_type])
    trades = any(isinstance(event, e.TradeExecuted) for event in events)
    assert trades is (treatment is Treatment.MATCHED)


@pytest.mark.parametrize("left", sorted(COLLECTING))
@pytest.mark.parametrize("entered", TradingPhase)
def test_what_has_crossed_trades_before_trading_goes_on_and_at_the_close(
    ask: Asked, left: int, entered: TradingPhase
) -> None:
    ask(c.ChangePhase(1, 1, 1, TradingPhase(left)))
    ask(enter(client_order_id=b"bid", price_ticks=12))
    events = ask(c.ChangePhase(1, 1, 1, entered))
    uncrosses = entered is TradingPhase.TRADING or (
        left == TradingPhase.CLOSING_AUCTION and entered is TradingPhase.CLOSED
    )
    assert any(isinstance(event, e.AuctionTradeExecuted) for event in events) is uncrosses
    assert e.PhaseChanged(1, entered) in events


def test_the_table_is_the_one_in_the_documentation() -> None:
    assert set(TABLE) == set(TradingPhase)
    assert table() in (ROOT / "docs" / "rules.md").read_text()
