"""Parameters into typed requests: what is taken, and how everything else is refused."""

import pytest

from gateway.json_api import requests as r
from gateway.json_api.errors import ApiError
from gateway.json_api.requests import Value, parse

LIMIT: dict[str, Value] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.1",
    "price": "100.00",
    "timestamp": "1700000000000",
}


def refused(parameters: dict[str, Value], request_type: type[r.Request]) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        parse(parameters, request_type)
    return caught.value.code, caught.value.message


def test_text_and_integers_make_the_same_request() -> None:
    from_query = parse(LIMIT | {"recvWindow": "6000"}, r.PlaceOrder)
    from_json = parse(LIMIT | {"timestamp": 1700000000000, "recvWindow": 6000}, r.PlaceOrder)
    assert from_query == from_json
    assert from_query.timestamp == 1_700_000_000_000
    assert from_query.quantity == "0.1"


def test_the_receive_window_is_5_seconds_unless_told() -> None:
    assert parse(LIMIT, r.PlaceOrder).recv_window == 5000


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"side": "HOLD"}, -1117, "side"),
        ({"side": "buy"}, -1117, "side"),
        ({"type": "PEGGED"}, -1116, "orderType"),
        ({"timeInForce": "GTX"}, -1115, "timeInForce"),
        ({"quantity": ""}, -1105, "quantity"),
        ({"quantity": 1}, -1130, "quantity"),
        ({"price": True}, -1130, "price"),
        ({"symbol": ["BTCUSDT"]}, -1130, "symbol"),
        ({"iceberg": "1"}, -1103, "iceberg"),
        ({"__proto__": "1"}, -1103, "__proto__"),
        ({"newOrderRespType": "LOUD"}, -1130, "newOrderRespType"),
        ({"timestamp": "soon"}, -1130, "timestamp"),
        ({"timestamp": "1_700"}, -1130, "timestamp"),
        ({"timestamp": "\u0661\u0667\u0660\u0660"}, -1130, "timestamp"),
        ({"timestamp": "-1"}, -1130, "timestamp"),
        ({"timestamp": "9" * 30}, -1130, "timestamp"),
        ({"recvWindow": "-1"}, -1130, "recvWindow"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Value], code: int, word: str) -> None:
    found, message = refused(LIMIT | change, r.PlaceOrder)
    assert (found, word in message) == (code, True), message


@pytest.mark.parametrize("name", ["symbol", "side", "type", "timestamp"])
def test_what_is_missing_is_named(name: str) -> None:
    code, message = refused({key: LIMIT[key] for key in LIMIT if key != name}, r.PlaceOrder)
    assert code == -1102
    assert f"'{name}'" in message


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"type": "LIMIT", "price": None}, -1102, "price"),
        ({"quantity": None}, -1102, "quantity"),
        ({"quantity": None, "quoteOrderQty": "10"}, -1106, "quoteOrderQty"),
        ({"type": "MARKET", "quoteOrderQty": "10"}, -1106, "quoteOrderQty"),
        ({"type": "MARKET", "icebergQty": "1"}, -1106, "icebergQty"),
        ({"type": "LIMIT", "timeInForce": None}, -1102, "timeInForce"),
        ({"type": "LIMIT_MAKER"}, -1106, "timeInForce"),
        ({"type": "LIMIT_MAKER", "timeInForce": None, "price": None}, -1102, "price"),
        ({"type": "MARKET"}, -1106, "price"),
        ({"type": "MARKET", "price": None}, -1106, "timeInForce"),
        ({"stopPrice": "1"}, -1106, "stopPrice"),
        ({"type": "STOP_LOSS_LIMIT"}, -1102, "stopPrice"),
        ({"trailingDelta": "9"}, -1106, "trailingDelta"),
    ],
)
def test_price_and_time_in_force_go_with_the_type(
    change: dict[str, str | None], code: int, word: str
) -> None:
    merged = LIMIT | change
    request = parse({k: v for k, v in merged.items() if v is not None}, r.PlaceOrder)
    with pytest.raises(ApiError, match=word) as caught:
        request.check()
    assert caught.value.code == code


def test_an_order_is_named_by_one_of_two_ids() -> None:
    signed: dict[str, Value] = {"symbol": "BTCUSDT", "timestamp": 1}
    parse(signed | {"orderId": "7"}, r.QueryOrder).check()
    parse(signed | {"origClientOrderId": "mine"}, r.QueryOrder).check()
    both: dict[str, Value] = {"orderId": 7, "origClientOrderId": "x"}
    none: dict[str, Value] = {}
    for both_or_none, code in ((none, -1102), (both, -1128)):
        with pytest.raises(ApiError) as caught:
            parse(signed | both_or_none, r.QueryOrder).check()
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("type_name", "default"), [("LIMIT", "FULL"), ("MARKET", "FULL"), ("LIMIT_MAKER", "ACK")]
)
def test_the_answer_is_as_long_as_binance_makes_it(type_name: str, default: str) -> None:
    assert parse(LIMIT | {"type": type_name}, r.PlaceOrder).response_type == default
    wanted = LIMIT | {"type": type_name, "newOrderRespType": "RESULT"}
    assert parse(wanted, r.PlaceOrder).response_type == "RESULT"


def test_limits_are_bounded() -> None:
    assert parse({"symbol": "X", "limit": "1000"}, r.Trades).limit == 1000
    for limit in ("0", "1001", "-1", "1e2000", "9" * 30, "ten"):
        assert refused({"symbol": "X", "limit": limit}, r.Trades)[0] == -1130


def test_only_known_intervals_have_candles() -> None:
    assert parse({"symbol": "X", "interval": "4h"}, r.Klines).interval == "4h"
    assert refused({"symbol": "X", "interval": "7m"}, r.Klines)[0] == -1120


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, None),
        ({"symbol": "A"}, ["A"]),
        ({"symbols": '["A","B"]'}, ["A", "B"]),
        ({"symbols": ["A", "B"]}, ["A", "B"]),
    ],
)
def test_symbols_may_be_one_several_or_all(
    parameters: dict[str, Value], names: list[str] | None
) -> None:
    assert parse(parameters, r.Symbols).names() == names


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"symbol": "A", "symbols": '["B"]'}, -1128),
        ({"symbols": "A,B"}, -1130),
        ({"symbols": "[1]"}, -1130),
        ({"symbols": "[" * 10_000}, -1130),
    ],
)
def test_symbols_that_make_no_list_are_refused(parameters: dict[str, Value], code: int) -> None:
    with pytest.raises(ApiError) as caught:
        parse(parameters, r.Symbols).names()
    assert caught.value.code == code
