"""The ops HTTP as those meet it who err or pry: what is refused, how, and to whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.accounts.edge.desk_client import OPS_TOKEN, SERVICE_TOKEN, DeskClient

FEES = {"maker_fee_ppm": 0, "taker_fee_ppm": 0}
LIMITS = "/instruments/BTCUSDT/limits"
FIX_SESSION = "/fix-sessions/order_entry/1/DESK"
SENDER, COD, ACCOUNT = "sender_comp_id", "cancel_on_disconnect", "account_id"
INVALID = "invalid_request"
LISTING = {
    "symbol": "USDTBTC",
    "base": "USDT",
    "quote": "BTC",
    "tick_size": "0.01",
    "lot_size": "1",
}

BAD_REQUESTS = [
    # method, path, body, status, code, field
    ("POST", "/accounts", {}, 422, "invalid_request", "name"),
    ("POST", "/accounts", {"name": ""}, 422, "invalid_request", "name"),
    ("POST", "/accounts", {"name": "a" * 65}, 422, "invalid_request", "name"),
    ("POST", "/accounts", {"name": "ali\0ce"}, 422, "invalid_request", "name"),
    ("POST", "/accounts", {"name": "'; DROP TABLE x"}, 422, "invalid_request", "name"),
    ("POST", "/accounts", {"name": "alice\n"}, 422, "invalid_request", "name"),
    ("POST", "/accounts", {"name": 7}, 422, "invalid_request", "name"),
    ("POST", "/accounts", {"name": None}, 422, "invalid_request", "name"),
    ("POST", "/accounts", {"name": "zoe", "balance": 1}, 422, "invalid_request", "balance"),
    ("POST", "/accounts", {"name": "zoe", "account_id": 1}, 422, "invalid_request", "account_id"),
    ("POST", "/accounts", ["zoe"], 422, "invalid_request", None),
    ("POST", "/accounts", "zoe", 422, "invalid_request", None),
    ("POST", "/accounts", {"name": "alice"}, 409, "account_exists", "name"),
    ("POST", "/accounts", {"name": "custody"}, 409, "account_exists", "name"),
    ("GET", "/accounts?limit=0", None, 422, "invalid_request", "limit"),
    ("GET", "/accounts?limit=1001", None, 422, "invalid_request", "limit"),
    ("GET", "/accounts?after=-1", None, 422, "invalid_request", "after"),
    ("GET", "/accounts?after=" + "9" * 30, None, 422, "invalid_request", "after"),
    ("GET", "/accounts?page=1", None, 422, "invalid_request", "page"),
    ("GET", "/accounts?limit=1&limit=2", None, 422, "invalid_request", None),
    ("GET", "/accounts/99/balances", None, 404, "unknown_account", None),
    ("GET", "/accounts/0/balances", None, 422, "invalid_request", "account_id"),
    ("GET", "/accounts/-1/balances", None, 422, "invalid_request", "account_id"),
    ("GET", "/accounts/alice/balances", None, 422, "invalid_request", "account_id"),
    ("GET", f"/accounts/{2**31}/balances", None, 422, "invalid_request", "account_id"),
    ("GET", "/accounts/1/balances?account_id=2", None, 422, "invalid_request", None),
    ("POST", "/assets", {"name": "eth", "scale": 8}, 422, "invalid_request", "name"),
    ("POST", "/assets", {"name": "ETH", "scale": 13}, 422, "invalid_request", "scale"),
    ("POST", "/assets", {"name": "ETH", "scale": "8"}, 422, "invalid_request", "scale"),
    ("POST", "/assets", {"name": "ETH", "scale": 8.5}, 422, "invalid_request", "scale"),
    ("POST", "/assets", {"name": "ETH", "scale": True}, 422, "invalid_request", "scale"),
    ("POST", "/assets", {"name": "BTC", "scale": 8}, 409, "already_listed", "name"),
    ("POST", "/instruments", LISTING | {"base": "ETH"}, 404, "unknown_asset", "base"),
    ("POST", "/instruments", LISTING | {"quote": "ETH"}, 404, "unknown_asset", "quote"),
    ("POST", "/instruments", LISTING | {"symbol": "BTCUSDT"}, 409, "already_listed", "symbol"),
    ("POST", "/instruments", LISTING | {"base": "BTC"}, 409, "invalid_listing", None),
    ("POST", "/instruments", LISTING | {"lot_size": "0.0000001"}, 422, "invalid_listing", None),
    ("POST", "/instruments", LISTING | {"tick_size": "1e-2"}, 422, "invalid_request", "tick_size"),
    ("POST", "/instruments", LISTING | {"tick_size": "0"}, 422, "invalid_listing", None),
    (
        "POST",
        "/instruments",
        LISTING | {"tick_size": "0.000000000001"},
        422,
        "invalid_listing",
        None,
    ),
    (
        "POST",
        "/instruments",
        LISTING | {"maker_fee_ppm": 100_001},
        422,
        "invalid_request",
        "maker_fee_ppm",
    ),
    ("POST", "/instruments/ETHUSDT/halt", None, 404, "unknown_instrument", None),
    ("POST", "/instruments/btcusdt/halt", None, 422, "invalid_request", "symbol"),
    ("POST", "/instruments/BTCUSDT/fees", {}, 422, "invalid_request", "maker_fee_ppm"),
    ("POST", "/instruments/BTCUSDT/phase", {"phase": "open"}, 422, "invalid_request", "phase"),
    ("POST", "/fee-tiers/0", FEES, 422, "invalid_request", "fee_tier"),
    ("POST", "/fee-tiers/1", FEES | {"symbol": "NONE"}, 404, "unknown_instrument", "symbol"),
    ("POST", "/fee-tiers/1", FEES | {"taker_fee_ppm": -1}, 422, "invalid_request", "taker_fee_ppm"),
    ("POST", "/accounts/1/fee-tier", {"fee_tier": 1_001}, 422, "invalid_request", "fee_tier"),
    ("POST", LIMITS, {"quantity_min": "0.00001"}, 422, "invalid_limits", None),
    ("POST", LIMITS, {"notional_min": "0.0000001"}, 422, "invalid_limits", None),
    ("POST", LIMITS, {"quantity_min": "2", "quantity_max": "1"}, 422, "invalid_limits", None),
    ("POST", LIMITS, {"volatility_band_ppm": 1}, 422, "invalid_limits", None),
    ("POST", LIMITS, {"market_collar_ppm": -1}, 422, "invalid_request", "market_collar_ppm"),
    (
        "POST",
        "/instruments/BTCUSDT/reference-price",
        {"price": "0.001"},
        422,
        "price_not_on_tick",
        "price",
    ),
    ("POST", "/keys", {}, 422, "invalid_request", None),
    ("POST", "/keys", {"account": "bob", "account_id": 2}, 422, "invalid_request", None),
    ("POST", "/keys", {"account_id": 99}, 404, "unknown_account", "account_id"),
    ("POST", "/keys", {"account_id": -1}, 422, "invalid_request", "account_id"),
    ("POST", "/keys", {"account": "nobody"}, 404, "unknown_account", "account"),
    ("POST", "/keys", {"account": "custody"}, 404, "unknown_account", "account"),
    (
        "POST",
        "/keys",
        {"account_id": 1, "permissions": ["withdraw"]},
        422,
        "invalid_request",
        "permissions.0",
    ),
    ("POST", "/keys", {"account_id": 1, "permissions": []}, 422, "invalid_request", "permissions"),
    (
        "POST",
        "/keys",
        {"account_id": 1, "sender_comp_ids": ["A\x01B"]},
        422,
        "invalid_request",
        "sender_comp_ids.0",
    ),
    ("GET", "/keys", None, 422, "invalid_request", "account_id"),
    ("GET", "/keys?account_id=99", None, 404, "unknown_account", "account_id"),
    ("DELETE", "/keys/NONE", None, 404, "unknown_key", None),
    ("GET", "/fix-sessions?service=json", None, 422, "invalid_request", "service"),
    ("GET", "/fix-sessions/order_entry/1/NOBODY", None, 404, "unknown_session", None),
    ("POST", "/fix-sessions/order_entry/1/NOBODY/reset", None, 404, "unknown_session", None),
    ("POST", "/fix-sessions/order_entry/1/A%01/reset", None, 422, "invalid_request", SENDER),
    ("POST", "/fix-sessions/json/1/DESK/logout", None, 422, "invalid_request", "service"),
    ("POST", FIX_SESSION, {"heartbeat_min_s": 61}, 422, "invalid_request", "heartbeat_min_s"),
    ("POST", FIX_SESSION, {"reset_time": "25:00"}, 422, "invalid_request", "reset_time"),
    ("POST", FIX_SESSION, {"hours": "08:00"}, 422, "invalid_request", "hours"),
    ("POST", FIX_SESSION, {"hours": "sunday 08:00-17:00"}, 422, "invalid_request", "hours"),
    ("POST", FIX_SESSION, {"addresses": ["10.0.0.1/8"]}, 422, "invalid_request", "addresses.0"),
    ("POST", FIX_SESSION, {"cancel_on_disconnect": "N"}, 422, "invalid_request", COD),
    ("POST", FIX_SESSION, {"heartbeat_min_s": 9, "heartbeat_max_s": 8}, 422, INVALID, None),
    ("POST", FIX_SESSION, {"copied_accounts": [0]}, 422, "invalid_request", "copied_accounts.0"),
    ("POST", FIX_SESSION, {"copied_accounts": [1]}, 422, "not_of_this_service", "copied_accounts"),
    ("POST", FIX_SESSION, {"orders_per_s": -1}, 422, "invalid_request", "orders_per_s"),
    ("POST", FIX_SESSION, {"disabled": "x"}, 422, "invalid_request", "disabled"),
    ("POST", f"{FIX_SESSION}/disable", {"reason": "a\x01b"}, 422, "invalid_request", "reason"),
    ("POST", "/fix-sessions", {"account_id": 1}, 422, "invalid_request", SENDER),
    ("POST", "/fix-sessions", {"account_id": 99, SENDER: "A"}, 404, "unknown_account", ACCOUNT),
    ("POST", "/fix-sessions", {"account_id": 0, SENDER: "A"}, 422, "invalid_request", ACCOUNT),
    ("POST", "/maintenance", {"in_s": -1, "text": "x"}, 422, "invalid_request", "in_s"),
    ("POST", "/maintenance", {"in_s": 60, "text": "a\n"}, 422, "invalid_request", "text"),
    ("DELETE", "/maintenance", None, 404, "no_maintenance", None),
    ("GET", "/trial-balance?x=1", None, 422, "invalid_request", None),
    ("GET", "/nowhere", None, 404, "not_found", None),
    ("GET", "/accounts/", None, 404, "not_found", None),
    ("PUT", "/accounts", {"name": "zoe"}, 405, "method_not_allowed", None),
    ("DELETE", "/accounts", None, 405, "method_not_allowed", None),
]

BAD_AMOUNTS = [
    "0", "-1", "+1", "1e5", "NaN", "inf", "1_000", " 1", "1 ", ".5", "5.", "",
    "\N{ARABIC-INDIC DIGIT ONE}", "9" * 30, "0.0000001", "9999999999999999999",
]  # fmt: skip


async def test_bad_request_is_answered_with_what_is_wrong(desk: DeskClient) -> None:
    wrong = []
    for method, path, body, status, code, field in BAD_REQUESTS:
        answer = await desk.request(method, path, json=body)
        error = answer.body["error"]
        if (answer.status, error["code"], error.get("field")) != (status, code, field):
            wrong.append((method, path, body, answer))
        assert error["message"]
    assert not wrong


async def test_bad_amount_is_refused_by_name_and_credits_nothing(desk: DeskClient) -> None:
    accepted = []
    for amount in [*BAD_AMOUNTS, 5, 0.5, None, ["1"]]:
        answer = await desk.post("/accounts/1/credits", {"asset": "USDT", "amount": amount})
        if answer.status != 422 or answer.body["error"]["field"] != "amount":
            accepted.append((amount, answer))
    assert not accepted
    assert (await desk.get("/trial-balance")).body["assets"] == []


async def test_credit_names_the_account_or_the_asset_it_does_not_know(desk: DeskClient) -> None:
    answer = await desk.post("/accounts/99/credits", {"asset": "USDT", "amount": "1"})
    assert (answer.status, answer.code) == (404, "unknown_account")
    answer = await desk.post("/accounts/1/credits", {"asset": "ETH", "amount": "1"})
    assert (answer.status, answer.code) == (404, "unknown_asset")


async def test_engines_refusal_is_told_by_its_reason(desk: DeskClient) -> None:
    # All that 64 bits hold of an asset is issued; one unit more, to anyone, would not fit.
    everything = {"asset": "USDT", "amount": "9223372036854.775807"}
    assert (await desk.post("/accounts/1/credits", everything)).status == 201
    answer = await desk.post("/accounts/2/credits", {"asset": "USDT", "amount": "0.000001"})
    assert (answer.status, answer.code) == (409, "funds_overflow")
    assert (await desk.get("/trial-balance")).body["agrees"]


BAD_BODIES = [
    (b"{", 400, "malformed_json"),
    (b"", 400, "malformed_json"),
    (b"\xff\xfe", 400, "malformed_json"),
    (b'{"name": "\xff"}', 400, "malformed_json"),
    (b'{"name": "\\ud800"}', 400, "malformed_json"),
    (b"[" * 60_000, 400, "malformed_json"),
    (b"NaN", 422, "invalid_request"),
    (b"1" * 5_000, 400, "malformed_json"),
    (b'{"name": "' + b"a" * 70_000 + b'"}', 413, "body_too_large"),
]


async def test_body_that_is_not_the_json_asked_for_is_refused(desk: DeskClient) -> None:
    for data, status, code in BAD_BODIES:
        answer = await desk.post(
            "/accounts", data=data, headers={"Content-Type": "application/json"}
        )
        assert (answer.status, answer.code) == (status, code), data[:40]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_body_of_another_type_is_refused(desk: DeskClient, content_type: str) -> None:
    answer = await desk.post(
        "/accounts", data=b'{"name": "zoe"}', headers={"Content-Type": content_type}
    )
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


async def test_wrong_method_is_told_the_right_ones(desk: DeskClient) -> None:
    answer = await desk.request("PATCH", "/accounts", json={})
    assert (answer.status, answer.code) == (405, "method_not_allowed")


# Who may ask what (S1)

OPS, SERVICE, ANYONE = {OPS_TOKEN}, {SERVICE_TOKEN}, {None, OPS_TOKEN, SERVICE_TOKEN}

ALLOWED: dict[tuple[str, str], Any] = {
    ("POST", "/accounts"): OPS,
    ("GET", "/accounts"): OPS,
    ("POST", "/accounts/{account_id}/credits"): OPS,
    ("GET", "/accounts/{account_id}/balances"): OPS,
    ("POST", "/keys"): OPS,
    ("GET", "/keys"): OPS,
    ("DELETE", "/keys/{api_key}"): OPS,
    ("GET", "/internal/credentials/{api_key}"): SERVICE,
    ("POST", "/assets"): OPS,
    ("POST", "/instruments"): OPS,
    ("GET", "/instruments"): OPS,
    ("POST", "/instruments/{symbol}/halt"): OPS,
    ("POST", "/instruments/{symbol}/resume"): OPS,
    ("GET", "/fee-tiers"): OPS,
    ("POST", "/fee-tiers/{fee_tier}"): OPS,
    ("DELETE", "/fee-tiers/{fee_tier}"): OPS,
    ("POST", "/accounts/{account_id}/fee-tier"): OPS,
    ("POST", "/accounts/{account_id}/self-trade-prevention"): OPS,
    ("POST", "/accounts/{account_id}/suspend"): OPS,
    ("GET", "/instruments/{symbol}/trades/{trade_id}"): OPS,
    ("POST", "/instruments/{symbol}/trades/{trade_id}/bust"): OPS,
    ("POST", "/instruments/{symbol}/trades/{trade_id}/correct"): OPS,
    ("POST", "/accounts/{account_id}/resume"): OPS,
    ("POST", "/instruments/{symbol}/delist"): OPS,
    ("POST", "/instruments/{symbol}/phase"): OPS,
    ("POST", "/instruments/{symbol}/fees"): OPS,
    ("POST", "/instruments/{symbol}/limits"): OPS,
    ("POST", "/instruments/{symbol}/increments"): OPS,
    ("POST", "/instruments/{symbol}/reference-price"): OPS,
    ("GET", "/fix-sessions"): OPS,
    ("POST", "/fix-sessions"): OPS,
    ("GET", "/fix-sessions/{service}/{account_id}/{sender_comp_id}"): OPS,
    ("POST", "/fix-sessions/{service}/{account_id}/{sender_comp_id}"): OPS,
    ("POST", "/fix-sessions/{service}/{account_id}/{sender_comp_id}/disable"): OPS,
    ("POST", "/fix-sessions/{service}/{account_id}/{sender_comp_id}/enable"): OPS,
    ("POST", "/fix-sessions/{service}/{account_id}/{sender_comp_id}/reset"): OPS,
    ("POST", "/fix-sessions/{service}/{account_id}/{sender_comp_id}/logout"): OPS,
    ("POST", "/internal/fix-gateways/{gateway}"): SERVICE,
    ("GET", "/maintenance"): OPS,
    ("POST", "/maintenance"): OPS,
    ("DELETE", "/maintenance"): OPS,
    ("GET", "/trial-balance"): OPS,
    ("GET", "/health"): ANYONE,
}

CREDENTIALS = {
    "none": {},
    "empty": {"Authorization": ""},
    "no scheme": {"Authorization": OPS_TOKEN},
    "basic": {"Authorization": f"Basic {OPS_TOKEN}"},
    "empty bearer": {"Authorization": "Bearer "},
    "wrong": {"Authorization": "Bearer wrong"},
    "prefix": {"Authorization": f"Bearer {OPS_TOKEN[:-1]}"},
    "longer": {"Authorization": f"Bearer {OPS_TOKEN}x"},
    "other case": {"Authorization": f"Bearer {OPS_TOKEN.upper()}"},
    "not ascii": {"Authorization": "Bearer é"},
    OPS_TOKEN: {"Authorization": f"Bearer {OPS_TOKEN}"},
    SERVICE_TOKEN: {"Authorization": f"Bearer {SERVICE_TOKEN}"},
}


async def test_every_route_opens_to_whom_the_table_says_and_to_no_one_else(
    desk: DeskClient,
) -> None:
    document = (await desk.get("/openapi.json", token=None)).body
    served = {(method.upper(), path) for path, m in document["paths"].items() for method in m}
    assert served == set(ALLOWED), "a new route must be entered here"
    wrong = []
    for (method, template), allowed in ALLOWED.items():
        path = template.format(
            account_id=1,
            api_key="NONE",
            symbol="BTCUSDT",
            fee_tier=1,
            trade_id=1,
            service="order_entry",
            sender_comp_id="NOBODY",
            gateway="gw1",
        )
        for name, headers in CREDENTIALS.items():
            answer = await desk.request(method, path, token=None, headers=headers, data=b"{")
            opens = name in allowed or None in allowed
            if (answer.status != 401) != opens:
                wrong.append((method, path, name, answer))
    assert not wrong


async def test_refused_token_changes_nothing_and_tells_nothing(desk: DeskClient) -> None:
    before = (await desk.get("/accounts")).body
    answer = await desk.post("/accounts", {"name": "mallory"}, token="wrong")
    assert answer == (
        401,
        {"error": {"code": "unauthorized", "message": "this needs the ops bearer token"}},
    )
    assert (await desk.get("/accounts")).body == before


async def test_openapi_document_describes_each_route(desk: DeskClient) -> None:
    document = (await desk.get("/openapi.json", token=None)).body
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            names = {parameter["name"] for parameter in operation.get("parameters", [])}
            assert {part[1:-1] for part in path.split("/") if part.startswith("{")} <= names
    credit = document["paths"]["/accounts/{account_id}/credits"]["post"]
    assert credit["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Credit"
    }
    references = set(_references(document))
    assert references
    assert references <= {f"#/components/schemas/{name}" for name in schemas}


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in _references(value)]
    if isinstance(node, list):
        return [found for value in node for found in _references(value)]
    return []
