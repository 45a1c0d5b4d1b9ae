"""A venue on an empty machine, out of its backup alone.

All is made under DATA/restoring, and moved to its place in the end. A restore that was interrupted
begins anew; until one has ended, no matching process starts on the directory.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from accounts.trial_balance import TrialBalance
from agio.backup.contents import FILES, Contents, read_contents
from agio.backup.file_copy import write_files
from agio.backup.gateway_stores import newest_list
from agio.backup.restore_journal import OnProgress, fetch_journal, recover
from agio.backup.restore_ledger import restore_ledger
from agio.embedded_postgres import EmbeddedPostgres
from matching.edge.archive import sync_directory
from objects.encrypted import EncryptedStore

STAGING: Final = "restoring"
SECRETS: Final = "secrets"
LOST_AND_FOUND: Final = "lost+found"  # an empty volume has it


class RestoreRefusedError(Exception):
    """Nothing was restored; says why."""


class Restored(NamedTuple):
    """What a venue has been brought back to. `trial_balance` is None where the ledger was left."""

    last_sequence: int
    state_hash: str
    snapshot_sequence: int
    files: int
    trial_balance: TrialBalance | None


class RestoredSessions(NamedTuple):
    """As of which sequence and UTC time a gateway's sessions are, and in how many files."""

    sequence: int
    taken_ms: int
    files: int


def restore(
    store: EncryptedStore,
    data: Path,
    *,
    gateways: Mapping[str, EncryptedStore],
    until: int | None,
    open_postgres: Callable[[Path], EmbeddedPostgres | str] | None,
    on_progress: OnProgress,
) -> Restored:
    """Make of an empty directory the data of the venue, as of the sequence `until` or the newest.

    FIX sessions are those of its own gateway and of `gateways`, by name.

    `open_postgres` gives the server for the ledger, one to be started on a directory or another's
    URL; None leaves the ledger out. Only the main thread may call this. Raises
    `RestoreRefusedError`, `SpanMissingError`, `FileDamagedError`, `LedgerRefusedError` and what
    store, disk, journal and Postgres raise.
    """
    refuse_unless_empty(data)
    contents = read_contents(store)
    if not contents.spans:
        raise RestoreRefusedError("there is no journal in the backup")
    last_sequence = contents.last_sequence if until is None else until
    if not 0 < last_sequence <= contents.last_sequence:
        raise RestoreRefusedError(
            f"the backup reaches from sequence 1 to {contents.last_sequence}, not to {until}"
        )
    staging = data / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    journal = staging / "journal"
    journal.mkdir(mode=0o700, parents=True)
    fetch_journal(store, contents, last_sequence, journal, on_progress)
    recovered = recover(journal, last_sequence, on_progress)
    files = _restore_files(store, contents, gateways, last_sequence, staging)
    balance = None
    if open_postgres is not None:
        with _opened(open_postgres(staging / "postgres")) as postgres_url:
            balance = asyncio.run(
                restore_ledger(postgres_url, store, contents, recovered, on_progress)
            )
        if not balance.agrees:
            raise RestoreRefusedError(f"ledger and engine disagree: {balance.differences[:10]}")
    _move_into_place(staging, data)
    return Restored(
        last_sequence, recovered.engine.state_hash(), recovered.snapshot_sequence, files, balance
    )


def restore_gateway(
    store: EncryptedStore, gateway: EncryptedStore, data: Path, *, until: int | None
) -> RestoredSessions:
    """Make of an empty directory that of a gateway: its FIX sessions, and nothing else.

    They are from before the sequence `until`, or else before the end of the journal's backup in
    `store`. Raises `RestoreRefusedError`, `SpanMissingError`, `FileDamagedError` and what store
    and disk raise.
    """
    refuse_unless_empty(data)
    last_sequence = read_contents(store).last_sequence if until is None else until
    found = newest_list(gateway, last_sequence)
    if found is None:
        raise RestoreRefusedError(f"no copy of its sessions is from before {last_sequence}")
    copy, listed = found
    staging = data / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700, parents=True)
    files = write_files([(gateway, listed)], staging)
    _move_into_place(staging, data)
    return RestoredSessions(copy.sequence, copy.taken_ms, files)


def refuse_unless_empty(data: Path) -> None:
    """Refuse a directory that holds anything but secrets, and what a restore left unfinished."""
    found = {path.name for path in data.iterdir()} if data.exists() else set()
    if others := found - {SECRETS, STAGING, LOST_AND_FOUND}:
        raise RestoreRefusedError(f"{data} is not empty: there is {', '.join(sorted(others))}")


def _restore_files(
    store: EncryptedStore,
    contents: Contents,
    gateways: Mapping[str, EncryptedStore],
    last_sequence: int,
    staging: Path,
) -> int:
    """Write the newest files of the time, which say nothing of what came after it."""
    lists: list[tuple[EncryptedStore, bytes]] = []
    copy = contents.newest(FILES, last_sequence)
    if copy is not None:
        lists.append((store, b"".join(store.read(copy.name, contents.parts[copy.name]))))
    for own in gateways.values():
        found = newest_list(own, last_sequence)
        if found is not None:
            lists.append((own, found[1]))
    return write_files(lists, staging)


@contextmanager
def _opened(postgres: EmbeddedPostgres | str) -> Iterator[str]:
    if isinstance(postgres, str):
        yield postgres
        return
    with postgres:
        yield postgres.url()


def _move_into_place(staging: Path, data: Path) -> None:
    for path in sorted(staging.iterdir()):
        path.rename(data / path.name)
    sync_directory(data)
    staging.rmdir()
    sync_directory(data)
