"""The WebSocket API over a real socket: orders, answers and user data."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.edge import credentials, websocket_api
from tests.gateway.edge.json_venue import LIMIT, ApiClient, JsonVenue, now_ms, signed_parameters


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[JsonVenue]:
    venue = JsonVenue(tmp_path, redis_url)
    await venue.start()
    yield venue
    await venue.stop()


@pytest.fixture
async def client(venue: JsonVenue) -> AsyncIterator[ApiClient]:
    async with venue.api() as client:
        yield client


async def test_public_questions_are_answered(client: ApiClient) -> None:
    assert await client.ask("ping") == {"id": 1, "status": 200, "result": {}}
    assert abs((await client.ask("time"))["result"]["serverTime"] - now_ms()) < 1000
    (symbol,) = (await client.ask("exchangeInfo", symbols=["BTCUSDT"]))["result"]["symbols"]
    assert symbol["symbol"] == "BTCUSDT"
    assert (await client.ask("depth", symbol="BTCUSDT"))["result"]["bids"] == []


async def test_an_order_lives_its_life(client: ApiClient) -> None:
    placed = await client.signed("order.place", **LIMIT, newClientOrderId="mine")
    assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
    order_id = placed["result"]["orderId"]
    named = {"symbol": "BTCUSDT", "orderId": order_id}

    assert (await client.signed("order.status", **named))["result"]["status"] == "NEW"
    (opened,) = (await client.signed("openOrders.status", symbol="BTCUSDT"))["result"]
    assert opened["orderId"] == order_id
    account = (await client.signed("account.status"))["result"]
    assert {"asset": "USDT", "free": "999990.00000000", "locked": "10.00000000"} in account[
        "balances"
    ]
    canceled = await client.signed("order.cancel", **named)
    assert canceled["result"]["status"] == "CANCELED"
    again = await client.signed("order.cancel", **named)
    assert (again["status"], again["error"]["code"]) == (400, -2011)
    none = await client.signed("order.status", symbol="BTCUSDT", orderId=10**15)
    assert (none["status"], none["error"]["code"]) == (400, -2013)


async def test_requests_need_not_wait_for_answers(client: ApiClient) -> None:
    for number in range(200):
        parameters = signed_parameters("alice", **LIMIT, newClientOrderId=f"n{number}")
        await client.send({"id": f"r{number}", "method": "order.place", "params": parameters})
    answers = [await client.receive() for _ in range(200)]
    assert [each["id"] for each in answers] == [f"r{number}" for number in range(200)]
    assert [each["result"]["clientOrderId"] for each in answers] == [
        f"n{number}" for number in range(200)
    ]
    canceled = await client.signed("openOrders.cancelAll", symbol="BTCUSDT")
    assert len(canceled["result"]) == 200


async def test_an_owner_hears_of_orders_and_funds(venue: JsonVenue, client: ApiClient) -> None:
    subscribed = await client.signed("userDataStream.subscribe.signature")
    assert subscribed["result"] == {"subscriptionId": 0}
    await venue.place(newClientOrderId="mine")
    await venue.place("bob", side="SELL", quantity="0.06")

    heard: list[Any] = [await client.receive() for _ in range(4)]
    assert {each["subscriptionId"] for each in heard} == {0}
    events = [each["event"] for each in heard]
    assert [each["e"] for each in events] == ["executionReport", "outboundAccountPosition"] * 2
    new, held, trade, traded = events
    assert (new["x"], new["c"], trade["x"], trade["m"]) == ("NEW", "mine", "TRADE", True)
    assert (trade["l"], trade["n"], trade["N"]) == ("0.06000", "0.00006000", "BTC")
    assert held["B"] == [
        {"a": "BTC", "f": "10.00000000", "l": "0.00000000"},
        {"a": "USDT", "f": "999990.00000000", "l": "10.00000000"},
    ]
    assert traded["B"] == [
        {"a": "BTC", "f": "10.05994000", "l": "0.00000000"},
        {"a": "USDT", "f": "999990.00000000", "l": "4.00000000"},
    ]


async def test_what_was_unsubscribed_is_heard_no_more(venue: JsonVenue, client: ApiClient) -> None:
    for subscription_id in (0, 1):
        subscribed = await client.signed("userDataStream.subscribe.signature")
        assert subscribed["result"]["subscriptionId"] == subscription_id
    assert (await client.ask("userDataStream.unsubscribe", subscriptionId=0))["status"] == 200
    assert (await client.ask("userDataStream.unsubscribe", subscriptionId=0))["status"] == 400
    await venue.place()
    assert (await client.receive())["subscriptionId"] == 1
    assert (await client.receive())["event"]["e"] == "outboundAccountPosition"
    assert (await client.ask("userDataStream.unsubscribe"))["status"] == 200
    await venue.place()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.connection.recv(), 0.1)
    assert venue.gateway.json.websocket.health()["user_streams"] == 0


async def test_a_connection_that_goes_takes_its_subscriptions_along(venue: JsonVenue) -> None:
    async with venue.api() as client:
        await client.signed("userDataStream.subscribe.signature")
        assert venue.gateway.json.websocket.health()["user_streams"] == 1
    async with asyncio.timeout(2):
        while venue.gateway.json.websocket.health()["connections"]:
            await asyncio.sleep(0.01)
    assert venue.gateway.json.websocket.health()["user_streams"] == 0


async def test_a_revoked_key_hears_no_more(
    venue: JsonVenue, client: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_api, "RECHECK_S", 0.05)
    monkeypatch.setattr(credentials, "FRESH_S", 0.0)
    await client.signed("userDataStream.subscribe.signature")
    del venue.keys.keys["alice"]
    ended = await client.receive()
    assert (ended["subscriptionId"], ended["event"]["e"]) == (0, "eventStreamTerminated")
    assert venue.gateway.json.websocket.health()["user_streams"] == 0
    assert (await client.signed("order.place", **LIMIT))["error"]["code"] == -2015


def signed_limit(**change: Any) -> dict[str, Any]:
    return signed_parameters("alice", **(LIMIT | change))


# What is sent instead of an order, and what is changed after signing.
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], int, int]] = {
    "wrong signature": ({}, {"signature": "0" * 64}, 400, -1022),
    "signature no text": ({}, {"signature": 7}, 400, -1102),
    "changed": ({}, {"quantity": "0.2"}, 400, -1022),
    "added": ({}, {"newClientOrderId": "x"}, 400, -1022),
    "unknown key": ({}, {"apiKey": "mallory"}, 401, -2015),
    "another's key": ({}, {"apiKey": "bob"}, 400, -1022),
    "key no text": ({}, {"apiKey": 7}, 401, -2014),
    "old": ({"timestamp": 1}, {}, 400, -1021),
    "from the future": ({"timestamp": 2**42}, {}, 400, -1021),
    "wide window": ({"recvWindow": 60_001}, {}, 400, -1131),
    "unknown parameter": ({"stopPrize": "1"}, {}, 400, -1103),
    "not required": ({"stopPrice": "1"}, {}, 400, -1106),
    "quantity a number": ({"quantity": 1}, {}, 400, -1130),
    "quantity 1_000": ({"quantity": "1_000"}, {}, 400, -1100),
    "quantity in arabic": ({"quantity": "\u0661"}, {}, 400, -1100),
    "quantity of 30 digits": ({"quantity": "9" * 30}, {}, 400, -1100),
    "quantity NaN": ({"quantity": "NaN"}, {}, 400, -1100),
    "quantity 0": ({"quantity": "0"}, {}, 400, -1013),
    "quantity negative": ({"quantity": "-1"}, {}, 400, -1100),
    "price off tick": ({"price": "100.001"}, {}, 400, -1013),
    "price empty": ({"price": ""}, {}, 400, -1105),
    "unknown symbol": ({"symbol": "NOTHING"}, {}, 400, -1121),
    "too much": ({"quantity": "100000"}, {}, 400, -2010),
}


async def test_refused_orders_change_nothing(venue: JsonVenue, client: ApiClient) -> None:
    before = venue.state_hash()
    for case, (change, forged, status, code) in REFUSED.items():
        answer = await client.ask("order.place", **(signed_limit(**change) | forged))
        assert (answer["status"], answer["error"]["code"]) == (status, code), (case, answer)
    assert venue.state_hash() == before


async def test_other_requests_are_refused_by_what_they_lack(client: ApiClient) -> None:
    unsigned = LIMIT | {"apiKey": "alice", "timestamp": 1}
    for method, parameters, code in [
        ("order.dance", {}, -1020),
        ("GET /api/v3/ping", {}, -1020),
        ("order.place", {}, -2014),
        ("order.place", unsigned, -1102),
        ("order.place", signed_parameters("reader", **LIMIT), -2015),
        ("ping", {"loud": True}, -1103),
        ("depth", {}, -1102),
        ("depth", {"symbol": "NOTHING"}, -1121),
    ]:
        answer = await client.ask(method, **parameters)
        assert answer["error"]["code"] == code, (method, answer)


async def test_a_client_order_id_means_one_order(client: ApiClient) -> None:
    first = await client.signed("order.place", **LIMIT, newClientOrderId="mine")
    again = await client.signed("order.place", **LIMIT, newClientOrderId="mine")
    assert again["result"] == first["result"]
    other = await client.signed("order.place", **LIMIT | {"side": "SELL"}, newClientOrderId="mine")
    assert other["error"] == {"code": -2010, "msg": "Duplicate order sent."}
