"""The ops HTTP as the desk meets it: what each operation does."""

import base64

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from matching.edge.server import MatchingServer
from tests.accounts.edge.conftest import Trader
from tests.accounts.edge.desk_client import SERVICE_TOKEN, DeskClient, open_desk
from tests.accounts.engine_journal import order
from vocabulary import events as e
from vocabulary.rejects import RejectReason
from vocabulary.types import Side

ALICE, BOB = 1, 2


async def settled_balances(desk: DeskClient, account_id: int) -> dict[str, str]:
    """Return an account's balances once settlement has come to where the engine is now."""
    assert (await desk.get("/trial-balance")).body["agrees"]
    answer = await desk.get(f"/accounts/{account_id}/balances")
    return {entry["asset"]: entry["amount"] for entry in answer.body["balances"]}


async def test_accounts_are_numbered_from_one_and_listed(desk: DeskClient) -> None:
    made = await desk.post("/accounts", {"name": "carol"})
    assert made == (201, {"account_id": 3, "name": "carol"})
    answer = await desk.get("/accounts")
    assert [account["name"] for account in answer.body["accounts"]] == ["alice", "bob", "carol"]
    answer = await desk.get("/accounts?after=1&limit=1")
    assert answer.body == {"accounts": [{"account_id": 2, "name": "bob"}]}
    answer = await desk.get("/accounts?name=carol")
    assert answer.body == {"accounts": [{"account_id": 3, "name": "carol"}]}


async def test_credit_goes_through_the_engine_into_the_ledger(desk: DeskClient) -> None:
    first = await desk.post(f"/accounts/{ALICE}/credits", {"asset": "USDT", "amount": "1000.5"})
    assert first.status == 201
    assert first.body["amount"] == first.body["available"] == "1000.500000"
    second = await desk.post(f"/accounts/{ALICE}/credits", {"asset": "USDT", "amount": "0.000001"})
    assert second.body["sequence"] == first.body["sequence"] + 1
    assert second.body["available"] == "1000.500001"
    assert await settled_balances(desk, ALICE) == {"USDT": "1000.500001"}
    assert await settled_balances(desk, BOB) == {}


async def test_trade_is_settled_to_the_last_unit(desk: DeskClient, trader: Trader) -> None:
    await desk.post(f"/accounts/{ALICE}/credits", {"asset": "BTC", "amount": "1"})
    await desk.post(f"/accounts/{BOB}/credits", {"asset": "USDT", "amount": "100"})
    # 0.5 BTC at 100.00: Bob takes and pays 0.2 % of the BTC, Alice 0.1 % of the USDT.
    await trader.send([order(1, ALICE, Side.SELL, 10_000, 5_000, 1)])
    await trader.send([order(2, BOB, Side.BUY, 10_000, 5_000, 1)])
    assert await settled_balances(desk, ALICE) == {"BTC": "0.50000000", "USDT": "49.950000"}
    assert await settled_balances(desk, BOB) == {"BTC": "0.49900000", "USDT": "50.000000"}
    answer = await desk.get("/trial-balance")
    assert answer.body["agrees"] is True
    assert answer.body["differences"] == []
    assert answer.body["assets"] == [
        {
            "asset": "BTC",
            "sum": "0",
            "customers": "0.99900000",
            "fees": "0.00100000",
            "custody": "-1.00000000",
        },
        {
            "asset": "USDT",
            "sum": "0",
            "customers": "99.950000",
            "fees": "0.050000",
            "custody": "-100.000000",
        },
    ]


async def test_instrument_is_listed_halted_resumed_and_priced(desk: DeskClient) -> None:
    (listed,) = (await desk.get("/instruments")).body["instruments"]
    assert listed == {
        "instrument_id": 1,
        "symbol": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "tick_size": "0.01",
        "lot_size": "0.0001",
        "price_unit": "0.01",
        "quantity_unit": "0.0001",
        "quantity_min": "0.0000",
        "quantity_max": "0.0000",
        "notional_min": "1.000000",
        "notional_max": "0.000000",
        "open_orders_max": 0,
        "price_band_ppm": 0,
        "market_collar_ppm": 0,
        "volatility_band_ppm": 0,
        "volatility_auction_ms": 0,
        "maker_fee_ppm": 1000,
        "taker_fee_ppm": 2000,
        "phase": "trading",
    }
    assert (await desk.post("/instruments/BTCUSDT/halt")).body["phase"] == "halted"
    assert (await desk.get("/instruments")).body["instruments"][0]["phase"] == "halted"
    assert (await desk.post("/instruments/BTCUSDT/resume")).body["phase"] == "trading"
    fees = {"maker_fee_ppm": 5, "taker_fee_ppm": 6}
    answer = await desk.post("/instruments/BTCUSDT/fees", fees)
    assert answer.status == 200
    assert answer.body | fees == answer.body


