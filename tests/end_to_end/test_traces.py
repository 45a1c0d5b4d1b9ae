"""One order's trace, seen whole: from the client's message to the subscriber's socket."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from websockets.asyncio.client import connect

from tests.agio.running_venue import RunningVenue, free_port_base
from tests.gateway.fix_client import FixClient
from tests.otlp_collector import Collector, Span
from vocabulary.tracing import VENUE_HOPS

SERVER, CLIENT, CONSUMER = 2, 3, 5  # opentelemetry.proto.trace.v1.Span.SpanKind


@pytest.fixture(scope="module")
def collector() -> Collector:
    return Collector()


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[RunningVenue]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGIO_TRACE_SAMPLE_RATE", "1")
        patch.setenv("AGIO_OTLP_URL", collector.url)
        patch.setenv("AGIO_LOG_LEVEL", "debug")
        venue = RunningVenue(tmp_path_factory.mktemp("venue"), free_port_base())
        with venue, collector.serving():
            yield venue
            if venue.process is not None:
                venue.stop()


@pytest.fixture(scope="module")
def keys(venue: RunningVenue) -> dict[str, dict[str, str]]:
    """Make two accounts that can trade with each other; return their keys."""
    keys = {}
    for name, asset, amount in (("firm", "BTC", "30"), ("app", "USDT", "1000000")):
        venue.agio("account", "create", name)
        venue.agio("account", "credit", name, asset, amount)
        keys[name] = venue.agio("key", "create", "--account", name)
    return keys


@asynccontextmanager
async def fix_session(
    venue: RunningVenue, key: dict[str, str], service: str
) -> AsyncIterator[FixClient]:
    port = int(venue.endpoints[service].rpartition(":")[2])
    client = await FixClient.connect(port, "FIRM")
    assert (await client.log_on(key["api_key"], key["secret"], is_reset=True))[35] == "A"
    yield client
    await client.log_out()


def signed(key: dict[str, str], terms: dict[str, str]) -> dict[str, str]:
    """Return a request's parameters with the signature, which signs them sorted by name."""
    filled = dict(sorted((terms | {"timestamp": str(time.time_ns() // 1_000_000)}).items()))
    payload = urlencode(filled)
    signature = hmac.new(key["secret"].encode(), payload.encode(), hashlib.sha256).hexdigest()
    return filled | {"signature": signature}


def order(side: str, price: str, client_order_id: str) -> dict[str, str]:
    return {
        "symbol": "BTCUSDT",
        "side": side,
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.1",
        "price": price,
        "newClientOrderId": client_order_id,
    }


def assert_whole(spans: dict[str, Span], sent_ns: int, seen_ns: int) -> None:
    """Check that a trace's spans hang together in place and time, between two times of ours."""
    for name, span in spans.items():
        assert span.service == f"agio-{name.partition('.')[0]}"
        parent = VENUE_HOPS[name].parent
        assert span.parent_id == (spans[parent].span_id if parent else "")
        assert sent_ns <= span.start_ns <= span.end_ns
    root, command, matched = (
        spans[name] for name in ("gateway.order", "gateway.command", "matching.order")
    )
    assert root.end_ns <= seen_ns
    # A trace id begins with the time in seconds: AWS X-Ray takes no other.
    assert sent_ns // 10**9 <= int(root.trace_id[:8], 16) <= seen_ns // 10**9
    assert root.start_ns <= command.start_ns <= matched.start_ns
    assert command.end_ns <= root.end_ns
    steps = [spans[f"matching.{name}"] for name in ("apply", "journal", "publish")]
    assert [step.start_ns for step in steps[1:]] == [step.end_ns for step in steps[:-1]]
    assert steps[1].end_ns <= command.end_ns
    assert spans["marketdata.publish"].start_ns >= steps[1].end_ns  # durable before anyone knows
    assert (root.kind, command.kind, matched.kind) == (SERVER, CLIENT, SERVER)


def is_order(client_order_id: str) -> Any:
    return lambda span: span.attributes.get("agio.client_order_id") == client_order_id


async def test_a_trade_over_fix_and_websocket_is_seen_whole(
    venue: RunningVenue, keys: dict[str, dict[str, str]], collector: Collector
) -> None:
    streams = connect(f"{venue.endpoints['websocket']}/ws/btcusdt@trade/btcusdt@depth")
    api = connect(f"{venue.endpoints['websocket']}/ws-api/v3")
    async with fix_session(venue, keys["firm"], "fix_order_entry") as fix, streams as seen:
        sent_ns = time.time_ns()
        fix.enter("fix-1", "sell", "0.5", "50000")
        assert (await fix.expect("8"))[150] == "0"
        assert json.loads(await asyncio.wait_for(seen.recv(), 10))["e"] == "depthUpdate"
        rested = await asyncio.to_thread(
            collector.trace, is_order("fix-1"), set(VENUE_HOPS) - {"accounts.settle"}
        )
        assert_whole(rested, sent_ns, time.time_ns())
        assert rested["gateway.order"].attributes["agio.door"] == "fix"
        assert rested["gateway.feed"].attributes["agio.channel"] == "agio:depth:BTCUSDT"

        async with api as requests:
            sent_ns = time.time_ns()
            parameters = order("BUY", "50000", "ws-1") | {"apiKey": keys["app"]["api_key"]}
            request = {"id": 1, "method": "order.place", "params": signed(keys["app"], parameters)}
            await requests.send(json.dumps(request))
            answer = json.loads(await asyncio.wait_for(requests.recv(), 10))
            assert answer["result"]["status"] == "FILLED", answer
            traded = await asyncio.to_thread(collector.trace, is_order("ws-1"), set(VENUE_HOPS))
            assert_whole(traded, sent_ns, time.time_ns())
            assert traded["gateway.order"].attributes["agio.door"] == "websocket"
            assert traded["accounts.settle"].start_ns >= traded["matching.journal"].end_ns
        assert (await fix.expect("8"))[150] == "F"
    sequences = {span.attributes["agio.sequence"] for span in traded.values()}
    assert len(sequences) == 1


async def test_a_fix_subscriber_is_the_end_of_a_trace(
    venue: RunningVenue, keys: dict[str, dict[str, str]], collector: Collector
) -> None:
    async with (
        fix_session(venue, keys["firm"], "fix_order_entry") as fix,
        fix_session(venue, keys["app"], "fix_market_data") as subscriber,
    ):
        subscriber.send(
            "V", {262: "1", 263: 1, 264: 1, 265: 1, 267: 1, 269: "1", 146: 1, 55: "BTCUSDT"}
        )
        await subscriber.expect("W")
        fix.enter("fix-2", "sell", "0.5", "49999")
        await fix.expect("8")
        await subscriber.expect("X")
        spans = await asyncio.to_thread(
            collector.trace, is_order("fix-2"), {"gateway.order", "gateway.feed"}
        )
    assert spans["gateway.feed"].attributes["agio.door"] == "fix"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        (
            "X-Amzn-Trace-Id",
            "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1",
        ),
    ],
)
async def test_a_client_s_own_trace_is_linked(
    venue: RunningVenue,
    keys: dict[str, dict[str, str]],
    collector: Collector,
    header: str,
    value: str,
) -> None:
    sent_ns = time.time_ns()
    terms = signed(keys["app"], order("BUY", "40000", f"rest-{header}"))
    headers = {"X-MBX-APIKEY": keys["app"]["api_key"], header: value}
    url = f"{venue.endpoints['rest']}/api/v3/order"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=terms, headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
    spans = await asyncio.to_thread(
        collector.trace,
        is_order(f"rest-{header}"),
        {*VENUE_HOPS} - {"accounts.settle", "gateway.feed"},
    )
    assert_whole(spans, sent_ns, time.time_ns())
    assert spans["gateway.order"].attributes["agio.door"] == "rest"
    assert spans["gateway.order"].links == [
        ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    ]


async def test_a_refused_order_s_trace_says_why(
    venue: RunningVenue, keys: dict[str, dict[str, str]], collector: Collector
) -> None:
    async with fix_session(venue, keys["firm"], "fix_order_entry") as fix:
        fix.enter("fix-3", "buy", "0.5", "40000")  # the firm has no dollars
        assert (await fix.expect("8"))[150] == "8"
        spans = await asyncio.to_thread(
            collector.trace, is_order("fix-3"), {"gateway.order", "matching.order"}
        )
    assert spans["gateway.order"].attributes["agio.reject_reason"] == "INSUFFICIENT_FUNDS"


def test_what_a_service_has_at_its_end_arrives(
    venue: RunningVenue, keys: dict[str, dict[str, str]], collector: Collector
) -> None:
    venue.agio("account", "credit", "app", "USDT", "1")
    assert venue.stop() == 0
    collector.trace(
        lambda span: span.name == "accounts.settle", {"matching.order", "accounts.settle"}
    )
