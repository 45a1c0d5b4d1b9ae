"""`agio trade` as a user runs it: live on a venue, ended by an interrupt, explained afterwards."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agio.running_venue import RunningVenue, free_port_base
from tests.otlp_collector import Collector

NOISE = (
    *("--parameter", "start_price_ticks=6500000", "--parameter", "actions_per_second=20"),
    *("--limit", "collar_ppm=0"),
)


@pytest.fixture(scope="module")
def collector() -> Collector:
    return Collector()


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[RunningVenue]:
    """Run a venue, and whatever else the tests start, with every order traced."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGIO_TRACE_SAMPLE_RATE", "1")
        patch.setenv("AGIO_OTLP_URL", collector.url)
        venue = RunningVenue(tmp_path_factory.mktemp("venue"), free_port_base())
        with venue, collector.serving():
            yield venue


def agio(venue: RunningVenue, *arguments: str) -> subprocess.Popen[str]:
    flags = ("--data", str(venue.data), "--port-base", str(venue.port_base))
    return subprocess.Popen(
        [sys.executable, "-m", "agio", *arguments, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str], status: int = 0) -> tuple[str, str]:
    out, error = process.communicate(timeout=90)
    assert process.returncode == status, out + error
    return out, error


@pytest.mark.timeout(200)
def test_a_run_ends_at_an_interrupt_with_nothing_open_and_is_equal_to_its_replay(
    venue: RunningVenue, collector: Collector
) -> None:
    running = agio(venue, "trade", "noise", "--live", "--run", "one", *NOISE, "--json")
    runs = venue.data / "runs" / "one" / "run.json"
    deadline = time.monotonic() + 60
    while not runs.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(6)
    again = agio(venue, "trade", "noise", "--live", "--run", "two")
    assert "a trading firm runs on" in ended(again, 1)[1]
    assert [each["name"] for each in venue.agio("account", "list")["accounts"]] == ["one"]
    check_trace(collector)
    running.send_signal(signal.SIGINT)
    out, _ = ended(running)

    told: dict[str, Any] = json.loads(out)
    [strategy] = told["strategies"]
    assert told["problems"] == []
    assert strategy["orders"] > 10
    assert strategy["open_orders"] == 0
    parity = venue.run("parity", "one", "--data", str(venue.data))
    assert parity.returncode == 0, parity.stdout + parity.stderr
    assert parity.stdout.endswith("equal\n")
    # Its key opens nothing any more.
    keys = json.loads((venue.data / "runs" / "one" / "keys.json").read_text())
    revoked = venue.run("key", "revoke", keys["noise"]["api_key"], "--data", str(venue.data))
    assert "no such API key" in revoked.stderr

    # What fails in the middle leaves none behind.
    again = agio(venue, "trade", "noise", "--live", "--run", "one", *NOISE)
    assert "run 'one' exists already" in ended(again, 2)[1]
    assert keys_of(venue, account_id=1) == []


def keys_of(venue: RunningVenue, account_id: int) -> list[Any]:
    token = (venue.data / "secrets" / "ops_token").read_text().strip()
    request = urllib.request.Request(
        f"{venue.endpoints['ops']}/keys?account_id={account_id}",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request) as response:
        keys: list[Any] = json.load(response)["keys"]
    return keys


def check_trace(collector: Collector) -> None:
    """See an order's way through the firm, each time behind the one before."""
    way = ["feeds.publish", "alpha.decide", "execution.receive", "execution.risk"]
    way += ["execution.send", "execution.order"]
    spans = collector.trace(lambda span: span.name == "execution.order", set(way))
    root, decided, received = (spans[name] for name in way[:3])
    assert root.parent_id == ""
    assert decided.parent_id == root.span_id
    assert received.parent_id == decided.span_id
    assert {spans[name].parent_id for name in way[3:]} == {received.span_id}
    services = [spans[name].service for name in way]
    assert services == ["agio-feeds", "agio-alpha", *["agio-execution"] * 4]
    orders = {spans[name].attributes["agio.client_order_id"] for name in way[1:]}
    assert len(orders) == 1
    times = [time for name in way[1:] for time in (spans[name].start_ns, spans[name].end_ns)]
    assert times == sorted(times)
    assert root.start_ns < decided.start_ns  # its end may be noted later than it is read
    assert times[-1] - root.start_ns < 5_000_000_000


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("noise",), "say --live"),
        (("nonsense", "--live"), "no strategy 'nonsense'; there are market_making, momentum,"),
        (("noise", "--live", "--parameter", "seed=x"), "noise: seed = 'x'"),
        (("noise", "--live", "--parameter", "seed"), "'seed' is not NAME=VALUE"),
        (("noise", "--live", "--limit", "order_lots_max=-1"), "limits.order_lots_max = -1"),
        (("noise", "--live", "--limit", "nonsense=1"), "limits.nonsense = 1"),
        (("noise", "--live", "--symbol", "btc/usdt"), "symbols.0 = 'btc/usdt'"),
    ],
)
def test_what_can_not_be_is_refused_by_name(
    venue: RunningVenue, arguments: tuple[str, ...], error: str
) -> None:
    refused = venue.run("trade", *arguments, "--data", str(venue.data))
    assert refused.returncode == 2
    assert error in refused.stderr
    assert not (venue.data / "runs" / "noise").exists()


def test_without_a_venue_there_is_nothing_to_trade_on(tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "agio", "trade", "noise", "--live", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert f"no venue runs on {tmp_path}: start one with `agio up`" in refused.stderr
