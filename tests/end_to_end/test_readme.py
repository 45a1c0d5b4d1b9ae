"""Runs what README tells a newcomer to run, on a venue of the test's own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agio.running_venue import RunningVenue, free_port_base

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SNIPPET = re.compile(r"<!-- run: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)
SNIPPETS = dict(SNIPPET.findall(README))


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    with RunningVenue(tmp_path_factory.mktemp("readme"), free_port_base()) as venue:
        yield venue


@pytest.fixture(scope="module")
def environment(venue: RunningVenue) -> dict[str, str]:
    """Run README's shell snippet and give what it made as variables."""
    environment = os.environ | {
        "AGIO_DATA": str(venue.data),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    told = run(["sh", "-e"], SNIPPETS["setup"], venue, environment)
    key, secret = re.search(r"api_key (\S+)\nsecret  (\S+)", told).groups()  # type: ignore[union-attr]
    return environment | {"API_KEY": key, "API_SECRET": secret}


def run(command: list[str], snippet: str, venue: RunningVenue, environment: dict[str, str]) -> str:
    """Run a snippet with our ports in place of the default ones; return what it printed."""
    for offset, port in enumerate((9880, 8080, 8090)):
        snippet = snippet.replace(str(port), str(venue.port_base + offset))
    snippet = snippet.replace("fix_specs/fix44.xml", str(ROOT / "fix_specs" / "fix44.xml"))
    done = subprocess.run(
        command,
        input=snippet,
        env=environment,
        cwd=venue.data,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_ccxt_snippet_places_and_cancels_an_order(
    venue: RunningVenue, environment: dict[str, str]
) -> None:
    told = run([sys.executable, "-"], SNIPPETS["ccxt"], venue, environment)
    assert told.splitlines() == ["open", "{'free': 99500.0, 'used': 500.0, 'total': 100000.0}"]


def test_the_websocket_snippet_hears_the_venue(
    venue: RunningVenue, environment: dict[str, str]
) -> None:
    assert run([sys.executable, "-"], SNIPPETS["websocket"], venue, environment).strip()


@pytest.mark.conformance
def test_the_quickfix_snippet_gets_its_report(
    venue: RunningVenue, environment: dict[str, str]
) -> None:
    told = run([sys.executable, "-"], SNIPPETS["quickfix"], venue, environment)
    assert "|150=0|" in told
    assert "|55=BTCUSDT|" in told
