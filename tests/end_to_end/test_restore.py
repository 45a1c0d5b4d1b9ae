"""The machine is lost: its venue comes back on an empty one, from S3 and two secrets alone."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from agio import venue as venue_file
from agio.ops_client import OpsClient
from tests.agio.running_venue import RunningVenue, free_port_base, is_running, wait_for
from tests.end_to_end.test_first_trade import ccxt_client, fix_client
from tests.gateway.fix_client import FixClient


@pytest.fixture
def environment(
    tmp_path: Path, s3_store_url: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Let the venue's processes find the bucket and both secrets, which are not on its machine."""
    key_file = tmp_path / "backup_key"
    key_file.write_text(base64.b64encode(bytes(range(32))).decode())
    variables = {
        "AGIO_BACKUP_URL": s3_store_url,
        "AGIO_BACKUP_KEY_FILE": str(key_file),
        "AGIO_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
        "AGIO_BACKUP_SECONDS": "0.2",
        "AGIO_SNAPSHOT_RECORDS": "40",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def state_of(venue: RunningVenue, service: str) -> dict[str, Any]:
    described = venue_file.read(venue.data)
    assert described is not None
    return venue_file.health(described.health[service])


def wait_until_backed_up(venue: RunningVenue) -> None:
    """Wait until all that has happened so far is in the backup."""
    began = time.monotonic()

    def is_there() -> bool:
        state = state_of(venue, "backup")
        elapsed_s = time.monotonic() - began - 0.1
        return bool(state["ready"]) and max(state["age_s"], state["others_age_s"]) < elapsed_s

    wait_for(is_there, "it is not backed up")


async def trader(venue: RunningVenue, name: str, asset: str, amount: str) -> dict[str, str]:
    """Make a funded account; return its API key and secret."""
    described = venue_file.read(venue.data)
    assert described is not None
    token = Path(described.ops_token_file).read_text().strip()
    async with OpsClient(venue.endpoints["ops"], token) as ops:
        await ops.create_account(name)
        await ops.credit(name, asset, amount)
        return await ops.create_key(name, [], [], "", None)


async def settled(venue: RunningVenue) -> list[asyncpg.Record]:
    """Return all of the ledger once it has what the journal has."""
    described = venue_file.read(venue.data)
    assert described is not None
    head = state_of(venue, "matching")["sequence"]
    wait_for(lambda: state_of(venue, "accounts")["settled_sequence"] >= head, "not settled")
    connection = await asyncpg.connect(described.postgres_url)
    rows = await connection.fetch("SELECT * FROM entries ORDER BY 1, 2, 3")
    rows += await connection.fetch("SELECT * FROM trades ORDER BY 1, 2")
    rows += await connection.fetch("SELECT * FROM balances ORDER BY 1, 2")
    await connection.close()
    return rows


def lose(venue: RunningVenue) -> str:
    """Kill everything, delete everything; return the state that the journal led to."""
    pids = venue.pids()
    venue.kill()
    wait_for(lambda: not any(map(is_running, pids)), "a child outlived the venue")
    told = venue.run("replay", str(venue.data), "--json")
    shutil.rmtree(venue.data)
    return str(json.loads(told.stdout)["state_hash"])


def restore(
    data: Path, *, without: Sequence[str] = (), **changed: str
) -> subprocess.CompletedProcess[str]:
    """Run `agio restore` as on a new machine, with what the environment has of secrets."""
    environment = {name: text for name, text in os.environ.items() if name not in without}
    return subprocess.run(
        [sys.executable, "-m", "agio", "restore", "--json", "--data", str(data)],
        env=environment | changed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def refuse_without_secrets(data: Path, environment: dict[str, str], other_key: Path) -> None:
    told = restore(data, without=("AGIO_MASTER_KEY",))
    assert "master_key: give the venue's own" in told.stderr
    other_key.write_text(environment["AGIO_MASTER_KEY"])
    told = restore(data, AGIO_BACKUP_KEY_FILE=str(other_key))
    assert "it was encrypted with another key" in told.stderr
    assert not data.exists()


async def test_a_lost_venue_comes_back_from_s3_alone(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    venue = RunningVenue(tmp_path / "lost", free_port_base())
    venue.start()
    firm = await trader(venue, "firm", "BTC", "3")
    app = await trader(venue, "app", "USDT", "100000")
    binance = ccxt_client(venue, app)
    async with fix_client(venue, firm) as fix:
        for number in range(60):
            fix.enter(f"sell-{number}", "sell", "0.01", str(50000 + number))
            await fix.expect("8")
            if number % 20 == 10:
                os.kill(state_of(venue, "backup")["pid"], signal.SIGKILL)
                wait_for(lambda: "pid" in state_of(venue, "backup"), "it is not started again")
        wait_for(lambda: bool(list(venue.data.glob("journal/*.snapshot"))), "no snapshot")
        wait_until_backed_up(venue)
        binance.create_order("BTC/USDT", "limit", "buy", 0.01, 50010)
        assert (await fix.expect("8"))[150] == "F"
        resting = binance.create_order("BTC/USDT", "limit", "buy", 0.1, 40000)
    late = await trader(
        venue, "late", "USDT", "7"
    )  # behind the ledger's copy; the desk has one of its own
    ledger = await settled(venue)
    balance = binance.fetch_balance()
    last_sequence = state_of(venue, "matching")["sequence"]
    wait_until_backed_up(venue)
    state_hash = lose(venue)

    again = RunningVenue(tmp_path / "new", venue.port_base)
    refuse_without_secrets(again.data, environment, tmp_path / "other_key")
    told = restore(again.data)
    assert told.returncode == 0, told.stderr
    restored = json.loads(told.stdout)
    assert restored["last_sequence"] >= last_sequence
    assert restored["state_hash"] == state_hash
    assert restored["snapshot_sequence"] >= 40
    with again:
        assert await settled(again) == ledger
        binance = ccxt_client(again, app)
        assert binance.fetch_balance()["total"] == balance["total"]
        assert binance.fetch_order(resting["id"], "BTC/USDT")["status"] == "open"
        assert ccxt_client(again, late).fetch_balance()["USDT"]["free"] == 7
        port = int(again.endpoints["fix_order_entry"].rpartition(":")[2])
        session = await FixClient.connect(port, "FIRM")
        session.next_number = fix.next_number  # as if nothing had happened
        answer = await session.log_on(firm["api_key"], firm["secret"])
        assert (answer[35], int(answer[34]) > 60) == ("A", True)
        session.enter("sell-again", "sell", "0.01", "40000")
        assert (await session.expect("8"))[150] == "0"
        assert (await session.expect("8"))[150] == "F"
        await session.log_out()
        wait_until_backed_up(again)  # to where it came from
    verified = again.run("backup", "verify", "--json", "--data", str(again.data))
    assert json.loads(verified.stdout)["problems"] == []
