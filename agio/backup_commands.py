"""`agio backup`, and `agio restore`, which makes a venue of one."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from agio import service_process
from agio.command_line import as_json, asks, configured, emit
from agio.configuration import Configuration
from agio.secret_files import Secrets

if TYPE_CHECKING:
    from agio.backup.restore_journal import Progress as Reached
    from objects.encrypted import EncryptedStore

SHOW_S = 0.1


@click.group()
def backup() -> None:
    """Keep a backup of the venue (AGIO_BACKUP_URL), and look at it."""


@backup.command("run")
@configured("data", "host", "port_base")
def run(settings: Configuration) -> None:
    """Run the service that keeps the backup. `agio up` runs it where AGIO_BACKUP_URL is set."""
    service_process.run("backup", settings)


@backup.command("ls")
@as_json
@asks
def list_backup(settings: Configuration, *, as_json: bool) -> None:
    """List what is there: how far the journal goes, and the copies of everything else."""
    from agio.backup.contents import FILES, Copy, read_contents

    with failures_told():
        contents = read_contents(open_backup(settings, settings.backup_url))
        gateways = {
            name: sorted(map(Copy.parse, store.files(f"{FILES}/")))
            for name, store in open_gateways(settings, settings.backup_url).items()
        }
    lines = [f"journal    1 to {contents.last_sequence}, {len(contents.spans)} spans"]
    lines += [
        f"{copy.kind:10} as of {copy.sequence}, {_time(copy.taken_ms)}"
        for copies in contents.copies.values()
        for copy in copies
    ]
    lines += [
        f"sessions   of {name}: {len(copies)} copies, the newest as of {copies[-1].sequence}, "
        f"{_time(copies[-1].taken_ms)}"
        for name, copies in gateways.items()
        if copies
    ]
    told: dict[str, Any] = {
        "last_sequence": contents.last_sequence,
        "spans": contents.spans,
        "copies": contents.copies,
        "gateways": gateways,
    }
    emit(told, "\n".join(lines), as_json=as_json)


@backup.command("verify")
@as_json
@asks
def verify(settings: Configuration, *, as_json: bool) -> None:
    """Read every object again: its encryption, its hash, and no hole in the journal.

    Exits 1 if anything is wrong, with its name. A restore is the only proof of more.
    """
    from agio.backup.verification import verify_all

    with failures_told(), StepProgress() as progress:
        verified = verify_all(
            open_backup(settings, settings.backup_url),
            open_gateways(settings, settings.backup_url),
            progress.show,
        )
    files, size = f"{verified.files:,} files", f"{verified.size_bytes:,} bytes"
    lines = [f"{files}, {size}, journal 1 to {verified.last_sequence}"]
    lines += [f"PROBLEM: {problem}" for problem in verified.problems]
    emit(verified, "\n".join(lines), as_json=as_json)
    if verified.problems:
        raise SystemExit(1)


@click.command()
@click.option("--from", "url", help="The backup's URL. Default: AGIO_BACKUP_URL.")
@click.option("--until", type=int, help="The last sequence wanted. Default: all there is.")
@click.option("--without-ledger", is_flag=True, help="Leave Postgres alone: it is not lost.")
@click.option("--gateway", help="Restore the FIX sessions of one gateway, and nothing else.")
@as_json
@asks
def restore(
    settings: Configuration,
    *,
    url: str | None,
    until: int | None,
    without_ledger: bool,
    gateway: str | None,
    as_json: bool,
) -> None:
    """Rebuild the venue in an empty --data directory, from its backup alone.

    It needs the secrets that a backup never has: AGIO_BACKUP_KEY_FILE and AGIO_MASTER_KEY, or their
    files in DATA/secrets. The ledger goes into AGIO_POSTGRES_URL, an empty database, or under DATA.

    FIX sessions of gateways on other machines come with it. With --gateway one gateway's come
    alone, onto its own empty machine.
    """
    from agio.backup.restore import refuse_unless_empty
    from agio.backup.restore import restore as restore_venue
    from agio.embedded_postgres import EmbeddedPostgres

    if gateway is not None:
        _restore_gateway(settings, url or settings.backup_url, gateway, until, as_json=as_json)
        return
    secrets = Secrets(settings)

    def open_postgres(directory: Path) -> EmbeddedPostgres | str:
        own = EmbeddedPostgres(directory, secrets.postgres_password)
        return settings.postgres_url or own

    started = time.monotonic()
    gc.disable()  # it would visit every order again and again, and there are no cycles to find
    with failures_told(), StepProgress() as progress:
        refuse_unless_empty(settings.data)
        if not without_ledger:
            _need_master_key(settings)
        restored = restore_venue(
            open_backup(settings, url or settings.backup_url),
            settings.data,
            gateways=open_gateways(settings, url or settings.backup_url),
            until=until,
            open_postgres=None if without_ledger else open_postgres,
            on_progress=progress.show,
        )
    seconds = time.monotonic() - started
    balance = restored.trial_balance
    lines = [
        f"last sequence {restored.last_sequence}",
        f"state hash    {restored.state_hash}",
        f"replayed      from the snapshot at {restored.snapshot_sequence}",
        f"files         {restored.files}",
        "ledger        left as it is"
        if balance is None
        else f"ledger        settled to {balance.sequence}, {len(balance.assets)} assets, agrees",
        f"took          {seconds:.1f} s, {restored.last_sequence / seconds:,.0f} records/s",
    ]
    told = restored._asdict() | {"seconds": seconds}
    emit(told, "\n".join(lines), as_json=as_json)


def open_backup(settings: Configuration, url: str | None) -> EncryptedStore:
    """Return the store of a backup, to be read."""
    from objects.encrypted import EncryptedError, open_encrypted, read_secret
    from objects.store import open_store

    if url is None:
        raise click.UsageError("backup_url: not set; name the backup")
    key_file = settings.backup_key_file or settings.data / "secrets" / "backup_key"
    try:
        return open_encrypted(open_store(url), read_secret(key_file))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except EncryptedError as error:
        raise click.ClickException(f"{url}: {error}") from None


def open_gateways(settings: Configuration, url: str | None) -> dict[str, EncryptedStore]:
    """Return what the backup at `url` has of gateways on machines of their own, by name."""
    from agio.backup.gateway_stores import gateway_names, gateway_url

    if url is None:
        return {}
    return {name: open_backup(settings, gateway_url(url, name)) for name in gateway_names(url)}


def _restore_gateway(
    settings: Configuration, url: str | None, name: str, until: int | None, *, as_json: bool
) -> None:
    from agio.backup.restore import restore_gateway

    with failures_told():
        store = open_backup(settings, url)
        gateways = open_gateways(settings, url)
        if name not in gateways:
            raise click.UsageError(f"no gateway {name!r} in the backup: {', '.join(gateways)}")
        restored = restore_gateway(store, gateways[name], settings.data, until=until)
    text = f"{restored.files} files as of {restored.sequence}, {_time(restored.taken_ms)}"
    emit(restored._asdict(), text, as_json=as_json)


@contextmanager
def failures_told() -> Iterator[None]:
    import asyncpg

    from agio.backup.postgres_copy import PostgresToolError
    from agio.backup.restore import RestoreRefusedError
    from agio.backup.restore_ledger import LedgerRefusedError
    from matching.journal_format import JournalDamagedError
    from matching.journal_spans import SpanMissingError
    from matching.replay import ReplayError
    from objects.encrypted import FileDamagedError
    from objects.store import StoreFailedError

    try:
        yield
    except (
        StoreFailedError,
        FileDamagedError,
        SpanMissingError,
        RestoreRefusedError,
        LedgerRefusedError,
        PostgresToolError,
        JournalDamagedError,
        ReplayError,
        asyncpg.PostgresError,
        OSError,
    ) as error:
        raise click.ClickException(str(error)) from None


class StepProgress:
    """A bar for each step on standard error while it is a terminal; nothing otherwise."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        text = TextColumn("{task.fields[sequence]:,} records, {task.fields[rate]:,.0f}/s")
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), text)
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, Any] = {}
        self._shown_s = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, reached: Reached) -> None:
        now_s = time.monotonic()
        is_last = reached.sequence == reached.last_sequence
        if now_s - self._shown_s < SHOW_S and not is_last and reached.step in self._tasks:
            return
        self._shown_s = now_s
        if reached.step not in self._tasks:
            task = self._bar.add_task(reached.step, total=None, sequence=0, rate=0.0)
            self._tasks[reached.step] = task, now_s, reached.sequence
        task, began_s, first = self._tasks[reached.step]
        self._bar.update(
            task,
            completed=reached.sequence,
            total=reached.last_sequence,
            sequence=reached.sequence,
            rate=(reached.sequence - first) / max(now_s - began_s, SHOW_S),
        )


def _need_master_key(settings: Configuration) -> None:
    """Refuse where clients' secrets could not be read afterwards."""
    if settings.master_key is None and not (settings.data / "secrets" / "master_key").exists():
        raise click.UsageError(
            "master_key: give the venue's own, AGIO_MASTER_KEY or "
            f"{os.path.join(settings.data, 'secrets', 'master_key')}: "  # noqa: PTH118
            "without it the API keys' secrets can't be read"
        )


def _time(taken_ms: int) -> str:
    return datetime.fromtimestamp(taken_ms / 1000, UTC).isoformat(" ", "seconds")
