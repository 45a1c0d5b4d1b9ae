"""`agio trade`: a strategy live, on the venue that runs on the same data."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import click
from pydantic import ValidationError
from rich.console import Console

from agio import telemetry, venue
from agio.command_line import as_json, configured, emit
from agio.configuration import Configuration, ConfigurationError
from agio.strategy_options import Given

# A strategy's name begins its client order ids, and has 8 characters at most.
SHORT_NAMES = {"market_making": "maker", "imbalance": "flow"}


@click.command()
@click.argument("strategy")
@click.option("--live", is_flag=True, help="Confirm that orders are to be sent.")
@click.option("--symbol", "symbols", multiple=True, default=("BTCUSDT",), show_default=True)
@click.option(
    "--parameter", "parameters", multiple=True, type=Given(), help="Of the strategy; repeatable."
)
@click.option("--limit", "limits", multiple=True, type=Given(), help="Of the risk; repeatable.")
@click.option("--door", type=click.Choice(["websocket", "fix"]), default="websocket")
@click.option("--account", help="The account that trades. Default: a new one, with funds.")
@click.option("--run", "name", help="The run's name. Default: the strategy and the time.")
@click.option("--alphas", type=click.IntRange(1, 8), default=2, show_default=True)
@click.option("--executions", type=click.IntRange(1, 8), default=1, show_default=True)
@click.option("--seconds", type=float, help="End after so long. Default: at Ctrl-C.")
@as_json
@configured("data", "port_base")
def trade(
    settings: Configuration,
    *,
    strategy: str,
    live: bool,
    symbols: tuple[str, ...],
    parameters: tuple[tuple[str, Any], ...],
    limits: tuple[tuple[str, Any], ...],
    door: str,
    account: str | None,
    name: str | None,
    alphas: int,
    executions: int,
    seconds: float | None,
    as_json: bool,
) -> None:
    """Trade STRATEGY on the venue that runs on --data (`agio up`), with all that a firm needs.

    Starts a feeds handler, a historical store, alpha generators and execution engines on this
    machine, writes the run down in DATA/runs, and shows how it stands. At the end everything is
    canceled; `agio parity RUN` then explains what happened. Exits 1 if anything was off.
    """
    from agio import trade as trading
    from trading.runs import StrategyRun
    from trading.strategies import registry

    if not live:
        raise click.UsageError("say --live: orders will be sent; to try, there is `agio backtest`")
    running = venue.read(settings.data)
    if running is None:
        raise ConfigurationError(f"no venue runs on {settings.data}: start one with `agio up`")
    try:
        registry.check(strategy, dict(parameters))
        entry = StrategyRun.model_validate(
            {
                "name": SHORT_NAMES.get(strategy, strategy),
                "strategy": strategy,
                "parameters": dict(parameters),
                "symbols": symbols,
                "door": door,
                "limits": dict(limits),
            }
        )
    except (registry.StrategyError, ValidationError) as error:
        raise click.UsageError(_explain(error)) from None
    telemetry.configure_logging(settings.log_level, settings.data / "logs" / "trade.log")
    begun = datetime.fromtimestamp(time.time(), UTC)
    run_name = name or f"{entry.name}-{begun:%Y%m%d-%H%M%S}"
    plan = trading.Plan(
        run_name,
        int(begun.timestamp()),
        (entry,),
        {entry.name: account or run_name},
        alphas,
        executions,
    )
    told = trading.run(settings, running, plan, seconds, Console(stderr=True))
    emit(told, trading.summary_text(told), as_json=as_json)
    if told.problems:
        raise SystemExit(1)


def _explain(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{'.'.join(map(str, each['loc']))} = {each['input']!r}: {each['msg']}"
        for each in error.errors()
    )