async def test_tiers_and_rebates_are_settled_and_known_after_a_restart(
    desk: DeskClient, trader: Trader, matching: MatchingServer, postgres_url: str
) -> None:
    fees = {"maker_fee_ppm": -500, "taker_fee_ppm": 700}
    await desk.post("/fee-tiers/3", fees | {"symbol": "BTCUSDT"})
    await desk.post("/fee-tiers/2", fees)
    await desk.request("DELETE", "/fee-tiers/2")
    tiers = (await desk.post(f"/accounts/{ALICE}/fee-tier", {"fee_tier": 3})).body
    assert tiers == {
        "fees": [{"fee_tier": 3, "symbol": "BTCUSDT", "maker_fee_ppm": -500, "taker_fee_ppm": 700}],
        "accounts": [{"account_id": ALICE, "fee_tier": 3}],
    }
    await desk.post(f"/accounts/{ALICE}/credits", {"asset": "BTC", "amount": "1"})
    await desk.post(f"/accounts/{BOB}/credits", {"asset": "USDT", "amount": "100"})
    await trader.send([order(1, ALICE, Side.SELL, 10_000, 5_000, 1)])
    await trader.send([order(2, BOB, Side.BUY, 10_000, 5_000, 1)])
    # Bob pays 0.2 % of the BTC as before; of these Alice gets 0.05 % of what she gave.
    assert await settled_balances(desk, ALICE) == {"BTC": "0.50025000", "USDT": "50.000000"}
    assert await settled_balances(desk, BOB) == {"BTC": "0.49900000", "USDT": "50.000000"}
    async with open_desk(matching.address, postgres_url) as again:
        await again.until_ready()
        assert (await again.get("/fee-tiers")).body == tiers


async def test_an_auction_is_settled_to_the_last_unit(desk: DeskClient, trader: Trader) -> None:
    phase = "/instruments/BTCUSDT/phase"
    assert (await desk.post(phase, {"phase": "opening_auction"})).body["phase"] == "opening_auction"
    await desk.post(f"/accounts/{ALICE}/credits", {"asset": "BTC", "amount": "1"})
    await desk.post(f"/accounts/{BOB}/credits", {"asset": "USDT", "amount": "100"})
    # Ready to sell at 90 and to pay 110, they meet at 90: Alice came first, and pays 0.1 %.
    await trader.send([order(1, ALICE, Side.SELL, 9_000, 5_000, 1)])
    (bid,) = await trader.send([order(2, BOB, Side.BUY, 11_000, 5_000, 1)])
    assert bid.events[-1] == e.IndicativePriceChanged(1, 9_000, 5_000, 0)
    assert (await desk.post(phase, {"phase": "trading"})).body["phase"] == "trading"
    assert await settled_balances(desk, ALICE) == {"BTC": "0.50000000", "USDT": "44.955000"}
    assert await settled_balances(desk, BOB) == {"BTC": "0.49900000", "USDT": "55.000000"}
    assert (await desk.get("/trial-balance")).body["agrees"] is True


async def test_limits_are_set_and_known_after_a_restart(
    desk: DeskClient, trader: Trader, matching: MatchingServer, postgres_url: str
) -> None:
    limits = {
        "quantity_min": "0.0100",
        "notional_max": "5000.000000",
        "price_band_ppm": 100_000,
        "volatility_band_ppm": 50_000,
        "volatility_auction_ms": 300_000,
    }
    changed = await desk.post("/instruments/BTCUSDT/limits", limits)
    assert changed.status == 200
    # What is not named is no limit, not even one that was there before.
    assert changed.body | limits | {"notional_min": "0.000000"} == changed.body
    answer = await desk.post("/instruments/BTCUSDT/reference-price", {"price": "100.00"})
    assert answer.body == {
        "sequence": changed.body["sequence"] + 1,
        "symbol": "BTCUSDT",
        "price": "100.00",
    }
    await desk.post(f"/accounts/{ALICE}/credits", {"asset": "BTC", "amount": "1"})
    (refused,) = await trader.send([order(1, ALICE, Side.SELL, 11_001, 5_000, 1)])
    assert refused.events == [e.CommandRejected(RejectReason.PRICE_OUTSIDE_BAND)]
    assert (await desk.get("/trial-balance")).body["agrees"]  # so that it is settled
    async with open_desk(matching.address, postgres_url) as again:
        await again.until_ready()
        (listed,) = (await again.get("/instruments")).body["instruments"]
    assert listed | limits == listed


