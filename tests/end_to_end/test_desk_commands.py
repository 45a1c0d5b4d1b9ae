"""What docs/operations.md tells the desk to do, done on a running venue."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from agio.__main__ import main
from tests.agio.running_venue import RunningVenue, free_port_base
from tests.gateway.fix_client import FixClient, utc_now

DOCUMENT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    with RunningVenue(tmp_path_factory.mktemp("desk"), free_port_base()) as venue:
        yield venue


def test_the_desks_day_goes_as_the_document_says(venue: RunningVenue) -> None:
    found = re.search(r"<!-- run: desk -->\n```sh\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found is not None
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-e"],
        input=found.group(1),
        env=os.environ | {"AGIO_DATA": str(venue.data), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout
    assert "made DESK1 of firm, order_entry" in told
    assert "firm is suspended, 0 orders canceled" in told
    phases = [line.split()[1] for line in told.splitlines() if line.startswith("SOLUSDT ")]
    expected = ["pre_open", "opening_auction", "trading", "halted", "trading", "trading"]
    assert phases == expected
    assert "SOLUSDT      trading            tick 0.01 lot 0.001 fees 0 and 400 ppm" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("phase", "NOPE", "halted"), "there is no instrument 'NOPE'"),
        (("phase", "BTCUSDT", "volatility_auction"), "'volatility_auction' is not one of"),
        (("bust", "BTCUSDT", "999"), "BTCUSDT has no trade 999"),
        (("add", "BTCUSDT", "BTC", "USDT", "--tick-size", "1", "--lot-size", "1"), "is listed"),
        (
            ("add", "DOGEUSDT", "DOGE", "USDT", "--tick-size", "1", "--lot-size", "1"),
            "no asset 'DOGE'",
        ),
    ],
)
def test_what_the_desk_can_not_do_is_told(
    venue: RunningVenue, arguments: tuple[str, ...], told: str
) -> None:
    refused = CliRunner().invoke(main, ["instrument", *arguments, "--data", str(venue.data)])
    assert refused.exit_code in {1, 2}
    assert told in refused.output


async def test_a_trade_is_busted_and_both_sides_are_told(venue: RunningVenue) -> None:
    buyer = await log_on(venue, "buyer", USDT="5000")
    seller = await log_on(venue, "seller", BTC="0.1")
    for client, side in ((buyer, "1"), (seller, "2")):
        order = {11: "o", 55: "BTCUSDT", 54: side, 38: "0.1", 40: "2", 44: "50000"}
        client.send("D", {**order, 60: utc_now()})
        assert (await client.expect("8"))[150] == "0"
    trades = [await client.expect("8") for client in (buyer, seller)]
    assert {trade[150] for trade in trades} == {"F"}
    done = venue.run("instrument", "bust", "BTCUSDT", trades[0][527], "--data", str(venue.data))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"trade {trades[0][527]} of BTCUSDT is busted: orders ")
    for client, trade in zip((buyer, seller), trades, strict=True):
        busted = await client.expect("8")
        assert (busted[150], busted[19]) == ("H", trade[17])


async def log_on(venue: RunningVenue, name: str, **funds: str) -> FixClient:
    key = venue.trader(name, **funds)
    client = await FixClient.connect(venue.port("fix_order_entry"), name.upper())
    assert (await client.log_on(key["api_key"], key["secret"], is_reset=True))[35] == "A"
    return client
