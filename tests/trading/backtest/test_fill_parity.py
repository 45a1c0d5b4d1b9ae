"""Which differences between recorded fills and those of the core have which reason."""

from __future__ import annotations

from typing import Any

from tests.trading.backtest.market import EPOCH, SYMBOL, Recorder
from tests.trading.backtest.test_background import Reports
from trading.backtest import columns as col
from trading.backtest.background import Background
from trading.backtest.fill_parity import Difference, FillParity, VenueReplay, recorded_part
from trading.backtest.instruments import instrument_of
from trading.backtest.recorded_orders import RecordedOrders
from trading.backtest.recording import Recording
from trading.backtest.venue import SimulatedVenue
from trading.decisions import Action, Decision, OrderStyle
from trading.events import InstrumentDefined, ReportKind
from vocabulary.types import Side

ACCEPTED, TRADED = ReportKind.ACCEPTED, ReportKind.TRADED


def decided(number: int, side: Side, style: OrderStyle = OrderStyle.RESTING) -> Decision:
    terms = (Action.PLACE, number, side, 100, 3, style)
    return Decision("maker", SYMBOL, EPOCH, number, 1, *terms)


def compared(recorder: Recorder, decisions: list[Decision], reports: Reports) -> FillParity:
    columns = col.of_events(SYMBOL, recorder.events)
    defined = recorder.events[0]
    assert isinstance(defined, InstrumentDefined)
    recording, venue = Recording(columns), SimulatedVenue(instrument_of(defined, 0, 0))
    background = Background(recording, venue, RecordedOrders(reports.events))
    recorded = recorded_part(decisions, reports.events)
    replay = VenueReplay(recording, venue, background, recorded)
    replay.run(columns)
    return replay.compare()


def fill(lots: int, **more: Any) -> dict[str, Any]:
    return {"trade_id": 1, "fill_price_ticks": 100, "fill_lots": lots, "is_maker": True} | more


def test_an_order_alone_at_its_price_is_filled_as_it_was() -> None:
    recorder = Recorder().reset({99: 5}, {102: 4}).change({100: 3})
    recorder.trade(100, 2, buyer_is_maker=True).change({100: 1})
    reports = Reports().add(ACCEPTED, 102, 1).add(TRADED, 103, 1, **fill(2))
    assert compared(recorder, [decided(1, Side.BUY)], reports).differences == ()


def test_a_place_in_a_shared_queue_explains_a_fill() -> None:
    """4 of the 5 before us left, which a level can't tell from the 4 that came behind us."""
    recorder = Recorder().reset({100: 5}, {102: 4}).change({100: 8}).change({100: 12})
    recorder.change({100: 8}).trade(100, 3, buyer_is_maker=True).change({100: 5})
    reports = Reports().add(ACCEPTED, 102, 1).add(TRADED, 105, 1, **fill(2))
    (difference,) = compared(recorder, [decided(1, Side.BUY)], reports).differences
    assert difference.why is Difference.QUEUE_PLACE
    assert sum(row.lots for row in difference.recorded) == 2


def test_what_was_not_printed_can_not_be_filled() -> None:
    recorder = Recorder().reset({99: 5}, {102: 4}).change({100: 3}).change({100: 1})
    reports = Reports().add(ACCEPTED, 102, 1).add(TRADED, 103, 1, **fill(2))
    (difference,) = compared(recorder, [decided(1, Side.BUY)], reports).differences
    assert difference.why is Difference.NOT_PRINTED


def test_an_order_whose_time_nobody_knows_is_not_placed() -> None:
    recorder = Recorder().reset({99: 5}, {102: 4}).trade(100, 2, buyer_is_maker=True)
    reports = Reports().add(ACCEPTED, 0, 1).add(TRADED, 0, 1, **fill(2))
    (difference,) = compared(recorder, [decided(1, Side.BUY)], reports).differences
    assert difference.why is Difference.NO_SEQUENCE


def test_an_offer_between_two_updates_explains_what_was_taken() -> None:
    """Somebody offered at 100 and was taken at once: the book never told of it."""
    recorder = Recorder().reset({99: 5}, {102: 4}).trade(100, 3, buyer_is_maker=False)
    recorder.change({99: 6})
    taken = fill(3, is_maker=False)
    reports = Reports().add(ACCEPTED, 102, 1).add(TRADED, 102, 1, **taken)
    order = decided(1, Side.BUY, OrderStyle.IMMEDIATE)
    (difference,) = compared(recorder, [order], reports).differences
    assert difference.why is Difference.BETWEEN_UPDATES


def test_two_of_the_firms_own_meet_as_they_did() -> None:
    """And if the recording says otherwise, nothing explains it."""
    recorder = Recorder().reset({99: 5}, {102: 4}).change({100: 3})
    recorder.trade(100, 3, buyer_is_maker=True).change({100: 0})
    orders = [decided(1, Side.BUY), decided(2, Side.SELL, OrderStyle.IMMEDIATE)]

    def recorded(price: int) -> Reports:
        reports = Reports().add(ACCEPTED, 102, 1)
        reports.add(ACCEPTED, 103, 2, side=Side.SELL)
        reports.add(TRADED, 103, 1, **fill(3))
        taken = fill(3, is_maker=False, fill_price_ticks=price)
        return reports.add(TRADED, 103, 2, side=Side.SELL, **taken)

    assert compared(recorder, orders, recorded(100)).differences == ()
    (difference,) = compared(recorder, orders, recorded(101)).differences
    assert difference.why is Difference.UNEXPLAINED


def test_an_order_stands_where_the_next_print_meets_it() -> None:
    """It came and was met between two updates of the book: the venue's sequences tell the order."""
    recorder = Recorder().reset({99: 5}, {102: 4}).trade(100, 2, buyer_is_maker=True)
    recorder.change({100: 1})
    reports = Reports().add(ACCEPTED, 102, 1).add(TRADED, 102, 1, **fill(2))
    assert compared(recorder, [decided(1, Side.BUY)], reports).differences == ()