async def test_tick_and_lot_change_while_nothing_trades_and_are_known_after_a_restart(
    desk: DeskClient, trader: Trader, matching: MatchingServer, postgres_url: str
) -> None:
    path = "/instruments/BTCUSDT/increments"
    steps = {"tick_size": "0.05", "lot_size": "0.0010"}
    await desk.post(f"/accounts/{ALICE}/credits", {"asset": "BTC", "amount": "1"})
    await trader.send([order(1, ALICE, Side.SELL, 11_001, 200, 1)])
    await trader.send([order(2, ALICE, Side.SELL, 11_005, 200, 1)])
    assert (await desk.post(path, steps)).body["error"]["code"] == "still_trading"
    await desk.post("/instruments/BTCUSDT/halt")
    assert (await desk.post(path, steps)).body["error"]["code"] == "orders_off_increment"
    off_unit = await desk.post(path, steps | {"tick_size": "0.005"})
    assert (off_unit.status, off_unit.body["error"]["code"]) == (422, "invalid_increment")
    changed = await desk.post(path, steps | {"cancel_orders": True})
    assert changed.body | steps | {"canceled_orders": 1, "price_unit": "0.01"} == changed.body
    await desk.post("/instruments/BTCUSDT/resume")
    (refused,) = await trader.send([order(3, ALICE, Side.SELL, 11_001, 200, 1)])
    assert refused.events == [e.CommandRejected(RejectReason.PRICE_OFF_INCREMENT)]
    assert (await desk.get("/trial-balance")).body["agrees"]  # so that it is settled
    async with open_desk(matching.address, postgres_url) as again:
        await again.until_ready()
        (listed,) = (await again.get("/instruments")).body["instruments"]
    assert listed | steps == listed


