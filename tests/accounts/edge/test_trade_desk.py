"""Busts and corrections over HTTP: engine, ledger and desk agree on what a trade is now."""

from __future__ import annotations

import asyncpg
import pytest

from tests.accounts.edge.conftest import Trader
from tests.accounts.edge.desk_client import DeskClient
from vocabulary import commands as c
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

ALICE, BOB, BTCUSDT = 1, 2, 1
TRADE = "/instruments/BTCUSDT/trades/1"


def order(number: int, account_id: int, side: Side, price_ticks: int, lots: int) -> c.EnterOrder:
    return c.EnterOrder(
        77,
        number,
        account_id,
        BTCUSDT,
        side,
        OrderType.LIMIT,
        TimeInForce.GOOD_TILL_CANCEL,
        OrderFlags.NONE,
        price_ticks,
        lots,
        b"o%d" % number,
    )


@pytest.fixture
async def traded(desk: DeskClient, trader: Trader) -> DeskClient:
    """Let alice sell bob 0.5 BTC at 100, and wait until it is settled."""
    await desk.post(f"/accounts/{ALICE}/credits", {"asset": "BTC", "amount": "1"})
    await desk.post(f"/accounts/{BOB}/credits", {"asset": "USDT", "amount": "100"})
    await trader.send([order(1, ALICE, Side.SELL, 10_000, 5_000)])
    await trader.send([order(2, BOB, Side.BUY, 10_000, 5_000)])
    assert (await desk.get("/trial-balance")).body["agrees"]
    return desk


async def balances(desk: DeskClient, account_id: int) -> dict[str, str]:
    assert (await desk.get("/trial-balance")).body["agrees"]
    rows = (await desk.get(f"/accounts/{account_id}/balances")).body["balances"]
    return {row["asset"]: row["amount"] for row in rows if float(row["amount"])}


async def test_a_trade_is_shown_as_it_was(traded: DeskClient) -> None:
    shown = await traded.get(TRADE)
    assert shown.status == 200
    assert (shown.body["price"], shown.body["quantity"]) == ("100.00", "0.5000")
    assert (shown.body["buyer_account_id"], shown.body["seller_account_id"]) == (BOB, ALICE)
    assert (shown.body["buyer_fee"], shown.body["seller_fee"]) == (
        "0.00100000 BTC",
        "0.050000 USDT",
    )
    assert not shown.body["busted"]


async def test_a_bust_gives_everything_back_and_can_not_be_done_twice(traded: DeskClient) -> None:
    busted = await traded.post(f"{TRADE}/bust")
    assert (busted.status, busted.body["busted"], busted.body["amendments"]) == (200, True, 1)
    assert await balances(traded, ALICE) == {"BTC": "1.00000000"}
    assert await balances(traded, BOB) == {"USDT": "100.000000"}
    sums = (await traded.get("/trial-balance")).body["assets"]
    assert [float(asset["fees"]) for asset in sums] == [0, 0]
    again = await traded.post(f"{TRADE}/bust")
    assert (again.status, again.code) == (409, "trade_busted")
    assert (await traded.get(TRADE)).body["busted"]


async def test_a_correction_moves_the_difference_and_may_be_busted(traded: DeskClient) -> None:
    corrected = await traded.post(f"{TRADE}/correct", {"price": "90", "quantity": "0.4"})
    assert (corrected.status, corrected.body["price"]) == (200, "90.00")
    assert corrected.body["quote_quantity"] == "36.000000"
    assert await balances(traded, ALICE) == {"BTC": "0.60000000", "USDT": "35.964000"}
    assert await balances(traded, BOB) == {"BTC": "0.39920000", "USDT": "64.000000"}
    shown = (await traded.get(TRADE)).body
    assert shown == corrected.body | {"sequence": 0}
    assert (await traded.post(f"{TRADE}/bust")).body["amendments"] == 2
    assert await balances(traded, ALICE) == {"BTC": "1.00000000"}


async def test_what_was_spent_is_not_taken_from_elsewhere(
    traded: DeskClient, trader: Trader
) -> None:
    before = await balances(traded, BOB)
    await trader.send([order(3, BOB, Side.SELL, 20_000, 4_000)])  # held: not at hand
    refused = await traded.post(f"{TRADE}/bust")
    assert (refused.status, refused.code) == (409, "funds_spent")
    assert await balances(traded, BOB) == before


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/instruments/BTCUSDT/trades/2/bust", None, 404, "unknown_trade"),
        ("/instruments/NONE/trades/1/bust", None, 404, "unknown_instrument"),
        (f"{TRADE}/correct", {"price": "90.001", "quantity": "0.4"}, 422, "price_not_on_tick"),
        (f"{TRADE}/correct", {"price": "90", "quantity": "0.40001"}, 422, "quantity_not_on_lot"),
        (f"{TRADE}/correct", {"price": "90", "quantity": "0.6"}, 409, "invalid_correction"),
    ],
)
async def test_what_can_not_be_is_refused(
    traded: DeskClient, path: str, body: object, status: int, code: str
) -> None:
    refused = await traded.post(path, body)
    assert (refused.status, refused.code) == (status, code)
    assert (await traded.get(TRADE)).body["amendments"] == 0


async def test_amendments_are_never_changed(traded: DeskClient, postgres_url: str) -> None:
    await traded.post(f"{TRADE}/bust")
    await balances(traded, BOB)
    connection = await asyncpg.connect(postgres_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await connection.execute("DELETE FROM trade_amendments")
    await connection.close()
