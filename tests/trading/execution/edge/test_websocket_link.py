"""The WebSocket link's countdown at a real venue: nobody's orders outlive who could cancel them."""

import asyncio

import pytest

from tests.gateway.edge.json_venue import JsonVenue
from trading.credentials import Credentials
from trading.decisions import OrderName, OrderStyle
from trading.execution import venue as v
from trading.execution.edge import websocket_link
from trading.execution.edge.links import LinkOwner
from trading.execution.edge.websocket_link import WebSocketLink
from vocabulary.types import Side


async def test_orders_stay_while_the_link_lives_and_go_when_it_is_gone(
    venue: JsonVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_link, "COUNTDOWN_S", 1.5)
    monkeypatch.setattr(websocket_link, "COUNTDOWN_RENEWED_S", 0.2)
    instruments = {"BTCUSDT": venue.gateway.catalogue.instrument_by_symbol["BTCUSDT"]}
    ready = asyncio.Event()
    reports: list[v.VenueReport] = []
    owner = LinkOwner(reports.extend, lambda is_ready: ready.set() if is_ready else None)
    credentials = Credentials("alice", "secret-of-alice")
    link = WebSocketLink(venue.websocket_url, credentials, instruments, owner)
    running = asyncio.create_task(link.run())
    async with asyncio.timeout(5):
        await ready.wait()
    name = OrderName("maker", "BTCUSDT", 1, 1)
    link.send([v.PlaceOrder(name, Side.BUY, 10_000, 10_000, OrderStyle.POST_ONLY)])

    async def open_orders() -> int:
        status, found = await venue.signed("GET", "openOrders", symbol="BTCUSDT")
        assert status == 200
        return len(found)

    await asyncio.sleep(3)
    assert await open_orders() == 1, reports
    running.cancel()
    async with asyncio.timeout(10):
        while await open_orders():
            await asyncio.sleep(0.05)
