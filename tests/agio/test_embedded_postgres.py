import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from agio.child_process import ServerFailedError
from agio.embedded_postgres import EmbeddedPostgres

PARENT = """
import sys, time
from pathlib import Path
from agio.embedded_postgres import EmbeddedPostgres

server = EmbeddedPostgres(Path(sys.argv[1]), "secret")
server.start()
print(server.process.pid, flush=True)
time.sleep(60)
"""


async def fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_data_outlive_a_stop(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres", "secret") as server:
        await fetch(server.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    with EmbeddedPostgres(tmp_path / "postgres", "secret") as server:
        assert await fetch(server.url(), "SELECT answer FROM kept") == 42
        assert await fetch(server.url(), "SHOW fsync") == "on"
        assert str(await fetch(server.url(), "SHOW server_version")).startswith("18.")


async def test_only_the_password_opens_it(postgres_server: EmbeddedPostgres) -> None:
    url = postgres_server.url().replace("test-password", "guess")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url)


async def test_a_killed_parent_leaves_no_orphan_and_its_data_serve_the_next(
    tmp_path: Path,
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "postgres")], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    server_pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()

    # At once, so that it may have to wait for its predecessor's end.
    with EmbeddedPostgres(tmp_path / "postgres", "secret") as server:
        assert await fetch(server.url(), "SELECT 1") == 1

    deadline = time.monotonic() + 10
    while is_running(server_pid):
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.05)


async def test_a_folder_that_only_root_can_enter_will_do(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with EmbeddedPostgres(home / "postgres", "secret") as server:
        assert await fetch(server.url(), "SELECT 1") == 1


def test_damaged_data_are_refused_with_what_the_server_said(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres", "secret") as server:
        pass
    (server.directory / "data" / "PG_VERSION").write_text("9.1\n")
    with pytest.raises(ServerFailedError, match=r"initialized by PostgreSQL version 9\.1"):
        server.start()


def test_a_stop_is_clean(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres", "secret") as server:
        pass
    assert server.process.returncode == 0
    assert "database system is shut down" in (server.directory / "server.log").read_text()
    with pytest.raises(ProcessLookupError):
        os.kill(server.process.pid, signal.SIGTERM)


async def test_each_test_has_an_empty_database(postgres_url: str) -> None:
    count = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    assert await fetch(postgres_url, count) == 0
    await fetch(postgres_url, "CREATE TABLE litter ()")


test_and_so_has_the_next = test_each_test_has_an_empty_database
