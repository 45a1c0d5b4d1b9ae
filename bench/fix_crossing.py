"""FIX orders that trade with each other, and the gateway's processor time for an order.

One session with a window of 1,000 alternates buys and sells at one price, so that each second order
trades, and an order has two reports: its acceptance and its fill. Resting orders run beside them,
with one report each, as in `fix_round_trip`. The processor time is user and system time of the
gateway process: decoding, validation, encoding, the message store, and both its connections.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.figures import Figure, figure, show
from bench.fix_round_trip import ONE_CORE, OTHER_CORE, THROUGHPUT_PINNING, WINDOW, load
from bench.fix_venue import processor_s, venue

RUNS = 5
ORDERS = 40_000
CROSSING_TARGET_ORDERS_PER_S = 60_000
RESTING_TARGET_US = 6


def measure() -> list[Figure]:
    resting: list[tuple[float, float]] = []
    crossing: list[tuple[float, float]] = []
    for run in range(RUNS):
        print(f"fix crossing: run {run + 1} of {RUNS}", file=sys.stderr)
        resting.append(orders_per_s_and_gateway_us(crossing=False))
        crossing.append(orders_per_s_and_gateway_us(crossing=True))
    resting_us = [time_us for _, time_us in resting]
    return [
        figure(
            "FIX orders, crossing flow, os",
            "orders/s",
            [rate for rate, _ in crossing],
            target=CROSSING_TARGET_ORDERS_PER_S,
            compared=("resting", [rate for rate, _ in resting]),
            pinning=THROUGHPUT_PINNING,
        ),
        figure(
            "gateway's processor time of a resting FIX order",
            "us",
            resting_us,
            target=RESTING_TARGET_US,
            pinning=THROUGHPUT_PINNING,
        ),
        figure(
            "gateway's processor time of a crossing FIX order",
            "us",
            [time_us for _, time_us in crossing],
            compared=("resting", resting_us),
            pinning=THROUGHPUT_PINNING,
        ),
    ]


def orders_per_s_and_gateway_us(*, crossing: bool) -> tuple[float, float]:
    with (
        tempfile.TemporaryDirectory() as directory,
        venue(Path(directory), "os", gateway=ONE_CORE, matching=OTHER_CORE) as port,
    ):
        before_s = processor_s("gateway")
        rate: float = load(
            OTHER_CORE,
            measure="throughput",
            port=port,
            sessions=1,
            orders=ORDERS,
            window=WINDOW,
            crossing=crossing,
        )
        return rate, (processor_s("gateway") - before_s) / ORDERS * 1e6


if __name__ == "__main__":
    show(measure())
