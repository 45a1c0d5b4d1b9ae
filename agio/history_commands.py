"""`agio history`: the historical store's service, and what one asks of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from agio import service_process
from agio.command_line import as_json, asks, configured, emit
from agio.configuration import Configuration

if TYPE_CHECKING:
    from objects.store import ObjectStore

NS_PER_S = 1_000_000_000


class Time(click.ParamType[int]):
    """ISO 8601, UTC where no zone is named, as UTC nanoseconds."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        since = moment - datetime.fromtimestamp(0, UTC)
        return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000


@click.group()
def history() -> None:
    """Keep market events in the historical store (AGIO_HISTORY_STORE_URL), and look at them."""


@history.command("run")
@configured("data", "host", "port_base")
def run(settings: Configuration) -> None:
    """Run the service that carries the queue into the store."""
    service_process.run("history", settings)


@history.command("ls")
@as_json
@asks
def list_days(settings: Configuration, *, as_json: bool) -> None:
    """List what the store has: a line for each date and symbol, and the gaps."""
    from trading.history.edge.reader import HistoryReader

    with failures_told():
        reader = HistoryReader(store(settings))
        days, gaps = reader.days(), reader.gaps()
    lines = [
        f"{day.date} {day.symbol:12} {sum(day.counts.values()):>12,} events "
        f"{day.size_bytes:>14,} bytes  {' '.join(f'{k}={n}' for k, n in day.counts.items())}"
        for day in days
    ]
    lines += [f"gap: {gap}" for gap in gaps]
    result: dict[str, Any] = {
        "first_sequence": reader.state.first_sequence,
        "through_sequence": reader.state.through_sequence,
        "days": days,
        "gaps": gaps,
    }
    emit(result, "\n".join(lines) or "nothing is stored yet", as_json=as_json)


@history.command("show")
@click.option("--from", "from_ns", type=Time(), help="First time, ISO 8601. Default: the oldest.")
@click.option("--to", "to_ns", type=Time(), help="First time no more shown. Default: the newest.")
@click.option("--symbol", "symbols", multiple=True, help="Only this; repeatable.")
@click.option("--type", "types", multiple=True, help="Only this, such as trade; repeatable.")
@click.option("--allow-gaps", is_flag=True, help="Show a range that has gaps.")
@as_json
@asks
def show(
    settings: Configuration,
    *,
    from_ns: int | None,
    to_ns: int | None,
    symbols: tuple[str, ...],
    types: tuple[str, ...],
    allow_gaps: bool,
    as_json: bool,
) -> None:
    """Print the events of a time range in order, a line each. Refuses a range that has gaps."""
    from trading.history.edge.reader import HistoryReader, Range
    from trading.history.rows import TABLE_OF, TABLES

    if unknown := set(types) - set(TABLES):
        raise click.UsageError(
            f"no type {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}"
        )
    bounds = {
        "from_ns": from_ns,
        "to_ns": to_ns,
        "symbols": symbols or None,
        "types": types or None,
    }
    wanted = Range(**{name: bound for name, bound in bounds.items() if bound is not None})  # type: ignore[arg-type]
    with failures_told():
        for event in HistoryReader(store(settings)).read(wanted, allow_gaps=allow_gaps):
            fields = {"type": TABLE_OF[type(event)]}
            fields |= {name: getattr(event, name) for name in event.__struct_fields__}
            line = msgspec.json.encode(fields).decode()
            click.echo(line if as_json else " ".join(f"{k}={_shown(v)}" for k, v in fields.items()))


@history.command("verify")
@as_json
@asks
def verify(settings: Configuration, *, as_json: bool) -> None:
    """Read all of the store again: hashes, counts, order, holes. Exits 1 if anything is wrong."""
    from trading.history.edge import verification

    with failures_told(), Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading parts", total=None)
        verified = verification.verify(
            store(settings), lambda done, of: progress.update(task, completed=done, total=of)
        )
    summary = (
        f"{verified.events:,} events in {verified.parts:,} parts, {verified.size_bytes:,} bytes, "
        f"{verified.first_sequence} to {verified.through_sequence}"
    )
    gaps = [f"gap: {gap}" for gap in verified.gaps]
    problems = [f"PROBLEM: {problem}" for problem in verified.problems]
    text = "\n".join([summary, *gaps, *problems])
    emit(verified, text, as_json=as_json)
    if verified.problems:
        raise SystemExit(1)


def store(settings: Configuration) -> ObjectStore:
    from objects.store import open_store

    return open_store(settings.history_store_url)


@contextmanager
def failures_told() -> Iterator[None]:
    from objects.manifests import ManifestError
    from objects.store import StoreFailedError
    from trading.history.edge.reader import GapError
    from trading.history.parts import PartDamagedError

    try:
        yield
    except (StoreFailedError, ManifestError, GapError, PartDamagedError) as error:
        raise click.ClickException(str(error)) from None


def _shown(value: object) -> str:
    """Return a field as a line shows it: levels as LOTS@PRICE, what has a name by that."""
    if isinstance(value, IntEnum):
        return value.name
    if isinstance(value, tuple):
        return ",".join(f"{level.lots}@{level.price_ticks}" for level in value) or "-"
    return str(value)
