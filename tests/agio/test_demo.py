import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from agio import configuration
from agio.demo.reckoning import Reckoning, reckon
from agio.demo.summary import summarise
from agio.demo.tally import Tally
from agio.embedded_postgres import EmbeddedPostgres
from agio.secret_files import Secrets
from tests.agio.running_venue import free_port_base

pytestmark = pytest.mark.timeout(360)  # whichever comes first in its worker plays the demo twice


def demo(data: Path) -> dict[str, Any]:
    completed = subprocess.run(
        [
            *(sys.executable, "-m", "agio", "demo", "--seconds", "12", "--json"),
            *("--data", str(data), "--port-base", str(free_port_base())),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    summary: dict[str, Any] = json.loads(completed.stdout)
    return summary


def replay(data: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "agio", "replay", str(data), "--json"]
    told: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
    return told


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """Give the data of a demo that was started twice, and both its summaries."""
    data = tmp_path_factory.mktemp("demo")
    return data, [demo(data), demo(data)]


def test_strategies_trade_over_both_protocols_and_the_money_adds_up(
    played: tuple[Path, list[dict[str, Any]]],
) -> None:
    first = played[1][0]
    assert first["problems"] == []
    assert set(first["protocols"]) == {"FIX", "WebSocket"}
    for told in first["protocols"].values():
        assert told["orders"] > 0  # how many is the machine's matter
        assert told["trades"] > 0
    assert first["trades_settled"] == first["trades"] > 0
    assert first["ledger_sums"] == {"BTC": "0.00000000", "ETH": "0.00000000", "USDT": "0.00000000"}
    assert first["journal_equals_ledger"] is True


def test_a_second_start_goes_on_from_the_journal(
    played: tuple[Path, list[dict[str, Any]]],
) -> None:
    data, (first, second) = played
    assert second["problems"] == []
    assert second["last_sequence"] > first["last_sequence"]
    assert second["trades"] > first["trades"]
    told = replay(data)
    assert told["last_sequence"] == second["last_sequence"]
    assert told["state_hash"] == second["state_hash"]
    assert told["events"]["TradeExecuted"] == second["trades"]


def test_each_session_is_equal_to_its_replay(played: tuple[Path, list[dict[str, Any]]]) -> None:
    # The book was the firm's alone: every fill is explained by the matching core, to the last lot.
    for path in sorted((played[0] / "runs").iterdir()):
        command = [sys.executable, "-m", "agio", "parity", path.name, "--json"]
        command += ["--data", str(played[0])]
        compared = json.loads(subprocess.check_output(command, text=True))
        assert compared["decisions_are_equal"]
        assert compared["fills_are_equal"]
        assert sum(each["decisions"]["equal"] for each in compared["strategies"]) > 0
        assert sum(each["replayed_fills"] for each in compared["fills"].values()) > 0


def test_no_order_of_the_strategies_stays_behind(played: tuple[Path, list[dict[str, Any]]]) -> None:
    log = (played[0] / "logs" / "matching.log").read_text().splitlines()
    starts = [line for line in map(json.loads, log) if line["event"] == "matching runs"]
    assert [start["open_orders"] for start in starts] == [0, 0]


def test_the_reckoning_finds_a_ledger_that_is_off_by_one_unit(
    played: tuple[Path, list[dict[str, Any]]],
) -> None:
    data, (_, second) = played
    secrets = Secrets(configuration.load({"data": data}))
    with EmbeddedPostgres(data / "postgres", secrets.postgres_password) as server:

        async def tamper_and_reckon() -> tuple[Reckoning, Reckoning]:
            before = await reckon(data / "journal", server.url())
            connection = await asyncpg.connect(server.url())
            await connection.execute(
                "UPDATE balances SET units = units + 1"
                " WHERE (account_id, asset_id) ="
                " (SELECT min(account_id), 1 FROM balances WHERE account_id > 0)"
            )
            await connection.close()
            return before, await reckon(data / "journal", server.url())

        before, after = asyncio.run(tamper_and_reckon())
    assert before.is_journal_ledger
    assert before.state_hash == second["state_hash"]
    assert not after.is_journal_ledger


def test_whatever_is_off_is_a_problem() -> None:
    quiet = Tally("FIX")
    busy = Tally("WebSocket", orders=5, fills=2)
    off = Reckoning(
        last_sequence=9,
        settled_sequence=8,
        state_hash="",
        trades=2,
        trades_settled=1,
        ledger_sums={"BTC": "0.00000000", "USDT": "-0.00000001"},
        is_journal_ledger=False,
    )
    told = summarise(
        1.0, [quiet, busy], ["the stream was lost"], {"matching": 1, "gateway": 0}, off
    )
    assert told.problems == [
        "the stream was lost",
        "matching had to be restarted",
        "no orders over FIX",
        "no trades over FIX",
        "1 of 2 trades settled",
        "the ledger's sum of USDT is -0.00000001",
        "journal and ledger differ",
    ]