async def test_what_takes_the_engine_several_commands_is_one_request_of_the_desk(
    desk: DeskClient, trader: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.edge.listing_desk.STEPS_PER_COMMAND_MAX", 1)
    await desk.post(f"/accounts/{ALICE}/credits", {"asset": "BTC", "amount": "1"})
    for number in range(1, 7):
        await trader.send([order(number, ALICE, Side.SELL, 11_000 + number, 200, 1)])
    await desk.post("/instruments/BTCUSDT/halt")
    steps = {"tick_size": "0.02", "lot_size": "0.0001", "cancel_orders": True}
    changed = await desk.post("/instruments/BTCUSDT/increments", steps)
    assert (changed.status, changed.body["canceled_orders"]) == (200, 3)
    delisted = await desk.post("/instruments/BTCUSDT/delist")
    assert (delisted.status, delisted.body["phase"]) == (200, "delisted")
    assert await settled_balances(desk, ALICE) == {"BTC": "1.00000000"}


async def test_an_instrument_may_be_listed_with_finer_units_than_its_first_tick_and_lot(
    desk: DeskClient,
) -> None:
    body = {"symbol": "USDTBTC", "base": "USDT", "quote": "BTC", "lot_size": "10"}
    units = {"price_unit": "0.0001", "quantity_unit": "0.1"}
    listed = await desk.post("/instruments", body | units | {"tick_size": "0.05"})
    assert listed.status == 201, listed.body
    shown = units | {"tick_size": "0.0500", "lot_size": "10.0"}
    assert listed.body | shown == listed.body
    off_unit = body | units | {"tick_size": "0.00005", "symbol": "OFF"}
    assert (await desk.post("/instruments", off_unit)).body["error"]["code"] == "invalid_increment"


async def test_secret_is_shown_once_and_encrypted_at_rest(
    desk: DeskClient, postgres_url: str
) -> None:
    made = await desk.post(
        "/keys",
        {"account": "bob", "label": "desk 7", "permissions": ["read"], "sender_comp_ids": ["BOB"]},
    )
    assert made.status == 201
    secret, api_key = made.body.pop("secret"), made.body["api_key"]
    assert made.body == {
        "api_key": api_key,
        "account_id": BOB,
        "label": "desk 7",
        "permissions": ["read"],
        "sender_comp_ids": ["BOB"],
        "public_key": None,
    }
    assert (await desk.get(f"/keys?account_id={BOB}")).body == {"keys": [made.body]}

    credential = await desk.get(f"/internal/credentials/{api_key}", token=SERVICE_TOKEN)
    assert credential.body == {
        "api_key": api_key,
        "secret": secret,
        "account_id": BOB,
        "sender_comp_ids": ["BOB"],
        "permissions": ["read"],
        "public_key": "",
    }

    connection = await asyncpg.connect(postgres_url)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (table,) in tables:
        dump = b"".join(
            value if isinstance(value, bytes) else str(value).encode()
            for row in await connection.fetch(f"SELECT * FROM {table}")
            for value in row
        )
        assert secret.encode() not in dump, table
        assert base64.b32decode(f"{secret}====") not in dump, table
    await connection.close()


async def test_an_account_s_orders_can_be_kept_from_trading_with_each_other(
    desk: DeskClient,
) -> None:
    path = f"/accounts/{ALICE}/self-trade-prevention"
    await desk.post(f"/accounts/{ALICE}/credits", {"asset": "BTC", "amount": "1"})
    answer = await desk.post(path, {"self_trade_prevention": "expire_both"})
    assert (answer.status, answer.body["self_trade_prevention"]) == (200, "expire_both")
    assert answer.body["sequence"] > 0
    refused = await desk.post(path, {"self_trade_prevention": "sometimes"})
    assert (refused.status, refused.body["error"]["field"]) == (422, "self_trade_prevention")
    unknown = await desk.post(
        "/accounts/99/self-trade-prevention", {"self_trade_prevention": "none"}
    )
    assert unknown.body["error"]["code"] == "unknown_account"


async def test_the_kill_switch_ends_an_account_s_orders(desk: DeskClient) -> None:
    path = f"/accounts/{ALICE}"
    suspended = await desk.post(f"{path}/suspend", {})
    assert (suspended.status, suspended.body["suspended"]) == (200, True)
    assert suspended.body["canceled_orders"] == 0
    again = await desk.post(f"{path}/suspend", {})
    assert again.body["sequence"] > suspended.body["sequence"]
    resumed = await desk.post(f"{path}/resume", {})
    assert (resumed.status, resumed.body["suspended"]) == (200, False)
    unknown = await desk.post("/accounts/99/suspend", {})
    assert unknown.body["error"]["code"] == "unknown_account"


async def test_a_public_key_has_no_secret(desk: DeskClient) -> None:
    key = Ed25519PrivateKey.generate().public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    raw = base64.b64encode(key.public_bytes_raw()).decode()
    for given in (pem, raw):
        made = await desk.post("/keys", {"account_id": BOB, "public_key": given})
        assert (made.status, made.body["secret"], made.body["public_key"]) == (201, None, raw)
        path = f"/internal/credentials/{made.body['api_key']}"
        credential = (await desk.get(path, token=SERVICE_TOKEN)).body
        assert (credential["secret"], credential["public_key"]) == ("", raw)

    another = ec.generate_private_key(ec.SECP256R1()).public_key()
    other_kind = another.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for wrong in ("", "AAAA", raw[:-4], "-----BEGIN nothing", other_kind):
        refused = await desk.post("/keys", {"account_id": BOB, "public_key": wrong})
        assert (refused.status, refused.body["error"]["field"]) == (422, "public_key"), wrong


async def test_revoked_key_is_gone_at_once_and_for_good(desk: DeskClient) -> None:
    api_key = (await desk.post("/keys", {"account_id": ALICE})).body["api_key"]
    assert await desk.delete(f"/keys/{api_key}") == (204, None)
    gone = await desk.get(f"/internal/credentials/{api_key}", token=SERVICE_TOKEN)
    never = await desk.get("/internal/credentials/NEVERMADE", token=SERVICE_TOKEN)
    assert gone == never
    assert gone.status == 404
    assert (await desk.get(f"/keys?account_id={ALICE}")).body == {"keys": []}
    assert (await desk.delete(f"/keys/{api_key}")).status == 404


async def test_what_the_desk_does_is_audited_and_what_it_reads_is_not(
    desk: DeskClient, postgres_url: str
) -> None:
    made = await desk.post("/keys", {"account_id": ALICE})
    await desk.post("/accounts", {"name": "alice"})
    await desk.get("/accounts")
    connection = await asyncpg.connect(postgres_url)
    rows = await connection.fetch(
        "SELECT actor, action, target, result FROM audit ORDER BY audit_id DESC LIMIT 2"
    )
    assert [tuple(row) for row in rows] == [
        ("ops", "create_account", "/accounts", "409 account_exists"),
        ("ops", "create_key", "/keys", "201"),
    ]
    dump = str(await connection.fetch("SELECT * FROM audit"))
    assert made.body["secret"] not in dump
    await connection.close()
