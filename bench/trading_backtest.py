"""A backtest: recorded Parquet parts through the venue's core and a strategy, both compiled.

The market is the engine's own: the flow of `bench.flow` is executed, and every record's changes of
the book and trades become the events that a feeds handler would have made of them, in a real store.
What is timed is all that `agio backtest` does with them: read, check the hash, columns, orders of
others into the core, events, the strategy, its orders. An event is a message about the book or a
trade. Rates are by CPU time of one process on one core, as other processes share the machine.

Beside it hftbacktest and nautilus_trader on the same events, where AGIO_BENCH_PYTHON names an
interpreter that has them; their strategies see every event, too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.figures import Figure, figure, show

RUNS = 5
COMMANDS = 400_000
CUT = 100_000
SYMBOL = "BASEQUOTE"
START_NS = 1_795_348_800_000_000_000
APART_NS = 20_000
WARM_UP_NS = 5_000 * APART_NS
STRATEGIES: dict[str, dict[str, Any]] = {
    "imbalance": {"position_lots": 50},
    "market_making": {"order_lots": 20, "position_lots_max": 200},
    "momentum": {"sample_ms": 10, "position_lots": 50, "order_lots": 50},
}
REFERENCES = {"hftbacktest": "hftbacktest_reference.py", "nautilus_trader": "nautilus_reference.py"}


def measure() -> list[Figure]:
    python = os.environ.get("AGIO_BENCH_PYTHON", "")
    rates: dict[str, list[float]] = {name: [] for name in ("no strategy", *STRATEGIES)}
    references: dict[str, list[float]] = {name: [] for name in REFERENCES if has(python, name)}
    with tempfile.TemporaryDirectory() as directory:
        print("trading_backtest: recording a market", file=sys.stderr)
        record(Path(directory))
        for run in range(RUNS):
            print(f"trading_backtest: run {run + 1} of {RUNS}", file=sys.stderr)
            for name, taken in rates.items():
                taken.append(
                    in_own_process(sys.executable, "-m", "bench.trading_backtest", directory, name)
                )
            for name, taken in references.items():
                script = Path(__file__).with_name(REFERENCES[name])
                taken.append(in_own_process(python, str(script), f"{directory}/market.npz"))
    figures = [
        figure(
            f"backtest, {name}",
            "events/s",
            taken,
            target=500_000 if name in STRATEGIES else None,
            pinning="core 0",
        )
        for name, taken in rates.items()
    ]
    ours = "agio", rates["imbalance"]
    figures += [
        figure(f"{name}, imbalance", "events/s", taken, compared=ours, pinning="core 0")
        for name, taken in references.items()
    ]
    return figures


def has(python: str, package: str) -> bool:
    """Say whether an interpreter has a package."""
    asked = [python, "-c", f"import {package}"]
    return bool(python) and not subprocess.run(asked, check=False).returncode


def in_own_process(*command: str) -> float:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def record(directory: Path) -> None:
    """Write a store, and the same events as rows of levels and trades for others."""
    import numpy as np

    from objects.store import open_store
    from trading.backtest import columns as col
    from trading.events import OwnEvent
    from trading.history.edge.writer import HistoryWriter

    events = market()
    writer = HistoryWriter(open_store((directory / "store").as_uri()))
    writer.open()
    for first in range(0, len(events), CUT):
        writer.write(events[first : first + CUT], "")
    told = [each for each in events if not isinstance(each, OwnEvent)]
    columns = col.of_events(SYMBOL, told)
    fields = {
        name: value for name, value in columns._asdict().items() if name not in ("symbol", "told")
    }
    np.savez(directory / "market.npz", **fields)


def market() -> list[Any]:
    """Return what a feeds handler would make of the flow: an event for each record's changes."""
    from agio.flow_runs import Translation
    from bench.flow import make_flow
    from marketdata.depth import Depth
    from matching.core.engine import Engine
    from trading.events import BookChanged, BookReset, InstrumentDefined, Level, TradePrinted
    from vocabulary import events as e
    from vocabulary.codec import unpack

    engine, depth = Engine(), Depth()
    translation = Translation(flow := make_flow(COMMANDS))
    opening = translation.opening
    engine.apply_batch(b"".join(opening), 1, 0)
    place = (SYMBOL, 0, START_NS, START_NS)
    events: list[Any] = [
        InstrumentDefined(1, *place, "BASE", "QUOTE", 1, 2, 1, 5),
        BookReset(2, *place, (), ()),
    ]
    commands = translation.take(len(flow.commands))
    for sequence, command in enumerate(commands, start=len(opening) + 1):
        now_ns = START_NS + sequence * APART_NS
        data = engine.apply(command, sequence, now_ns)
        at = 0
        while at < len(data):
            event, at = unpack(data, at)
            assert isinstance(event, e.Event)
            depth.apply(event)
            if isinstance(event, e.TradeExecuted):
                print_ = (event.trade_id, event.price_ticks, event.quantity_lots)
                seller_takes = event.incoming_side.name == "SELL"
                place = (SYMBOL, event.trade_id, now_ns, now_ns)
                events.append(TradePrinted(len(events) + 1, *place, *print_, seller_takes))
        changed = depth.take(sequence, sequence - 1, now_ns)
        if changed is not None:
            sides = (
                tuple(Level(level.price_ticks, level.lots) for level in side)
                for side in (changed.bids, changed.asks)
            )
            place = (SYMBOL, sequence, now_ns, now_ns)
            events.append(BookChanged(len(events) + 1, *place, *sides))
    return events


class NoStrategy:
    """Looks at every event and wants nothing."""

    def step(self, event: Any) -> list[Any]:  # noqa: ARG002
        return []


def rate(directory: str, name: str) -> float:
    """Return the events a second of one backtest, from the store to its result, after a warm-up."""
    import gc

    from agio import hot_paths

    os.sched_setaffinity(0, {0})
    gc.disable()
    if hot_paths.prefer_source():
        raise SystemExit("the hot paths are not compiled: run `make build`")
    from objects.store import open_store
    from trading.alpha.machine import Machine
    from trading.backtest.edge.runner import Plan, Terms, run
    from trading.history.edge.reader import EVERYTHING, HistoryReader, Range
    from trading.runs import StrategyRun

    def make_machine(symbol: str) -> Any:
        if name not in STRATEGIES:
            return NoStrategy()
        entry = StrategyRun(
            name="bench", strategy=name, parameters=STRATEGIES[name], symbols=(symbol,)
        )
        return Machine(entry, symbol, 1)

    reader = HistoryReader(open_store(Path(directory, "store").as_uri()))
    terms = Terms(latency_us=100, maker_fee_ppm=200, taker_fee_ppm=400)
    plan = Plan(name, {}, make_machine, [SYMBOL], EVERYTHING, terms)
    run(reader, plan._replace(wanted=Range(to_ns=START_NS + WARM_UP_NS)))
    start = time.process_time()
    done = run(reader, plan)
    return done.market_events / (time.process_time() - start)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(rate(*sys.argv[1:]))
    else:
        show(measure())
