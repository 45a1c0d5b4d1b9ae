"""What a benchmark returns, and how it is shown.

A figure is the median of at least five runs, with the least and the most beside it, because the
machines that measure are shared. What was measured side by side in the same runs (a bare echo, the
uncompiled form) stands beside it as a ratio, which says more than the figure alone.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured quantity. `target` is what the project aims at; more is better unless a time."""

    name: str
    unit: str
    median: float
    least: float
    most: float
    runs: int
    target: float | None = None
    ratio: float | None = None
    ratio_to: str = ""
    pinning: str = "not pinned"

    @property
    def is_met(self) -> bool | None:
        """Say whether the target is met; None where there is none."""
        if self.target is None:
            return None
        smaller_is_better = self.unit in ("us", "ms", "s")
        return self.median <= self.target if smaller_is_better else self.median >= self.target


def figure(
    name: str,
    unit: str,
    values: Sequence[float],
    *,
    target: float | None = None,
    compared: tuple[str, Sequence[float]] | None = None,
    pinning: str = "not pinned",
) -> Figure:
    """Return the figure of several runs; `compared` names what the same runs measured beside it."""
    median = statistics.median(values)
    ratio_to, others = compared or ("", ())
    return Figure(
        name=name,
        unit=unit,
        median=median,
        least=min(values),
        most=max(values),
        runs=len(values),
        target=target,
        ratio=median / statistics.median(others) if others else None,
        ratio_to=ratio_to,
        pinning=pinning,
    )


def show(figures: Sequence[Figure]) -> None:
    """Print the figures as a table."""
    table = Table(title="agio, measured on this machine")
    for heading in ("figure", "median", "least", "most", "unit", "beside it", "target", "pinned"):
        table.add_column(heading, justify="left" if heading in ("figure", "pinned") else "right")
    for one in figures:
        met = {None: "", True: "met", False: "MISSED"}[one.is_met]
        table.add_row(
            one.name,
            *(_shown(value) for value in _three(one)),
            one.unit,
            f"{one.ratio:.2f} x {one.ratio_to}" if one.ratio is not None else "",
            f"{_shown(one.target)} {met}" if one.target is not None else "",
            one.pinning,
        )
    Console(width=140).print(table)


def save(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures and what they were measured on as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": sys.version.split()[0],
    }
    report = {"machine": machine, "figures": msgspec.to_builtins(figures)}
    path.write_text(json.dumps(report, indent=2) + "\n")


def _shown(value: float) -> str:
    places = 0 if value >= 1000 else 1 if value >= 10 else 2
    return f"{value:,.{places}f}"


def _three(one: Figure) -> tuple[float, float, float]:
    return one.median, one.least, one.most
