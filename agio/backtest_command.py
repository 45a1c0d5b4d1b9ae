"""`agio backtest`: a strategy over recorded history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from agio import standard_listings
from agio.command_line import as_json, asks, emit
from agio.configuration import Configuration
from agio.history_commands import Time, failures_told, store
from agio.strategy_options import Given

NAME = "backtest"
DEFAULT_FEES = f"{standard_listings.MAKER_FEE_PPM}/{standard_listings.TAKER_FEE_PPM}"


class Fees(click.ParamType[tuple[int, int]]):
    """Maker's and taker's, in parts per million; a maker's below 0 is a rebate."""

    name = "maker/taker"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        maker, slash, taker = value.partition("/")
        if not (slash and maker.removeprefix("-").isdecimal() and taker.isdecimal()):
            self.fail(f"{value!r} is not two numbers such as {DEFAULT_FEES}", param, ctx)
        return int(maker), int(taker)


@click.command()
@click.argument("strategy")
@click.option("--from", "from_ns", type=Time(), help="First time, ISO 8601. Default: the oldest.")
@click.option("--to", "to_ns", type=Time(), help="First time left out. Default: the newest.")
@click.option("--symbol", "symbols", multiple=True, help="Repeatable. Default: all that there are.")
@click.option(
    "--parameter", "given", multiple=True, type=Given(), help="Of the strategy; repeatable."
)
@click.option(
    "--latency",
    "latency_us",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Microseconds from a decision to the venue, and from there to its report.",
)
@click.option(
    "--fees",
    type=Fees(),
    default=DEFAULT_FEES,
    show_default=True,
    help="Maker's (below 0: a rebate) and taker's, in parts per million.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write report.html and report.json here. Default: DATA/backtests/STRATEGY.",
)
@as_json
@asks
def backtest(
    settings: Configuration,
    *,
    strategy: str,
    from_ns: int | None,
    to_ns: int | None,
    symbols: tuple[str, ...],
    given: tuple[tuple[str, Any], ...],
    latency_us: int,
    fees: tuple[int, int],
    out: Path | None,
    as_json: bool,
) -> None:
    """Run STRATEGY over the history: its orders are matched by the venue's own core.

    STRATEGY is market_making, momentum, imbalance or noise; docs/trading.md has their parameters.

    Others' orders are what the recording says of the book; docs/trading.md tells how they are made
    of it, and what that is worth.
    """
    from trading.backtest.edge.recordings import RecordingError
    from trading.backtest.edge.runner import Plan, Terms, run
    from trading.backtest.page import page, summary
    from trading.backtest.result import encode
    from trading.history.edge.reader import HistoryReader, Range

    parameters = dict(given)
    whole = Range()
    wanted = Range(
        from_ns=whole.from_ns if from_ns is None else from_ns,
        to_ns=whole.to_ns if to_ns is None else to_ns,
    )
    with failures_told(), Progress(console=Console(stderr=True), transient=True) as progress:
        reader = HistoryReader(store(settings))
        chosen = symbols or tuple(sorted({day.symbol for day in reader.days(wanted)}))
        if not chosen:
            raise click.ClickException("the history has nothing in that range")
        plan = Plan(
            strategy,
            parameters,
            _machines(strategy, parameters, chosen),
            chosen,
            wanted,
            Terms(latency_us, *fees),
        )
        task = progress.add_task(f"{strategy} over history", total=None)
        try:
            done = run(reader, plan, lambda n, of: progress.update(task, completed=n, total=of))
        except RecordingError as error:
            raise click.ClickException(str(error)) from None
    directory = out or settings.data / "backtests" / strategy
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.json").write_bytes(encode(done))
    (directory / "report.html").write_text(page(done))
    lines = [f"{done.market_events:,} market events, {done.decisions:,} decisions"]
    for performance in done.symbols:
        lines += ["", performance.symbol]
        lines += [f"  {name:22}{text}" for name, text in summary(performance)]
    lines += ["", *(f"WARNING: {text}" for text in done.warnings), f"{directory / 'report.html'}"]
    emit(done, "\n".join(lines), as_json=as_json)


def _machines(strategy: str, parameters: dict[str, Any], symbols: tuple[str, ...]) -> Any:
    """Return what makes the machine of a symbol; says at once what the strategy does not take."""
    from trading.alpha.machine import Machine
    from trading.runs import StrategyRun
    from trading.strategies.registry import StrategyError

    entry = StrategyRun(name=NAME, strategy=strategy, parameters=parameters, symbols=symbols)
    try:
        Machine(entry, symbols[0], 1)
    except StrategyError as error:
        raise click.UsageError(str(error)) from None
    return lambda symbol: Machine(entry, symbol, 1)
