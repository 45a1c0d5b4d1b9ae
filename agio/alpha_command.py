"""`agio alpha`: the alpha generator's service."""

from __future__ import annotations

import click

from agio import service_process
from agio.command_line import configured
from agio.configuration import Configuration


@click.command()
@click.argument("run")
@configured("data", "host", "port_base")
def alpha(settings: Configuration, *, run: str) -> None:
    """Run an instance of the alpha generator for RUN: strategies, from events to decisions.

    RUN is described in DATA/runs/RUN/run.json. Of any number of instances one leads each symbol;
    when it ends, another takes over. Several on one machine need an AGIO_ALPHA_METRICS_PORT each.
    """
    service_process.run("alpha", settings.model_copy(update={"trading_run": run}))
