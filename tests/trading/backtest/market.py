"""A recorded market as tests write it down, and machines that trade on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trading.backtest import columns as col
from trading.backtest.background import Background
from trading.backtest.instruments import instrument_of
from trading.backtest.recorded_orders import RecordedOrders
from trading.backtest.recording import Recording
from trading.backtest.simulation import Machine, Simulation
from trading.backtest.venue import SimulatedVenue
from trading.decisions import Action, Decision, OrderStyle
from trading.events import (
    AnyEvent,
    BookChanged,
    BookReset,
    DecisionTaken,
    FeedLost,
    InstrumentDefined,
    Level,
    MarketEvent,
    OrderReported,
    ReportKind,
    TimePassed,
    TradePrinted,
)
from vocabulary.types import Side

SYMBOL = "BTCUSDT"
NOON_NS = 1_795_348_800_000_000_000
MS = 1_000_000
EPOCH = 1_795_348_800
MAKER_PPM, TAKER_PPM = 200, 400

BookText = dict[int, int]
"""Lots by price in ticks."""


def levels(side: BookText) -> tuple[Level, ...]:
    return tuple(Level(price, lots) for price, lots in side.items())


class Recorder:
    """Writes a market down, an event a millisecond unless told otherwise."""

    def __init__(self) -> None:
        self.events: list[MarketEvent] = []
        self.now_ns = NOON_NS
        self.trades = 0
        self.updates = 100
        self._add(InstrumentDefined, 0, "BTC", "USDT", 1, 2, 1, 5)

    def reset(self, bids: BookText, asks: BookText, *, after_ns: int = MS) -> Recorder:
        return self._book(BookReset, bids, asks, after_ns)

    def change(
        self, bids: BookText | None = None, asks: BookText | None = None, *, after_ns: int = MS
    ) -> Recorder:
        return self._book(BookChanged, bids or {}, asks or {}, after_ns)

    def trade(self, price: int, lots: int, *, buyer_is_maker: bool, after_ns: int = MS) -> Recorder:
        self.now_ns += after_ns
        self.trades += 1
        return self._add(TradePrinted, self.trades, self.trades, price, lots, buyer_is_maker)

    def lose(self) -> Recorder:
        return self._add(FeedLost, 0, "no connection")

    def wait(self) -> Recorder:
        return self._add(TimePassed, 0)

    def _book(self, kind: type[Any], bids: BookText, asks: BookText, after_ns: int) -> Recorder:
        self.now_ns += after_ns
        self.updates += 1
        return self._add(kind, self.updates, levels(bids), levels(asks))

    def _add(self, kind: type[Any], source_sequence: int, *fields: Any) -> Recorder:
        place = (len(self.events) + 1, SYMBOL, source_sequence, self.now_ns, self.now_ns)
        self.events.append(kind(*place, *fields))
        return self


Act = tuple[Side, int, int, OrderStyle] | int
"""Side, price, lots and style of an order; or the number of the decision to cancel."""


class Script:
    """A machine that does what it is told when an event is seen: `acts` by their count."""

    name = "script"

    def __init__(self, acts: Mapping[int, Sequence[Act]]) -> None:
        self.acts = acts
        self.seen: list[AnyEvent] = []
        self.decisions: list[Decision] = []

    def step(self, event: AnyEvent) -> list[Decision]:
        self.seen.append(event)
        if isinstance(event, DecisionTaken | OrderReported):
            return []
        market = sum(not isinstance(each, DecisionTaken | OrderReported) for each in self.seen)
        return [self._decide(event, act) for act in self.acts.get(market, [])]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.seen if isinstance(event, kind)]

    def told(self, order: int) -> list[ReportKind]:
        return [event.kind for event in self.of(OrderReported) if event.order == order]

    def _decide(self, event: AnyEvent, act: Act) -> Decision:
        number = len(self.decisions) + 1
        place = (self.name, SYMBOL, EPOCH, number, event.stream_sequence)
        if isinstance(act, int):
            terms = self.decisions[act - 1]
            fields = (terms.side, terms.price_ticks, terms.lots, terms.style)
            decision = Decision(*place, Action.CANCEL, act, *fields)
        else:
            decision = Decision(*place, Action.PLACE, number, *act)
        self.decisions.append(decision)
        return decision


def simulate(
    events: Sequence[MarketEvent],
    machine: Machine,
    *,
    latency_us: int = 10,
    recorded: Sequence[OrderReported] = (),
    fees: tuple[int, int] = (MAKER_PPM, TAKER_PPM),
    cut: Callable[[Sequence[MarketEvent]], list[Sequence[MarketEvent]]] = lambda all_: [all_],
) -> Simulation:
    """Return a finished simulation of a machine over recorded events."""
    defined = events[0]
    assert isinstance(defined, InstrumentDefined)
    pieces = [col.of_events(SYMBOL, piece) for piece in cut(events)]
    recording, venue = Recording(pieces[0]), SimulatedVenue(instrument_of(defined, *fees))
    background = Background(recording, venue, RecordedOrders(recorded))
    simulation = Simulation(machine, recording, venue, background, latency_us * 1000)
    for piece in pieces:
        simulation.run(piece)
    simulation.finish()
    return simulation
