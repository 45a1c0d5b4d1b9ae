import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agio import venue
from agio.child_process import free_port
from agio.history_commands import history
from agio.hot_paths import ROOT
from objects.store import open_store
from tests.trading.history.sample_events import firm, plausible
from trading.history.batches import EncodedBatch
from trading.history.edge.event_queue import open_queue
from trading.history.edge.reader import HistoryReader
from trading.history.edge.writer import HistoryWriter

GOLDEN = ROOT / "tests/trading/history/edge/golden_store_v1"


@pytest.fixture(autouse=True)
def on_the_golden_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGIO_HISTORY_STORE_URL", GOLDEN.as_uri())


def agio(*words: str) -> Result:
    return CliRunner().invoke(history, words)


def test_ls_tells_days_and_gaps() -> None:
    told = agio("ls")
    assert told.exit_code == 0
    assert [line.split()[:2] for line in told.stdout.splitlines()[:2]] == [
        ["2026-11-22", "BTCUSDT"],
        ["2026-11-22", "ETHBTC"],
    ]
    assert "gap: events 181 to 190 are missing" in told.stdout
    listed = json.loads(agio("ls", "--json").stdout)
    assert (listed["first_sequence"], listed["through_sequence"]) == (1, 300)
    assert sum(sum(day["counts"].values()) for day in listed["days"]) == 290
    assert len(listed["gaps"]) == 2


def test_show_prints_a_range_in_order() -> None:
    told = agio("show", "--type", "trade", "--symbol", "ETHBTC", "--to", "2026-11-22T23:59:59.95")
    assert told.exit_code == 0
    first, *_ = told.stdout.splitlines()
    assert first.startswith("type=trade stream_sequence=20 symbol=ETHBTC ")
    events = [
        json.loads(line) for line in agio("show", "--json", "--allow-gaps").stdout.splitlines()
    ]
    assert [event["stream_sequence"] for event in events] == [*range(1, 181), *range(191, 301)]
    assert events[3]["bids"] == [[10004, 4]]


def test_the_firms_own_events_are_listed_shown_and_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGIO_HISTORY_STORE_URL", tmp_path.as_uri())
    writer = HistoryWriter(open_store(tmp_path.as_uri()))
    writer.open()
    writer.write(firm(3), "")
    (line,) = agio("ls").stdout.splitlines()
    assert line.endswith("decision=3 report=6 time=3")
    shown = agio("show", "--type", "decision").stdout.splitlines()
    assert len(shown) == 3
    assert shown[0].startswith("type=decision stream_sequence=1 symbol=BTCUSDT ")
    assert "strategy=maker" in shown[0]
    assert "action=PLACE order=1 side=BUY" in shown[0]
    reports = agio("show", "--type", "report", "--json").stdout.splitlines()
    assert [json.loads(each)["kind"] for each in reports] == [1, 3] * 3
    verified = agio("verify")
    assert verified.exit_code == 0
    assert verified.stdout.startswith("12 events in 3 parts")


def test_show_refuses_a_range_with_gaps_and_a_type_that_is_none() -> None:
    refused = agio("show", "--from", "2026-11-23")
    assert refused.exit_code == 1
    assert "2 gaps in the range, the first: events 181 to 190 are missing" in refused.stderr
    unknown = agio("show", "--type", "quote")
    assert unknown.exit_code == 2
    assert "no type quote" in unknown.stderr
    assert agio("show", "--from", "yesterday").exit_code == 2


def test_verify_is_content_with_a_whole_store_and_names_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = agio("verify")
    assert told.exit_code == 0
    assert told.stdout.startswith("290 events in 23 parts")

    shutil.copytree(GOLDEN, tmp_path / "copy")
    damaged = next((tmp_path / "copy").rglob("type=loss/*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    monkeypatch.setenv("AGIO_HISTORY_STORE_URL", (tmp_path / "copy").as_uri())
    told = agio("verify", "--json")
    assert told.exit_code == 1
    (problem,) = json.loads(told.stdout)["problems"]
    assert damaged.name in problem


def test_a_store_that_can_not_be_read_is_an_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "events/v1").mkdir(parents=True)
    (tmp_path / "events/v1/_stream.json").write_text("{}x")
    monkeypatch.setenv("AGIO_HISTORY_STORE_URL", tmp_path.as_uri())
    told = agio("ls")
    assert told.exit_code == 1
    assert told.stderr.startswith("Error: events/v1/_stream.json: ")


async def test_the_service_stores_what_is_queued_until_it_is_told_to_stop(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AGIO_HISTORY_STORE_URL")
    port = free_port()
    monkeypatch.setenv("AGIO_TRADING_QUEUE_URL", redis_url)
    monkeypatch.setenv("AGIO_HISTORY_METRICS_PORT", str(port))
    queue = open_queue(redis_url)
    await queue.put([EncodedBatch.of(list(plausible(500)))])
    await queue.close()
    process = subprocess.Popen(
        [sys.executable, "-m", "agio", "history", "run", "--data", str(tmp_path)], cwd=ROOT
    )
    try:
        async with asyncio.timeout(30):
            while venue.health(f"http://127.0.0.1:{port}/health").get("pending_events") != 500:
                await asyncio.sleep(0.05)
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
    store = open_store((tmp_path / "history").as_uri())
    assert list(HistoryReader(store).read()) == list(plausible(500))
