"""Signatures over exact bytes, and the window of a request's time."""

import pytest

from gateway.auth import Credential, signature
from gateway.json_api import requests as r
from gateway.json_api.errors import ApiError
from gateway.json_api.operations import Security
from gateway.json_api.signing import check_signed, sorted_payload, split_signature

# Key, secret and both examples are those of binance-spot-api-docs.
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
QUERY = (
    b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
    b"&recvWindow=5000&timestamp=1499827319559"
)
QUERY_SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"

OWNER = Credential(API_KEY, SECRET, 1, (), frozenset({"read", "trade"}))
NOW_MS = 1_700_000_000_000


def check(
    timestamp: int = NOW_MS,
    recv_window: int = 5000,
    *,
    credential: Credential | None = OWNER,
    security: Security = Security.TRADE,
    payload: bytes = b"a=1",
    given: str | None = None,
    now_ns: int = NOW_MS * 1_000_000,
) -> int:
    """Return the code with which a request is refused, 0 if it is not."""
    request = r.SignedRequest(timestamp=timestamp, recv_window=recv_window)
    given = signature(SECRET, payload) if given is None else given
    try:
        check_signed(credential, security, request, payload, given, now_ns)
    except ApiError as error:
        return error.code
    return 0


@pytest.mark.parametrize("split", [0, 14, len(QUERY)])
def test_the_documented_request_is_signed_wherever_its_parameters_stand(split: int) -> None:
    query, body = QUERY[:split], QUERY[split:]
    signed = b"&signature=" + QUERY_SIGNATURE.encode()
    payload, given = split_signature(query, body + signed if body else signed[1:])
    assert payload == QUERY
    assert given == QUERY_SIGNATURE == signature(SECRET, QUERY)


def test_the_documented_websocket_request_is_signed() -> None:
    parameters: dict[str, r.Value] = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01000000",
        "price": "52000.00",
        "newOrderRespType": "ACK",
        "recvWindow": 100,
        "timestamp": 1645423376532,
        "apiKey": API_KEY,
    }
    expected = "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a"
    assert signature(SECRET, sorted_payload(parameters)) == expected


def test_booleans_are_signed_as_json_spells_them() -> None:
    assert sorted_payload({"b": True, "a": False}) == b"a=false&b=true"


@pytest.mark.parametrize(
    "query", [b"", b"a=1", b"a=1&signature=00&b=2", b"signature=00&a=1", b"a=1&Signature=00"]
)
def test_a_signature_must_be_there_and_last(query: bytes) -> None:
    with pytest.raises(ApiError, match="signature"):
        split_signature(query, b"")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (QUERY_SIGNATURE, 0),
        (QUERY_SIGNATURE.upper(), 0),  # "not case sensitive"
        (QUERY_SIGNATURE[:-1] + "2", -1022),
        (QUERY_SIGNATURE[:-1], -1022),
        (QUERY_SIGNATURE + "00", -1022),
        ("", -1022),
        ("ü" * 64, -1022),
        ("0" * 64, -1022),
    ],
)
def test_only_the_right_signature_is_one(given: str, code: int) -> None:
    assert check(payload=QUERY, given=given) == code


@pytest.mark.parametrize(
    "changed",
    [
        QUERY.replace(b"quantity=1&", b"quantity=2&"),
        QUERY.replace(b"symbol", b"Symbol"),
        QUERY.replace(b"price=0.1", b"price=0.10"),
        QUERY.replace(b"0.1", b"%30.1"),
        QUERY.replace(b"side=BUY&type=LIMIT", b"type=LIMIT&side=BUY"),
        QUERY + b"&",
    ],
)
def test_one_changed_byte_spoils_the_signature(changed: bytes) -> None:
    assert check(payload=changed, given=QUERY_SIGNATURE) == -1022


@pytest.mark.parametrize(
    ("age_ms", "recv_window", "code"),
    [
        (0, 5000, 0),
        (4999, 5000, 0),
        (5000, 5000, 0),
        (5001, 5000, -1021),
        (0, 0, 0),
        (1, 0, -1021),
        (-999, 5000, 0),
        (-1000, 5000, -1021),
        (-999, 60_000, 0),
        (-1000, 60_000, -1021),
        (60_000, 60_000, 0),
        (60_001, 60_000, -1021),
        (0, 60_001, -1131),
        (1_700_000_000_000, 5000, -1021),
    ],
)
def test_a_request_lives_as_long_as_its_window(age_ms: int, recv_window: int, code: int) -> None:
    assert check(NOW_MS - age_ms, recv_window) == code


def test_the_window_is_measured_in_whole_milliseconds() -> None:
    assert check(NOW_MS - 5000, now_ns=NOW_MS * 1_000_000 + 999_999) == 0


def test_a_key_opens_what_it_was_made_for() -> None:
    reader = OWNER._replace(permissions=frozenset({"read"}))
    trader = OWNER._replace(permissions=frozenset({"trade"}))
    assert check(credential=reader, security=Security.READ) == 0
    assert check(credential=reader, security=Security.TRADE) == -2015
    assert check(credential=trader, security=Security.READ) == -2015
    assert check(credential=None) == -2015


def test_whoever_can_not_sign_learns_nothing_else() -> None:
    nothing = OWNER._replace(permissions=frozenset())
    assert check(0, 99_999, credential=nothing, given="00") == -1022
