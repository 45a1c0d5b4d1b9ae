"""`agio archive`: the archive's service, and what one asks of the archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress

from agio import service_process
from agio.command_line import as_json, asks, configured, emit
from agio.configuration import Configuration, ConfigurationError

if TYPE_CHECKING:
    from objects.store import ObjectStore


@click.group()
def archive() -> None:
    """Keep trades, events and candles as Parquet (AGIO_ARCHIVE_URL), and look at them."""


@archive.command("run")
@configured("data", "host", "port_base")
def run(settings: Configuration) -> None:
    """Run the service that archives the journal's events."""
    service_process.run("archive", settings)


@archive.command("ls")
@as_json
@asks
def list_days(settings: Configuration, *, as_json: bool) -> None:
    """List what the archive has: a line for each date and symbol."""
    from marketdata.edge.archive_reader import cuts, days, read_state

    with _failures_told():
        store = _store(settings)
        state, found = read_state(store), days(cuts(store))
    lines = [
        f"{day.date} {day.symbol:12} {day.parts:>6,} parts {day.size_bytes:>14,} bytes  "
        + " ".join(f"{kind}={count}" for kind, count in sorted(day.counts.items()))
        for day in found
    ]
    lines.append(f"through record {state.through_sequence}")
    emit(
        {"through_sequence": state.through_sequence, "days": found},
        "\n".join(lines),
        as_json=as_json,
    )


@archive.command("verify")
@as_json
@asks
def verify(settings: Configuration, *, as_json: bool) -> None:
    """Read all of the archive again: hashes, counts, order, holes. Exits 1 if anything is wrong."""
    from marketdata.edge import archive_reader

    with _failures_told(), Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading parts", total=None)
        verified = archive_reader.verify(
            _store(settings), lambda done, of: progress.update(task, completed=done, total=of)
        )
    rows = ", ".join(f"{count:,} {kind}s" for kind, count in verified.rows.items())
    summary = (
        f"{rows or 'nothing'} in {verified.parts:,} parts, {verified.size_bytes:,} bytes; "
        f"records {verified.first_sequence} to {verified.through_sequence}"
    )
    problems = [f"PROBLEM: {problem}" for problem in verified.problems]
    emit(verified, "\n".join([summary, *problems]), as_json=as_json)
    if verified.problems:
        raise SystemExit(1)


@archive.command("retain")
@click.option("--days", type=click.IntRange(1), required=True, help="Delete what is older.")
@click.option("--cold-days", type=click.IntRange(1), help="Move it to colder storage before.")
@asks
def retain(settings: Configuration, *, days: int, cold_days: int | None) -> None:
    """Have S3 delete what the archive has had for so many days, by lifecycle rules of its bucket.

    Where the archive stands stays; verification begins at the oldest that is there.
    """
    from marketdata.archive_manifest import MANIFESTS, PARTS
    from objects.s3 import S3Store

    store = _store(settings)
    if not isinstance(store, S3Store):
        raise click.ClickException("only S3 deletes by age; delete old dates of a directory")
    if cold_days is not None and cold_days >= days:
        raise click.UsageError(f"--cold-days {cold_days} must be less than --days {days}")
    with _failures_told():
        store.retain([PARTS, MANIFESTS], days, cold_days)
    click.echo(f"S3 deletes parts and manifests after {days} days")


def _store(settings: Configuration) -> ObjectStore:
    from objects.store import open_store

    url = settings.archive_url
    if not url:
        raise ConfigurationError("archive_url: name the archive, AGIO_ARCHIVE_URL")
    return open_store(url)


@contextmanager
def _failures_told() -> Iterator[None]:
    from objects.manifests import ManifestError
    from objects.store import StoreFailedError

    try:
        yield
    except (StoreFailedError, ManifestError) as error:
        raise click.ClickException(str(error)) from None
