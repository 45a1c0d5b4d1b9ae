"""Requests that the REST door refuses: each a typed error, and the engine's state as before."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import redis

from agio.embedded_valkey import EmbeddedValkey
from tests.gateway.edge.json_venue import ORDER_QUERY, JsonVenue, sign, signed_query

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def venue(
    tmp_path_factory: pytest.TempPathFactory, valkey_server: EmbeddedValkey
) -> AsyncIterator[JsonVenue]:
    """Give one venue to all: none of the requests may leave a trace on it."""
    with redis.Redis.from_url(valkey_server.url()) as client:
        client.flushall()
    venue = JsonVenue(tmp_path_factory.mktemp("venue"), valkey_server.url())
    await venue.start()
    yield venue
    await venue.stop()


def unsigned_time() -> str:
    return f"{ORDER_QUERY}&signature={sign('alice', ORDER_QUERY)}"


BAD_SIGNED: dict[str, tuple[Any, str | None, int, int]] = {
    "no key": (signed_query, None, 401, -2014),
    "empty key": (signed_query, "", 401, -2014),
    "unknown key": (signed_query, "mallory", 401, -2015),
    "long key": (signed_query, "x" * 500, 401, -2015),
    "another's key": (signed_query, "bob", 400, -1022),
    "reader's key": (lambda: signed_query(key="reader"), "reader", 401, -2015),
    "no signature": (lambda: signed_query().partition("&signature")[0], "alice", 400, -1102),
    "empty signature": (lambda: f"{ORDER_QUERY}&timestamp=1&signature=", "alice", 400, -1022),
    "signature not last": (lambda: signed_query() + "&recvWindow=5000", "alice", 400, -1102),
    "two signatures": (lambda: signed_query() + "&signature=00", "alice", 400, -1101),
    "changed price": (lambda: signed_query().replace("100.00", "100.01"), "alice", 400, -1022),
    "re-encoded": (lambda: signed_query().replace("BTCUSDT", "%42TCUSDT"), "alice", 400, -1022),
    "expired": (lambda: signed_query(age_ms=5_100), "alice", 400, -1021),
    "too early": (lambda: signed_query(age_ms=-1_500), "alice", 400, -1021),
    "wide window": (lambda: signed_query(more="&recvWindow=60001"), "alice", 400, -1131),
    "no timestamp": (
        unsigned_time,
        "alice",
        400,
        -1102,
    ),
    "twice": (lambda: signed_query(more="&symbol=BTCUSDT"), "alice", 400, -1101),
    "unknown parameter": (lambda: signed_query(more="&iceberg=1"), "alice", 400, -1103),
    "empty parameter": (lambda: signed_query(more="&newClientOrderId="), "alice", 400, -1105),
    "no equals sign": (lambda: signed_query(more="&flag"), "alice", 400, -1100),
    "bad escape": (lambda: signed_query(more="&newClientOrderId=%FF"), "alice", 400, -1100),
    "too many": (lambda: signed_query(more="&a=1" * 40), "alice", 400, -1100),
}

BAD_VALUES = {
    "quantity=1_000": -1100,
    "quantity=-1": -1100,
    "quantity=0": -1013,
    "quantity=" + "9" * 30: -1100,
    "quantity=%D9%A1": -1100,
    "quantity=NaN": -1100,
    "quantity=1e400": -1100,
    "quantity=0.000001": -1013,
    "quantity=1000000": -2010,
    "quantity=0.1&price=100.001": -1013,
    "quantity=0.1&price=+1": -1100,
    "quantity=0.1&symbol=NOTHING": -1121,
    "quantity=0.1&symbol=btcusdt": -1121,
    "quantity=0.1&side=HOLD": -1117,
    "quantity=0.1&type=ICEBERG": -1116,
    "quantity=0.1&timeInForce=GTX": -1115,
    "quantity=0.1&newClientOrderId=%22": -1100,
}


@pytest.mark.parametrize(
    ("make", "key", "status", "code"), BAD_SIGNED.values(), ids=list(BAD_SIGNED)
)
async def test_who_may_not_trade_changes_nothing(
    venue: JsonVenue, make: Any, key: str | None, status: int, code: int
) -> None:
    before = venue.state_hash()
    answer = await venue.send("POST", f"/api/v3/order?{make()}", key=key)
    assert (answer[0], answer[1]["code"]) == (status, code), answer
    assert set(answer[1]) == {"code", "msg"}
    assert venue.state_hash() == before


@pytest.mark.parametrize("change", BAD_VALUES)
async def test_bad_orders_change_nothing(venue: JsonVenue, change: str) -> None:
    terms = dict(pair.split("=") for pair in ORDER_QUERY.split("&"))
    terms |= dict(pair.split("=") for pair in change.split("&"))
    query = signed_query("&".join(f"{name}={value}" for name, value in terms.items()))
    before = venue.state_hash()
    status, answer = await venue.send("POST", f"/api/v3/order?{query}", key="alice")
    assert (status, answer["code"]) == (400, BAD_VALUES[change]), answer
    assert venue.state_hash() == before


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/", 404, -1020),
        ("GET", "/api/v3/nothing", 404, -1020),
        ("PUT", "/api/v3/order", 405, -1020),
        ("HEAD", "/api/v3/nothing", 404, None),
        ("GET", "/api/v3/depth", 400, -1102),
        ("GET", "/api/v3/depth?symbol=NOTHING", 400, -1121),
        ("GET", "/api/v3/depth?symbol=BTCUSDT&limit=0", 400, -1130),
        ("GET", "/api/v3/depth?symbol=BTCUSDT&symbol=BTCUSDT", 400, -1101),
        ("GET", "/api/v3/depth?symbol=BTCUSDT&deep=1", 400, -1103),
        ("GET", "/api/v3/klines?symbol=BTCUSDT&interval=1s", 400, -1120),
        ("GET", "/api/v3/ticker/24hr?symbols=BTCUSDT", 400, -1130),
        ("GET", "/api/v3/time?now=1", 400, -1103),
        ("GET", "/api/v3/order?symbol=BTCUSDT&orderId=1", 401, -2014),
    ],
)
async def test_what_is_not_there_is_said_in_json(
    venue: JsonVenue, method: str, target: str, status: int, code: int | None
) -> None:
    if method == "HEAD":
        async with venue.http.head(venue.rest_url + target) as response:
            assert response.status == status
        return
    answer = await venue.send(method, target)
    assert (answer[0], answer[1]["code"]) == (status, code), answer


async def test_a_path_that_is_not_there_is_named(venue: JsonVenue) -> None:
    target = "/api/v3/sor/order"
    _, answer = await venue.send("POST", f"{target}?symbol=BTCUSDT&signature=s")
    assert answer["msg"] == f"Not Found: POST {target}"
    _, answer = await venue.send("PUT", "/api/v3/" + "x" * 1000)
    assert len(answer["msg"]) < 100


async def test_a_large_body_is_refused(venue: JsonVenue) -> None:
    status, answer = await venue.send(
        "POST", "/api/v3/order", key="alice", data=b"a=" + b"x" * 70_000
    )
    assert (status, answer["code"]) == (413, -1020)
