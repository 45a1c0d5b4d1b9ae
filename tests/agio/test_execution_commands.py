"""The kill switches of a run, as the desk pulls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from agio import run_files
from agio.execution_commands import execution
from trading.runs import Run, StrategyRun


@pytest.fixture
def data(tmp_path: Path) -> Path:
    entry = StrategyRun(name="maker", strategy="noise", symbols=("BTCUSDT",))
    run = Run(name="first", epoch=1_795_348_800, strategies=(entry,))
    run_files.write(tmp_path, run, {"maker": run_files.ApiKey("key", "secret")})
    return tmp_path


def agio(data: Path, redis_url: str, *words: str) -> Any:
    """Run a command and return the JSON that it prints, or what it says of its failure."""
    result = CliRunner().invoke(
        execution,
        [*words, "--json", "--data", str(data)],
        env={"AGIO_REDIS_URL": redis_url},
    )
    return json.loads(result.stdout) if result.exit_code == 0 else result.output


def test_a_strategy_is_stopped_and_let_go_on(data: Path, redis_url: str) -> None:
    assert agio(data, redis_url, "kill", "first", "maker", "--reason", "odd") == {"killed": "maker"}
    assert agio(data, redis_url, "kill", "first") == {"killed": "*"}
    shown = agio(data, redis_url, "switches", "first")
    assert shown == {"killed": {"maker": "odd", "*": "by hand"}}
    assert agio(data, redis_url, "revive", "first", "maker") == {"revived": "maker"}
    assert agio(data, redis_url, "revive", "first", "maker") == {"revived": None}
    assert agio(data, redis_url, "switches", "first") == {"killed": {"*": "by hand"}}


def test_what_there_is_not_is_not_stopped(data: Path, redis_url: str) -> None:
    assert "has no strategy 'taker': maker" in agio(data, redis_url, "kill", "first", "taker")
    assert "runs: first" in agio(data, redis_url, "kill", "second")
    assert "Redis: " in agio(data, "redis://127.0.0.1:1/0", "kill", "first")
