"""`agio execution`: the execution engine's service, and its kill switches."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from agio import run_files, service_process, services
from agio.command_line import as_json, configured, emit
from agio.configuration import Configuration, ConfigurationError


class _RunGroup(click.Group):
    """`agio execution RUN` is short for `agio execution run RUN`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["run", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_RunGroup)
def execution() -> None:
    """Send a run's decisions to the venue as orders, and stop it from doing so.

    `agio execution RUN` runs an instance; RUN is described in DATA/runs/RUN/run.json.
    """


@execution.command("run")
@click.argument("run")
@configured("data", "host", "port_base")
def run_instance(settings: Configuration, *, run: str) -> None:
    """Run an instance for RUN.

    Any number of instances share the symbols; when one ends, the others take its over. Several on
    one machine need an AGIO_EXECUTION_METRICS_PORT each.
    """
    service_process.run("execution", settings.model_copy(update={"trading_run": run}))


@execution.command("kill")
@click.argument("run")
@click.argument("strategy", required=False)
@click.option("--reason", default="by hand", show_default=True, help="Stands in each refusal.")
@as_json
@configured("data")
def kill(
    settings: Configuration, *, run: str, strategy: str | None, reason: str, as_json: bool
) -> None:
    """Stop STRATEGY, or all of RUN: cancel what is open, refuse what is new, until `revive`."""
    name = _switch_name(settings, run, strategy)
    _with_switches(settings, run, lambda switches: switches.pull(name, reason))
    emit({"killed": name}, f"killed: {strategy or 'all strategies'} of {run}", as_json=as_json)


@execution.command("revive")
@click.argument("run")
@click.argument("strategy", required=False)
@as_json
@configured("data")
def revive(settings: Configuration, *, run: str, strategy: str | None, as_json: bool) -> None:
    """Let STRATEGY, or all of RUN, go on. A loss of the day that stands stops it again."""
    name = _switch_name(settings, run, strategy)
    was_stopped = _with_switches(settings, run, lambda switches: switches.revive(name))
    text = "revived" if was_stopped else "was not stopped"
    told = f"{strategy or 'all strategies'} of {run}: {text}"
    emit({"revived": name if was_stopped else None}, told, as_json=as_json)


@execution.command("switches")
@click.argument("run")
@as_json
@configured("data")
def switches(settings: Configuration, *, run: str, as_json: bool) -> None:
    """Show who of RUN is stopped, and why."""
    run_files.read(settings.data, run)
    pulled = _with_switches(settings, run, lambda switches: switches.pulled())
    lines = [f"{name:9} {reason}" for name, reason in sorted(pulled.items())]
    emit({"killed": pulled}, "\n".join(lines) or "nobody is stopped", as_json=as_json)


def _switch_name(settings: Configuration, run: str, strategy: str | None) -> str:
    from trading.execution.risk import ALL

    names = [entry.name for entry in run_files.read(settings.data, run).strategies]
    if strategy is not None and strategy not in names:
        raise ConfigurationError(f"run {run!r} has no strategy {strategy!r}: {', '.join(names)}")
    return strategy or ALL


def _with_switches(settings: Configuration, run: str, act: Any) -> Any:
    from redis.exceptions import RedisError

    from trading.execution.edge.run_switches import RunSwitches

    async def connect_and_act() -> Any:
        run_switches = RunSwitches(services.redis_url(settings, "execution"), run)
        try:
            return await act(run_switches)
        finally:
            await run_switches.close()

    try:
        return asyncio.run(connect_and_act())
    except (RedisError, OSError, TimeoutError) as error:
        raise click.ClickException(f"Redis: {error}") from None
