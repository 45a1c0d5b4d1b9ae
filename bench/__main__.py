"""Measures everything, or what is named: `python -m bench engine feed`."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

import structlog

from bench.figures import Figure, save, show

BENCHMARKS = (
    "engine",
    "durable_path",
    "fix_codec",
    "fix_round_trip",
    "fix_crossing",
    "fix_idle_sessions",
    "fix_two_gateways",
    "settlement",
    "recovery",
    "histories",
    "readers",
    "feed",
    "event_stream",
    "tracing",
    "trading_feeds",
    "trading_history",
    "trading_backtest",
    "trading_latency",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the venue.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--save", type=Path, default=Path("bench/results/latest.json"))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(
            f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}"
        )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))  # only the table
    figures: list[Figure] = []
    for name in arguments.names or BENCHMARKS:
        figures += import_module(f"bench.{name}").measure()
    show(figures)
    save(figures, arguments.save)


if __name__ == "__main__":
    main()
