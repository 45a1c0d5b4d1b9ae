"""The database's copies: the ledger, and the desk's tables, as `pg_dump` writes them.

What the ledger has behind its copy is settled again from the journal. What the desk keeps
(accounts, keys, FIX sessions, the audit) is in no journal: these tables are a copy of their own,
taken whenever they have changed. Each copy is as of one moment.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg
import structlog

from agio.embedded_postgres import postgres_binary

DESK_TABLES: Final = ("accounts", "api_keys", "audit", "fix_sessions", "maintenances")
CONNECT_TIMEOUT_S: Final = 5.0
PIECE_BYTES: Final = 1 << 20
SAID_BYTES_MAX: Final = 2000

log = structlog.get_logger("agio")

# What changes with each of the desk's doings.
DESK_STATE = """
SELECT (SELECT count(*) FROM accounts), (SELECT coalesce(max(audit_id), 0) FROM audit),
    (SELECT count(*) FROM api_keys), (SELECT count(revoked_at) FROM api_keys),
    (SELECT coalesce(max(version), 0) FROM fix_sessions)
"""
IS_EMPTY = "SELECT count(*) = 0 FROM pg_tables WHERE schemaname = 'public'"
IS_MIGRATED = "SELECT count(*) > 0 FROM pg_tables WHERE tablename = 'settled'"


class PostgresToolError(Exception):
    """`pg_dump` or `pg_restore` failed; the message is theirs."""


async def is_migrated(postgres_url: str) -> bool:
    """Say whether there is a ledger. Raises what asyncpg raises, as do the next ones."""
    return bool(await _ask(postgres_url, IS_MIGRATED))


async def is_empty(postgres_url: str) -> bool:
    return bool(await _ask(postgres_url, IS_EMPTY))


async def desk_state(postgres_url: str) -> tuple[int, ...]:
    """Return numbers that differ when the desk's tables do."""
    connection = await asyncpg.connect(postgres_url, timeout=CONNECT_TIMEOUT_S)
    try:
        return tuple(await connection.fetchrow(DESK_STATE) or ())
    finally:
        connection.terminate()


async def copy_ledger(postgres_url: str, put: Callable[[int, Iterator[bytes]], object]) -> None:
    """Copy all but the desk's tables; `put` gets the settled sequence and the copy's pieces.

    It is called in a thread. Raises what asyncpg raises, and `PostgresToolError`.
    """
    connection = await asyncpg.connect(postgres_url, timeout=CONNECT_TIMEOUT_S)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            settled_sequence = await connection.fetchval("SELECT settled_sequence FROM settled")
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            arguments = [f"--snapshot={snapshot}"]
            arguments += [f"--exclude-table-data={table}" for table in DESK_TABLES]
            pieces = _dump(postgres_url, arguments)
            await asyncio.to_thread(put, settled_sequence, pieces)
    finally:
        connection.terminate()


def copy_desk(postgres_url: str) -> Iterator[bytes]:
    """Yield a copy of the desk's tables. Raises `PostgresToolError`."""
    return _dump(postgres_url, ["--data-only", *(f"--table={table}" for table in DESK_TABLES)])


def load(postgres_url: str, pieces: Iterable[bytes]) -> None:
    """Load a copy, all of it or nothing. Raises `PostgresToolError`."""
    arguments = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
    with _running("pg_restore", postgres_url, arguments, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it says why
            for piece in pieces:
                process.stdin.write(piece)
            process.stdin.close()


def _dump(postgres_url: str, arguments: Sequence[str]) -> Iterator[bytes]:
    custom = ["--format=custom", *arguments]
    with _running("pg_dump", postgres_url, custom, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while piece := process.stdout.read(PIECE_BYTES):
            yield piece


@contextmanager
def _running(
    program: str,
    postgres_url: str,
    arguments: Sequence[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of Postgres on a database. Raises `PostgresToolError` unless it succeeds.

    What it says goes to a file, of which the end counts: nobody reads a pipe while the copy passes,
    and a full one would stop it. Every user can read a command line, so it has no password.
    """
    parts = urlsplit(postgres_url)
    credentials, _, place = parts.netloc.rpartition("@")
    user = credentials.partition(":")[0]
    url = urlunsplit(parts._replace(netloc=f"{user}@{place}" if user else place))
    environment = os.environ | {"PGCONNECT_TIMEOUT": f"{CONNECT_TIMEOUT_S:.0f}"}
    if parts.password is not None:
        environment["PGPASSWORD"] = unquote(parts.password)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 (our own command line)
            [str(postgres_binary(program)), f"--dbname={url}", *arguments],
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=said,
        )
        try:
            yield process
            status = process.wait()
            text = _tail(said)
            if status != 0:
                raise PostgresToolError(text or f"{program} ended with {status}")
            if text:
                log.warning("said", program=program, text=text)
        finally:
            _end(process)


def _tail(said: IO[bytes]) -> str:
    said.seek(max(said.seek(0, os.SEEK_END) - SAID_BYTES_MAX, 0))
    return said.read().decode(errors="replace").strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):  # it has ended before it had read everything
                stream.close()
    process.wait()


async def _ask(postgres_url: str, question: str) -> object:
    connection = await asyncpg.connect(postgres_url, timeout=CONNECT_TIMEOUT_S)
    try:
        return await connection.fetchval(question)
    finally:
        connection.terminate()
