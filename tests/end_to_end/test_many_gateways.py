"""Doors scale by count: several gateways before one engine, none of which knows of the others."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from agio import venue as venue_file
from agio.configuration import PORT_OFFSETS
from tests.agio.running_venue import RunningVenue, free_port_base, wait_for
from tests.end_to_end.ccxt_clients import configured, traders

MARKET = "BTC/USDT"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    with RunningVenue(tmp_path_factory.mktemp("venue"), free_port_base()) as venue:
        yield venue


@pytest.fixture(scope="module")
def keys(venue: RunningVenue) -> list[dict[str, str]]:
    return traders(venue, "maker", "taker")


@contextmanager
def another_gateway(venue: RunningVenue, data: Path) -> Iterator[Any]:
    """Run one more, with ports and data of its own; give its process and its endpoints."""
    running = venue_file.read(venue.data)
    assert running is not None
    base = free_port_base()
    settings = {
        "DATA": str(data),
        "PORT_BASE": str(base),
        "MATCHING_ADDRESS": f"unix://{venue.data}/matching.sock",
        "REDIS_URL": running.redis_url,
        "OPS_URL": running.endpoints["ops"],
        "SERVICE_TOKEN": (venue.data / "secrets" / "service_token").read_text().strip(),
    }
    environment = os.environ | {f"AGIO_{name}": value for name, value in settings.items()}
    health = f"http://127.0.0.1:{base + PORT_OFFSETS['gateway_metrics_port']}/health"
    with subprocess.Popen([sys.executable, "-m", "agio", "gateway"], env=environment) as process:
        try:
            wait_for(lambda: venue_file.health(health)["ready"] is True, "it opens its doors")
            rest = f"http://127.0.0.1:{base + PORT_OFFSETS['rest_port']}"
            socket = f"ws://127.0.0.1:{base + PORT_OFFSETS['websocket_port']}"
            yield SimpleNamespace(process=process, endpoints={"rest": rest, "websocket": socket})
        finally:
            process.kill()


def test_what_one_gateway_takes_every_other_sees(
    venue: RunningVenue, keys: list[dict[str, str]], tmp_path: Path
) -> None:
    maker_here = configured(ccxt.binance(keys[0]), venue)
    order = maker_here.create_limit_sell_order(MARKET, 0.5, 50_000)
    with another_gateway(venue, tmp_path) as there:
        maker_there, taker_there = (configured(ccxt.binance(key), there) for key in keys)
        found = maker_there.fetch_open_orders(MARKET)
        assert [each["id"] for each in found] == [order["id"]]
        bought = taker_there.create_limit_buy_order(MARKET, 0.2, 50_000)
        assert bought["status"] == "closed"
        wait_for(
            lambda: maker_here.fetch_order(order["id"], MARKET)["filled"] == 0.2,
            "the gateway that took the order hears of its fill",
        )
        maker_there.cancel_order(order["id"], MARKET)
        wait_for(lambda: not maker_here.fetch_open_orders(MARKET), "and of its end")


def test_a_killed_gateway_takes_no_order_with_it(
    venue: RunningVenue, keys: list[dict[str, str]], tmp_path: Path
) -> None:
    with another_gateway(venue, tmp_path) as there:
        lost = configured(ccxt.binance(keys[0]), there).create_limit_sell_order(MARKET, 0.5, 60_000)
        there.process.kill()
        there.process.wait()
        maker_here = configured(ccxt.binance(keys[0]), venue)
        found = maker_here.fetch_open_orders(MARKET)
        assert [each["id"] for each in found] == [lost["id"]]
        assert maker_here.cancel_order(lost["id"], MARKET)["status"] == "canceled"
