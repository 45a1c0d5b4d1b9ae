"""Matching alone: flows of commands through the bare books and through the whole engine.

Each run is `agio bench engine` in a process of its own, on one core. The compiled form and the
source take turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from agio.flow_file import write_flow
from bench.figures import Figure, figure, show
from bench.flow import KINDS, make_flow

RUNS = 5
COMMANDS = 1_000_000
SOURCE_COMMANDS = 60_000
CORNER_COMMANDS = 2_000_000
CORNER_RUNS = 2
RESTING = (1_000, 10_000, 100_000, 1_000_000)
RESTING_COMMANDS = 200_000
ORDERS_PER_LEVEL = 10
ORDER_BYTES = {"bare books": 127, "engine": 334}  # by `bench.resting_memory`, of 1,000,000
AGIO = Path(sys.executable).with_name("agio")


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        return [*rates(Path(directory)), corners(Path(directory)), *curve(Path(directory))]


def rates(directory: Path) -> list[Figure]:
    """Return what the flow of one symbol, and of a hundred, comes to."""
    for symbols in (1, 100):
        write_flow(directory / f"{symbols}", make_flow(COMMANDS, symbols), seed=1)
    write_flow(directory / "source", make_flow(SOURCE_COMMANDS), seed=1)
    cases: dict[str, tuple[str, list[str], float | None]] = {
        "bare books, 1 symbol": ("1", ["--bare"], 20e6),
        "bare books, 100 symbols": ("100", ["--bare"], 8e6),
        "engine, 1 symbol": ("1", [], 5e6),
        "engine, 1 symbol, batches of 10": ("1", ["--batch", "10"], 2.5e6),
        "engine, 100 symbols": ("100", [], None),
        "engine, source": ("source", [], None),
    }
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for run in range(RUNS):
        for name, (file, options, _) in cases.items():
            told = run_flow(directory / file, *options, is_source=file == "source")
            taken[name].append(told["commands_per_second"])
            print(f"{name}: run {run + 1} of {RUNS}", file=sys.stderr)
    return [
        figure(name, "commands/s", taken[name], target=target, pinning="core 0")
        for name, (_, _, target) in cases.items()
    ]


def corners(directory: Path) -> Figure:
    """Return the worst of five flows, which is what a book is to be judged by."""
    worst: tuple[float, str, list[float]] | None = None
    for kind in KINDS:
        write_flow(directory / kind, make_flow(CORNER_COMMANDS, kind=kind), seed=1)
        runs = [run_flow(directory / kind, "--bare") for _ in range(CORNER_RUNS)]
        values = [told["commands_per_second"] for told in runs]
        print(f"bare books, {kind}: {max(values):,.0f} commands/s", file=sys.stderr)
        if worst is None or max(values) < worst[0]:
            worst = max(values), kind, values
    assert worst is not None
    name = f"bare books, worst of five flows: {worst[1]}"
    return figure(name, "commands/s", worst[2], target=3e6, pinning="core 0")


def curve(directory: Path) -> list[Figure]:
    """Return how the cost of a command grows with the orders that rest, ten a level.

    Beside it stands what the processor takes to read a place of as much memory.
    """
    figures = []
    for resting in RESTING:
        spread = max(resting // ORDERS_PER_LEVEL // 2, 2)
        flow = make_flow(RESTING_COMMANDS, depth=resting, spread=spread)
        write_flow(directory / "resting", flow, seed=1)
        for name, options in (("bare books", ["--bare"]), ("engine", [])):
            size = resting * ORDER_BYTES[name]
            costs, reads = [], []
            for _ in range(CORNER_RUNS):
                told = run_flow(directory / "resting", *options)
                costs.append(1e6 / told["commands_per_second"])
                reads.append(read_us(size))
            print(f"{name}, {resting:,} resting: {min(costs):.3f} us", file=sys.stderr)
            what = f"{name}, a command with {resting:,} orders resting"
            beside = (f"a read among {size / 1e6:,.1f} MB, {1e3 * min(reads):.1f} ns", reads)
            figures.append(figure(what, "us", costs, compared=beside, pinning="core 0"))
    return figures


def read_us(size: int) -> float:
    """Return what a read at random costs in so many bytes: see `bench.resting_reads`."""
    command = ["taskset", "-c", "0", sys.executable, "-m", "bench.resting_reads", str(size)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_flow(file: Path, *options: str, is_source: bool = False) -> dict[str, Any]:
    """Return what `agio bench engine` says of a flow."""
    environment = {**os.environ, "AGIO_UNCOMPILED": "1" if is_source else ""}
    command = [AGIO, "bench", "engine", "--json", "--flow", file, *options]
    done = subprocess.run(
        ["taskset", "-c", "0", *map(str, command)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    if told["form"] != ("uncompiled" if is_source else "compiled"):
        raise SystemExit("the hot paths are not compiled: run `make build`")
    return told


if __name__ == "__main__":
    show(measure())
