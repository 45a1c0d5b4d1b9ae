import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agio.backtest_command import backtest
from tests.trading.backtest.stored_market import Wanderer, store_of


@pytest.fixture(autouse=True)
def on_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGIO_HISTORY_STORE_URL", (tmp_path / "store").as_uri())
    store_of(tmp_path / "store", Wanderer(seed=5).walk(200))


def agio(*words: str) -> Result:
    return CliRunner().invoke(backtest, words)


def test_a_strategy_gets_a_report(tmp_path: Path) -> None:
    told = agio("market_making", "--latency", "200", "--fees", "100/300", "--out", "report")
    assert told.exit_code == 0, told.output
    assert "BTCUSDT" in told.stdout
    report = json.loads((tmp_path / "report" / "report.json").read_bytes())
    assert (report["latency_us"], report["taker_fee_ppm"]) == (200, 300)
    assert report["symbols"][0]["symbol"] == "BTCUSDT"
    page = (tmp_path / "report" / "report.html").read_text()
    assert "<svg" in page
    assert "http" not in page  # it needs nothing from anywhere


def test_json_is_the_report() -> None:
    told = agio("momentum", "--parameter", "sample_ms=200", "--json")
    report = json.loads(told.stdout)
    assert report["parameters"] == {"sample_ms": 200}
    assert json.loads(Path("agio-data/backtests/momentum/report.json").read_bytes()) == report


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["perpetual_motion"], "no strategy 'perpetual_motion'"),
        (["momentum", "--parameter", "speed=3"], "has no parameter 'speed'"),
        (["momentum", "--parameter", "speed"], "NAME=VALUE"),
        (["momentum", "--fees", "3"], "two numbers"),
        (["momentum", "--symbol", "ETHUSDT"], "ETHUSDT: the history does not say what it is"),
        (["momentum", "--to", "2020-01-01"], "nothing in that range"),
    ],
)
def test_what_can_not_be_run_is_told(words: list[str], said: str) -> None:
    told = agio(*words)
    assert told.exit_code != 0
    assert said in told.output
