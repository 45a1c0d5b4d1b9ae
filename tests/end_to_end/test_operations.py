"""What an operator sees of a running venue: `agio top`, and readiness while a part is away."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from agio import venue as venue_file
from agio.metrics_table import metrics
from agio.scrape import scrape_all
from tests.agio.running_venue import RunningVenue, children_of, free_port_base, wait_for
from tests.gateway.fix_client import FixClient

SERVICES = ["matching", "accounts", "marketdata", "gateway"]


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    with RunningVenue(tmp_path_factory.mktemp("venue"), free_port_base()) as venue:
        yield venue


@pytest.fixture(scope="module")
def health(venue: RunningVenue) -> dict[str, str]:
    described = venue_file.read(venue.data)
    assert described is not None
    return described.health


def is_ready(health_url: str, also: str = "") -> bool:
    try:
        urllib.request.urlopen(f"{health_url.removesuffix('health')}ready{also}").close()
    except OSError:  # HTTPError is one
        return False
    return True


def settled(health: dict[str, str]) -> bool:
    count = scrape_all(health)["accounts"].value("agio_accounts_settlement_seconds_count")
    return count is not None and count > 0


async def log_on(venue: RunningVenue, name: str) -> FixClient:
    """Return a FIX client with an account of its own, which has 3 BTC."""
    venue.agio("account", "create", name)
    venue.agio("account", "credit", name, "BTC", "3")
    key = venue.agio("key", "create", "--account", name)
    port = int(venue.endpoints["fix_order_entry"].rpartition(":")[2])
    client = await FixClient.connect(port, name.upper())
    assert (await client.log_on(key["api_key"], key["secret"], is_reset=True))[35] == "A"
    return client


async def test_top_shows_what_has_happened(venue: RunningVenue) -> None:
    client = await log_on(venue, "firm")
    client.enter("sell-1", "sell", "0.5", "50000")
    assert (await client.expect("8"))[150] == "0"
    client.enter("sell-2", "sell", "5", "50000")  # there are not as many bitcoins
    assert (await client.expect("8"))[150] == "8"
    client.enter("sell-3", "sell", "0.5", "50000.001")  # between two ticks
    assert (await client.expect("8"))[150] == "8"

    told = venue.agio("top", "--seconds", "0.5")

    assert list(told["services"]) == SERVICES
    assert all(one["up"] and one["ready"] for one in told["services"].values())
    assert all(one["memory_bytes"] > 10**7 for one in told["services"].values())
    assert told["open_orders"] == 1
    assert told["sessions"]["FIX order entry"] == 1
    assert told["rejects"] == {"INSUFFICIENT_FUNDS": 1, "PRICE_NOT_ON_TICK": 1}
    assert told["lag_records"] == {"accounts": 0, "marketdata": 0, "gateway": 0}
    assert 0 <= told["journal_age_s"] < 60
    assert told["snapshot_age_s"] is None
    assert told["records_since_snapshot"] == told["sequence"] > 5
    assert (told["ledger_differences"], told["feed_gaps"]) == (0, 0)

    shown = venue.run("top", "--once", "--data", str(venue.data), "--seconds", "0.2").stdout
    assert "insufficient funds" in shown
    assert shown.count("ready") == len(SERVICES)
    await client.log_out()


def test_top_goes_on_until_it_is_stopped(venue: RunningVenue) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "agio", "top", "--data", str(venue.data), "--seconds", "0.2"],
        stdin=theirs,
        stdout=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "140", "LINES": "60"},
    )
    os.close(theirs)
    shown = b""
    while shown.count(b"Journal and ledger") < 3:  # a view each
        shown += os.read(ours, 65_536)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while os.read(ours, 65_536):
            pass
    assert process.wait(20) == 0
    os.close(ours)


async def test_every_histogram_of_an_order_s_way_has_seen_it(
    venue: RunningVenue, health: dict[str, str]
) -> None:
    client = await log_on(venue, "other")
    client.enter("seen", "sell", "0.5", "60000")
    assert (await client.expect("8"))[150] == "0"
    client.cancel("gone", "seen", t54=2)
    assert (await client.expect("8"))[150] == "4"
    await client.log_out()
    wait_for(lambda: settled(health), "settlement did not see it")
    scrapes = scrape_all(health)
    for service, name in (
        ("matching", "agio_matching_apply_seconds"),
        ("matching", "agio_matching_commit_seconds"),
        ("matching", "agio_matching_publish_seconds"),
        ("gateway", "agio_link_round_trip_seconds"),
        ("gateway", "agio_gateway_record_age_seconds"),
        ("gateway", "agio_gateway_report_seconds"),
        ("marketdata", "agio_marketdata_publish_seconds"),
        ("accounts", "agio_accounts_settlement_seconds"),
    ):
        count = scrapes[service].value(f"{name}_count")
        assert count is not None
        assert count > 0, name
        total_s = scrapes[service].value(f"{name}_sum")
        assert total_s is not None
        assert 0 < total_s < 10 * count, name
    known = {metric.name for metric in metrics()}
    served = {
        name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        for scrape in scrapes.values()
        for name in scrape.values
        if name.startswith("agio_") and not name.endswith("_created")
    }
    assert served <= known


@pytest.mark.parametrize(
    ("killed", "unready"),
    [
        ("matching", {"matching", "accounts", "marketdata", "gateway"}),
        ("valkey", {"marketdata", "gateway's feed"}),
        ("postgres", {"accounts"}),
    ],
)
def test_who_needs_what_is_away_is_not_ready(
    venue: RunningVenue, health: dict[str, str], killed: str, unready: set[str]
) -> None:
    wait_for(lambda: all(map(is_ready, health.values())), "not ready to begin with")
    os.kill(process_of(venue, killed), signal.SIGKILL)
    seen: set[str] = set()
    deadline = time.monotonic() + 20
    while not unready <= seen:
        assert time.monotonic() < deadline, seen
        seen |= {name for name, url in health.items() if not is_ready(url)}
        if not is_ready(health["gateway"], "?also=feed"):
            seen.add("gateway's feed")
    assert seen - {"gateway's feed"} == unready - {"gateway's feed"}
    wait_for(lambda: all(map(is_ready, health.values())), "not ready again")


def process_of(venue: RunningVenue, name: str) -> int:
    """Return the process of a service or a server."""
    assert venue.process is not None
    for pid in children_of(venue.process.pid):
        if name in Path(f"/proc/{pid}/cmdline").read_text():
            return pid
    raise AssertionError(f"{name} does not run")
