"""Runs a strategy over the history, a symbol after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from trading.backtest import columns as col
from trading.backtest.background import Background
from trading.backtest.edge import recordings
from trading.backtest.edge.recordings import RecordingError
from trading.backtest.firm import Fill
from trading.backtest.instruments import instrument_of
from trading.backtest.performance import evaluate
from trading.backtest.recorded_orders import RecordedOrders
from trading.backtest.recording import Recording
from trading.backtest.result import Backtest, FillRow
from trading.backtest.simulation import Machine, Simulation
from trading.backtest.venue import SimulatedVenue
from trading.history.edge.reader import HistoryReader, Range
from vocabulary.instrument import Instrument, ListingError

NS_PER_US = 1000


class Terms(NamedTuple):
    """What a backtest takes for granted about the way to the venue and its price."""

    latency_us: int
    maker_fee_ppm: int
    taker_fee_ppm: int


class Plan(NamedTuple):
    """What to run. `make_machine` makes the strategy's machine in a symbol."""

    strategy: str
    parameters: Mapping[str, Any]
    make_machine: Callable[[str], Machine]
    symbols: Sequence[str]
    wanted: Range
    terms: Terms


def run(
    reader: HistoryReader, plan: Plan, progress: Callable[[int, int], None] = lambda *_: None
) -> Backtest:
    """Return what the strategy would have done. `progress` is told of events done, and of all.

    Raises `RecordingError`, and what the reader raises.
    """
    of = sum(
        recordings.row_count(reader, recordings.of_symbol(plan.wanted, symbol))
        for symbol in plan.symbols
    )
    done = 0
    finished: list[tuple[Instrument, Simulation]] = []
    warnings: list[str] = [f"{gap}" for gap in reader.gaps(_touched(plan))]
    for symbol in plan.symbols:
        instrument = _instrument(reader, plan, symbol)
        simulation = None
        for columns in recordings.market(reader, plan.wanted, symbol):
            if simulation is None:
                simulation = _begin(reader, plan, instrument, columns)
            simulation.run(columns)
            done += len(columns)
            progress(done, of)
        if simulation is None:
            raise RecordingError(f"{symbol}: the history has nothing of it in that range")
        simulation.finish()
        finished.append((instrument, simulation))
        warnings += _warnings(symbol, simulation)
    return _result(plan, finished, warnings)


def _touched(plan: Plan) -> Range:
    return Range(from_ns=plan.wanted.from_ns, to_ns=plan.wanted.to_ns, symbols=plan.symbols)


def _instrument(reader: HistoryReader, plan: Plan, symbol: str) -> Instrument:
    defined = recordings.instrument(reader, plan.wanted, symbol)
    try:
        return instrument_of(defined, plan.terms.maker_fee_ppm, plan.terms.taker_fee_ppm)
    except ListingError as error:
        raise RecordingError(f"{symbol}: {error}") from None


def _begin(
    reader: HistoryReader, plan: Plan, instrument: Instrument, columns: col.Columns
) -> Simulation:
    recording, venue = Recording(columns), SimulatedVenue(instrument)
    own = RecordedOrders(recordings.reports(reader, plan.wanted, instrument.symbol))
    return Simulation(
        plan.make_machine(instrument.symbol),
        recording,
        venue,
        Background(recording, venue, own),
        plan.terms.latency_us * NS_PER_US,
    )


def _warnings(symbol: str, simulation: Simulation) -> Iterator[str]:
    if orders := simulation.background.recorded_orders.order_count:
        yield (
            f"{symbol}: the recording has {orders} orders of the firm's own. They were taken out, "
            "but not what others did because of them."
        )
    if refused := simulation.venue.refused:
        yield f"{symbol}: the core refused {refused} recorded orders of others"
    behind = simulation.firm.behind_others
    if shared := sum(fill.is_maker and fill.order in behind for fill in simulation.fills):
        yield (
            f"{symbol}: {shared} of {len(simulation.fills)} fills came in a queue with others, "
            "where the place of an order is an estimate"
        )


def _result(
    plan: Plan, finished: Sequence[tuple[Instrument, Simulation]], warnings: Sequence[str]
) -> Backtest:
    return Backtest(
        strategy=plan.strategy,
        parameters=plan.parameters,
        from_ns=min(simulation.samples[0].time_ns for _, simulation in finished),
        to_ns=max(simulation.samples[-1].time_ns for _, simulation in finished),
        latency_us=plan.terms.latency_us,
        maker_fee_ppm=plan.terms.maker_fee_ppm,
        taker_fee_ppm=plan.terms.taker_fee_ppm,
        market_events=sum(simulation.market_events for _, simulation in finished),
        decisions=sum(len(simulation.decisions) for _, simulation in finished),
        symbols=tuple(
            evaluate(instrument, simulation.fills, simulation.samples)
            for instrument, simulation in finished
        ),
        fills={
            instrument.symbol: tuple(_row(instrument, fill) for fill in simulation.fills)
            for instrument, simulation in finished
        },
        warnings=tuple(warnings),
    )


def _row(instrument: Instrument, fill: Fill) -> FillRow:
    paid_in = instrument.base if fill.fee_is_in_base else instrument.quote
    return FillRow(
        fill.time_ns,
        fill.order.client_order_id,
        fill.side.name,
        instrument.price_text(fill.price_ticks),
        instrument.quantity_text(fill.lots),
        f"{paid_in.text(fill.fee_units)} {paid_in.name}",
        fill.is_maker,
    )
