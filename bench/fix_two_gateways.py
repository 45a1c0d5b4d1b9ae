"""FIX orders through two gateway processes, a listener each, before one matching process.

Eight sessions with a window of 1,000, four at each gateway, in turns with all eight at one. Each
gateway reads all records, also of the other's orders; a second one shares the work at the sockets.
The load client counts an acceptance for each order; that each session gets its own reports, once,
and both gateways the same orders, is shown by `tests/gateway/edge/test_fix_two_gateways.py`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from pathlib import Path

from bench.figures import Figure, figure, show
from bench.fix_round_trip import ONE_CORE, OTHER_CORE, WINDOW, load
from bench.fix_venue import process

RUNS = 5
ORDERS = 40_000
SESSIONS = 8
PINNING = "first gateway core 0; the other, matching and client core 1"


def measure() -> list[Figure]:
    placements = {1: [ONE_CORE], 2: [ONE_CORE, OTHER_CORE]}
    rates: dict[int, list[float]] = {count: [] for count in placements}
    for run in range(RUNS):
        for count, gateways in placements.items():
            print(f"gateways: run {run + 1} of {RUNS}, {count}", file=sys.stderr)
            rates[count].append(orders_per_s(gateways))
    return [
        figure(
            f"FIX orders through two gateways, os, {SESSIONS} sessions of {WINDOW}",
            "orders/s",
            rates[2],
            compared=("one gateway", rates[1]),
            pinning=PINNING,
        )
    ]


def orders_per_s(gateways: Sequence[AbstractSet[int]]) -> float:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        both = {
            "address": f"unix://{directory / 'matching.sock'}",
            "trace_rate": 0.0,
            "otlp_url": "",
        }
        matching = process("matching", OTHER_CORE, mode="os", directory=directory, **both)
        stack.enter_context(matching)
        port, *more_ports = [
            stack.enter_context(process("gateway", cores, directory=directory / str(place), **both))
            for place, cores in enumerate(gateways)
        ]
        rate: float = load(
            OTHER_CORE,
            measure="throughput",
            port=port,
            more_ports=more_ports,
            sessions=SESSIONS,
            orders=ORDERS,
            window=WINDOW,
        )
        return rate


if __name__ == "__main__":
    show(measure())
