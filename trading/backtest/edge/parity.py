"""Compares a recorded live session with itself, replayed from the history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from trading.backtest.background import Background
from trading.backtest.decision_parity import compare_decisions, decision_of
from trading.backtest.edge import recordings
from trading.backtest.fill_parity import FillParity, VenueReplay, recorded_part
from trading.backtest.firm import Fill
from trading.backtest.instruments import instrument_of
from trading.backtest.parity import Outcome, Parity, StrategyParity, outcome
from trading.backtest.recorded_orders import RecordedOrders
from trading.backtest.recording import Recording
from trading.backtest.simulation import Machine
from trading.backtest.venue import SimulatedVenue
from trading.events import DecisionTaken, OrderReported, OwnEvent, TradeAmended
from trading.history.edge.reader import EVERYTHING, HistoryReader, Range
from trading.runs import Run, StrategyRun
from vocabulary.instrument import Instrument

MakeMachine = Callable[[StrategyRun, str, int], Machine]
Fees = tuple[int, int]


class _Symbol:
    """A symbol of the run in the core."""

    def __init__(self, reader: HistoryReader, run: Run, symbol: str, fees: Fees) -> None:
        own = list(_own_events(reader, run, symbol))
        reports = [event for event in own if isinstance(event, OrderReported)]
        taken = [event for event in own if isinstance(event, DecisionTaken)]
        self._amendments = [event for event in own if isinstance(event, TradeAmended)]
        defined = recordings.instrument(reader, EVERYTHING, symbol)
        self.instrument: Instrument = instrument_of(defined, *fees)
        self.recorded = recorded_part(map(decision_of, taken), reports)
        self._reports = reports
        self.replayed: Sequence[Fill] = ()
        self.price = 0.0

    def replay(self, reader: HistoryReader, symbol: str) -> FillParity:
        venue = SimulatedVenue(self.instrument)
        replay: VenueReplay | None = None
        for columns in recordings.market(reader, EVERYTHING, symbol):
            if replay is None:
                recording = Recording(columns)
                background = Background(recording, venue, RecordedOrders(self._reports))
                replay = VenueReplay(recording, venue, background, self.recorded)
            replay.run(columns)
        assert replay is not None  # there is the instrument at least
        compared = replay.compare()
        self.replayed = replay.firm.fills
        best = [side.best.price_ticks for side in (venue.book.buys, venue.book.sells) if side.best]
        tick = 10.0**-self.instrument.tick.scale * self.instrument.tick.mantissa
        self.price = sum(best) / len(best) * tick if best else 0.0
        return compared

    def outcomes(self, strategy: str) -> tuple[Outcome, Outcome]:
        """Return what a strategy's recorded and replayed fills led to, at the last price.

        What the venue's desk amended is no matter of the rules that are replayed: the core's fills
        are compared as they were made, and amended as the venue's were.
        """
        amendments = [each for each in self._amendments if each.strategy == strategy]
        recorded = [fill for fills in self.recorded.fills.values() for fill in fills]
        live, core = (
            outcome(
                self.instrument,
                [fill for fill in fills if fill.order.strategy == strategy],
                amendments,
                self.price,
            )
            for fills in (recorded, self.replayed)
        )
        return live, core


def compare(
    reader: HistoryReader,
    run: Run,
    make_machine: MakeMachine,
    fees: Fees,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Parity:
    """Return how a run compares. `progress` is told of steps done, and of all.

    Raises `RecordingError`, and what the reader raises.
    """
    steps = len(run.symbols) + sum(len(entry.symbols) for entry in run.strategies)
    done = 0
    symbols: dict[str, _Symbol] = {}
    fills: dict[str, FillParity] = {}
    for name in run.symbols:
        symbols[name] = _Symbol(reader, run, name, fees)
        fills[name] = symbols[name].replay(reader, name)
        progress(done := done + 1, steps)
    strategies = []
    for entry in run.strategies:
        for name in entry.symbols:
            events = reader.read(_stream(run, name), allow_gaps=True)
            decisions = compare_decisions(
                make_machine(entry, name, run.epoch), entry.name, run.epoch, events
            )
            live, core = symbols[name].outcomes(entry.name)
            strategies.append(
                StrategyParity(
                    strategy=entry.name,
                    symbol=name,
                    decisions=decisions,
                    recorded=live,
                    replayed=core,
                )
            )
            progress(done := done + 1, steps)
    gaps = reader.gaps(Range(from_sequence=run.from_sequence, symbols=run.symbols))
    return Parity(
        run=run.name,
        strategies=tuple(strategies),
        fills=fills,
        warnings=tuple(str(gap) for gap in gaps),
    )


def _stream(run: Run, symbol: str) -> Range:
    return Range(from_sequence=run.from_sequence, symbols=[symbol])


def _own_events(reader: HistoryReader, run: Run, symbol: str) -> Iterator[OwnEvent]:
    """Yield the run's own events, not those of another run with strategies of the same name."""
    names = {entry.name for entry in run.strategies}
    own = Range(symbols=[symbol], types=["decision", "report", "amendment"])
    for event in reader.read(own, allow_gaps=True):
        if isinstance(event, OwnEvent) and event.strategy in names and event.epoch == run.epoch:
            yield event
