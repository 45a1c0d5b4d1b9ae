"""One order's whole journey: FIX and ccxt trade with each other on a venue that `agio up` runs.

Both see the fill, the tape shows it, and Postgres has both balances to the last unit, fees and all.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import asyncpg
import ccxt
import pytest
from websockets.asyncio.client import connect

from agio import venue as venue_file
from tests.agio.running_venue import RunningVenue, free_port_base
from tests.end_to_end.ccxt_clients import configured
from tests.gateway.fix_client import FixClient

MAKER_PPM, TAKER_PPM = 200, 400  # the standard listings' fees


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    with RunningVenue(tmp_path_factory.mktemp("venue"), free_port_base()) as venue:
        yield venue


def ccxt_client(venue: RunningVenue, key: dict[str, str]) -> Any:
    settings = {"apiKey": key["api_key"], "secret": key["secret"]}
    return configured(ccxt.binance(settings), venue)


@asynccontextmanager
async def fix_client(venue: RunningVenue, key: dict[str, str]) -> AsyncIterator[FixClient]:
    port = int(venue.endpoints["fix_order_entry"].rpartition(":")[2])
    client = await FixClient.connect(port, "FIRM")
    assert (await client.log_on(key["api_key"], key["secret"], is_reset=True))[35] == "A"
    yield client
    await client.log_out()


async def settled_balances(venue: RunningVenue) -> dict[tuple[str, str], Decimal]:
    """Return what Postgres has by account and asset, once all that was journalled is settled."""
    described = venue_file.read(venue.data)
    assert described is not None
    async with asyncio.timeout(20):
        while True:
            services = (await asyncio.to_thread(venue.agio, "status"))["services"]
            if services["accounts"]["settled_sequence"] == services["matching"]["sequence"]:
                break
    connection = await asyncpg.connect(described.postgres_url)
    rows = await connection.fetch(
        "SELECT accounts.name AS account, assets.name AS asset, units, scale"
        " FROM balances JOIN accounts USING (account_id) JOIN assets USING (asset_id)"
    )
    await connection.close()
    return {
        (row["account"], row["asset"]): Decimal(row["units"]).scaleb(-row["scale"]) for row in rows
    }


async def test_a_fix_client_and_ccxt_trade_with_each_other(venue: RunningVenue) -> None:
    firm = venue.trader("firm", BTC="3")
    app = venue.trader("app", USDT="100000")
    binance = ccxt_client(venue, app)
    tape = connect(f"{venue.endpoints['websocket']}/ws/btcusdt@trade")
    async with fix_client(venue, firm) as fix, tape as socket:
        fix.enter("sell-1", "sell", "0.5", "50000")
        accepted = await fix.expect("8")
        assert (accepted[150], accepted[39], accepted[11]) == ("0", "0", "sell-1")

        bought = await asyncio.to_thread(
            binance.create_order, "BTC/USDT", "limit", "buy", 0.30001, 50010
        )
        filled = await fix.expect("8")
        seen = json.loads(await asyncio.wait_for(socket.recv(), 10))

        # The FIX side, maker, pays 0.02 % of the 15000.5 USDT that it receives.
        assert (filled[150], filled[39], filled[31], filled[32]) == (
            "F",
            "1",
            "50000.00",
            "0.30001",
        )
        assert (filled[14], filled[151]) == ("0.30001", "0.19999")
        assert (filled[136], Decimal(filled[137]), filled[138]) == ("1", Decimal("3.0001"), "USDT")

    # The JSON side, taker, pays 0.04 % of the 0.30001 BTC that it receives, rounded up.
    assert (bought["status"], bought["average"], bought["filled"]) == ("closed", 50000, 0.30001)
    order = await asyncio.to_thread(binance.fetch_order, bought["id"], "BTC/USDT")
    assert (order["status"], order["cost"]) == ("closed", 15000.5)
    [mine] = await asyncio.to_thread(binance.fetch_my_trades, "BTC/USDT")
    assert (mine["price"], mine["amount"], mine["takerOrMaker"]) == (50000, 0.30001, "taker")
    assert (mine["fee"]["cost"], mine["fee"]["currency"]) == (0.00012001, "BTC")

    assert (seen["e"], seen["s"], seen["p"], seen["q"]) == (
        "trade",
        "BTCUSDT",
        "50000.00",
        "0.30001",
    )
    assert str(seen["t"]) == mine["id"]

    balances = await settled_balances(venue)
    assert {key: amount for key, amount in balances.items() if key[0] != "custody"} == {
        ("firm", "BTC"): Decimal(3) - Decimal("0.30001"),
        ("firm", "USDT"): Decimal("15000.5") - Decimal("3.0001"),
        ("app", "BTC"): Decimal("0.30001") - Decimal("0.00012001"),
        ("app", "USDT"): Decimal(100000) - Decimal("15000.5"),
        ("fees", "BTC"): Decimal("0.00012001"),
        ("fees", "USDT"): Decimal("3.0001"),
    }
    for asset in ("BTC", "USDT"):
        assert sum(amount for (_, name), amount in balances.items() if name == asset) == 0
    # What the ledger has and what the venue says agree; the rest of the sell order is held.
    free = (await asyncio.to_thread(binance.fetch_balance))["BTC"]
    assert Decimal(str(free["total"])) == balances["app", "BTC"]


async def test_the_journal_replays_to_the_same_state_and_the_venue_goes_on(
    venue: RunningVenue,
) -> None:
    app = venue.trader("later", USDT="1000")
    binance = ccxt_client(venue, app)
    placed = await asyncio.to_thread(
        binance.create_order, "ETH/USDT", "limit", "buy", 0.1, 2000, {"clientOrderId": "keep-me"}
    )
    venue.stop()
    replayed = json.loads(venue.run("replay", str(venue.data), "--json").stdout)
    venue.start()
    assert venue.agio("status")["services"]["matching"]["sequence"] == replayed["last_sequence"]
    [order] = await asyncio.to_thread(binance.fetch_open_orders, "ETH/USDT")
    assert (order["id"], order["clientOrderId"]) == (placed["id"], "keep-me")
    await asyncio.to_thread(binance.cancel_order, order["id"], "ETH/USDT")
    balance = await asyncio.to_thread(binance.fetch_balance)
    assert balance["USDT"] == {"free": 1000.0, "used": 0.0, "total": 1000.0}


def test_a_revoked_key_opens_no_door_after_ten_seconds(venue: RunningVenue) -> None:
    key = venue.trader("leaver", USDT="1")
    binance = ccxt_client(venue, key)
    assert binance.fetch_balance()["USDT"]["total"] == 1
    venue.agio("key", "revoke", key["api_key"])
    time.sleep(10.5)  # gateways remember a key for so long
    with pytest.raises(ccxt.BaseError, match="Invalid API-key"):
        binance.fetch_balance()
