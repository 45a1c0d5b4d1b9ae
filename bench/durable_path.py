"""A command's way through matching: the disk, the pipeline, the socket; and what an order takes.

Each is held against what it can't be faster than, in turns within the same runs: the journal
against a bare write and fdatasync of the same bytes, the pipeline against the slower of engine and
disk, one command in flight against a uvloop echo of as many bytes on such a socket.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agio.flow_runs import Translation
from bench.figures import Figure, figure, show
from bench.flow import make_flow
from bench.matching_socket import one_in_flight
from matching.core.engine import Engine
from matching.edge.journal import Journal
from matching.link import pack_records
from matching.pipeline import Pipeline
from matching.sequencer import Sequencer

RUNS = 5
COMMANDS = 30_000
BATCHES = (1, 10, 100, 1_000)
COMMITS = 300  # of each size, in a run
PIPELINE_BATCH = 100
TIMES_SLOWER_MAX = 3.0
RESTING = 1_000_000
LEVELS = 100_000
FILE_BYTES = 64 << 20
PINNING = "core 0"


def measure() -> list[Figure]:
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {0})
    try:
        return measured()
    finally:
        os.sched_setaffinity(0, everywhere)


def measured() -> list[Figure]:
    with tempfile.TemporaryDirectory(dir=".") as directory:
        place = Path(directory).resolve()
        commands = packed_commands()
        return [
            *journal_figures(place, records_of(commands)),
            pipeline_figure(place, commands),
            socket_figure(place),
            *memory_figures(),
        ]


def packed_commands() -> list[bytes]:
    """Return commands as gateways send them: what lists and funds, then a flow."""
    flow = make_flow(COMMANDS)
    translation = Translation(flow)
    return [*translation.opening, *translation.take(len(flow.commands))]


def records_of(commands: list[bytes]) -> list[bytes]:
    pipeline = Pipeline(Engine(), Sequencer())
    return [pipeline.execute([one], time.time_ns()).records for one in numbered(commands)]


def numbered(commands: list[bytes]) -> list[tuple[int, bytes]]:
    """Return them with session numbers 1, 2, 3 …, which a session may use but once."""
    return [
        (1, command[:16] + number.to_bytes(8, "little") + command[24:])
        for number, command in enumerate(commands, 1)
    ]


# --- The journal, beside a bare write and sync.


def journal_figures(place: Path, records: list[bytes]) -> list[Figure]:
    """Return durable commands a second by the size of a batch."""
    figures = []
    for batch in BATCHES:
        batches = [
            b"".join(records[first : first + batch])
            for first in range(0, min(len(records) - batch + 1, COMMITS * batch), batch)
        ]
        written: list[float] = []
        bare: list[float] = []
        for run in range(RUNS):
            print(f"journal, batches of {batch}: run {run + 1} of {RUNS}", file=sys.stderr)
            journal = Journal(place / f"journal-{batch}-{run}")
            begin(journal, records[0])
            start = time.perf_counter()
            for part in batches:
                journal.append(part)
            written.append(batch * len(batches) / (time.perf_counter() - start))
            journal.close()
            bare.append(batch * len(batches) / bare_seconds(place / "bare", batches))
        name = f"journal, durable commands, batches of {batch}"
        beside = ("a bare fdatasync", bare)
        figures.append(figure(name, "commands/s", written, compared=beside, pinning=PINNING))
    return figures


def begin(journal: Journal, records: bytes) -> None:
    """Append some records, and wait until the next segment is made, which keeps the disk busy."""
    journal.append(records)
    journal.room(sys.maxsize)  # which depends on it


def bare_seconds(path: Path, batches: list[bytes]) -> float:
    """Return how long it takes to write and sync the same bytes, each batch by itself."""
    path.write_bytes(bytes(FILE_BYTES))
    file = os.open(path, os.O_RDWR)
    os.fsync(file)
    at = 0
    start = time.perf_counter()
    for batch in batches:
        at += os.pwrite(file, batch, at)
        os.fdatasync(file)
    taken = time.perf_counter() - start
    os.close(file)
    path.unlink()
    return taken


# --- The pipeline, beside the slower of engine and disk.


def pipeline_figure(place: Path, commands: list[bytes]) -> Figure:
    """Return the time of a batch: sequenced, applied, journalled, packed for the readers."""
    sent = numbered(commands)
    batches = [sent[at : at + PIPELINE_BATCH] for at in range(0, len(sent), PIPELINE_BATCH)]
    whole: list[float] = []
    slower: list[float] = []
    for run in range(RUNS):
        print(f"pipeline: run {run + 1} of {RUNS}", file=sys.stderr)
        pipeline = Pipeline(Engine(), Sequencer())
        journal = Journal(place / f"pipeline-{run}")
        first = pipeline.execute(batches[0], time.time_ns()).records
        begin(journal, first)
        records = [first]
        start = time.perf_counter()
        for batch in batches[1:]:
            done = pipeline.execute(batch, time.time_ns())
            journal.append(done.records)
            pack_records(done.records)
            records.append(done.records)
        whole.append((time.perf_counter() - start) / (len(batches) - 1) * 1e6)
        journal.close()
        alone = max(engine_seconds(batches), bare_seconds(place / "bare", records))
        slower.append(alone / len(batches) * 1e6)
    return figure(
        f"pipeline, a batch of {PIPELINE_BATCH} commands made durable",
        "us",
        whole,
        target=TIMES_SLOWER_MAX * statistics.median(slower),
        compared=("the slower of engine and disk", slower),
        pinning=PINNING,
    )


def engine_seconds(batches: list[list[tuple[int, bytes]]]) -> float:
    engine = Engine()
    joined = [b"".join(command for _, command in batch) for batch in batches]
    sequence = 1
    start = time.perf_counter()
    for batch, commands in zip(batches, joined, strict=True):
        engine.apply_batch(commands, sequence, 1)
        sequence += len(batch)
    return time.perf_counter() - start


# --- One command in flight.


def socket_figure(place: Path) -> Figure:
    """Return the time from a command to its record over a unix socket."""
    command: list[float] = []
    echo: list[float] = []
    for run in range(RUNS):
        print(f"one command in flight: run {run + 1} of {RUNS}", file=sys.stderr)
        times = one_in_flight(place / f"socket-{run}", {0})
        command.append(statistics.median(times.commands_us))
        echo.append(statistics.median(times.echoes_us))
    return figure(
        "one command in flight, unix socket to its record, os mode, p50",
        "us",
        command,
        target=TIMES_SLOWER_MAX * statistics.median(echo),
        compared=("a uvloop echo", echo),
        pinning="all on core 0",
    )


# --- What an order takes.


def memory_figures() -> list[Figure]:
    """Return the bytes of a resting order, its share of levels, tables and names included."""
    figures = []
    for what in ("bare book", "engine"):
        print(f"memory, {what}", file=sys.stderr)
        done = subprocess.run(
            [sys.executable, "-m", "bench.resting_memory", what, str(RESTING), str(LEVELS)],
            check=True,
            capture_output=True,
            text=True,
        )
        name = f"{what}, memory of an order, {RESTING:,} resting on {LEVELS:,} levels"
        figures.append(figure(name, "bytes", [float(done.stdout)], pinning=PINNING))
    return figures


if __name__ == "__main__":
    show(measure())
