"""A venue with JSON clients: REST requests and WebSocket connections, signed as Binance's are."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import websockets
from websockets.asyncio.client import ClientConnection
from yarl import URL

from marketdata.edge.publisher import MarketDataPublisher
from tests.gateway.edge.small_venue import SmallVenue

PATIENCE_S = 5.0


class JsonVenue(SmallVenue):
    """A small venue with market data, and a client for whom `key` signs."""

    def __init__(self, directory: Path, redis_url: str) -> None:
        super().__init__(directory, redis_url)
        self.publisher = MarketDataPublisher(
            matching_address=self.matching_address, redis_url=redis_url
        )
        self.http = aiohttp.ClientSession()

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.json.rest.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.gateway.json.websocket.port}"

    async def start(self, **more: Any) -> None:
        await super().start(**more)
        await self.publisher.start()
        await until(lambda: self.gateway.feed.ready)

    async def stop(self) -> None:
        await self.http.close()
        await self.publisher.stop()
        await super().stop()

    async def send(
        self, method: str, target: str, *, key: str | None = None, data: bytes | None = None
    ) -> tuple[int, Any]:
        """Send a request as it stands; return status and JSON."""
        headers = {"X-MBX-APIKEY": key} if key is not None else {}
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        url = URL(self.rest_url + target, encoded=True)
        async with self.http.request(method, url, headers=headers, data=data) as response:
            assert response.content_type == "application/json"
            return response.status, await response.json()

    async def get(self, path: str, **parameters: Any) -> Any:
        """Ask a public question; return the answer."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        status, answer = await self.send("GET", f"/api/v3/{path}{query}")
        assert status == 200, answer
        return answer

    async def signed(
        self, method: str, path: str, key: str = "alice", **parameters: Any
    ) -> tuple[int, Any]:
        """Send a signed request; return status and JSON."""
        query = urlencode({"timestamp": now_ms()} | parameters)
        query += f"&signature={sign(key, query)}"
        if method == "POST":
            return await self.send(method, f"/api/v3/{path}", key=key, data=query.encode())
        return await self.send(method, f"/api/v3/{path}?{query}", key=key)

    async def place(self, key: str = "alice", **terms: Any) -> Any:
        status, answer = await self.signed("POST", "order", key, **(LIMIT | terms))
        assert status == 200, answer
        return answer

    @asynccontextmanager
    async def api(self, path: str = "/ws-api/v3") -> AsyncIterator[ApiClient]:
        async with websockets.connect(self.websocket_url + path, max_size=None) as connection:
            yield ApiClient(connection)


class ApiClient:
    """A WebSocket connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._last_id = 0

    async def send(self, message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Any:
        return json.loads(await asyncio.wait_for(self.connection.recv(), PATIENCE_S))

    async def ask(self, method: str, **parameters: Any) -> Any:
        """Send a request and return its answer, which must come next."""
        self._last_id += 1
        await self.send({"id": self._last_id, "method": method, "params": parameters})
        answer = await self.receive()
        assert answer["id"] == self._last_id
        return answer

    async def signed(self, method: str, key: str = "alice", **parameters: Any) -> Any:
        return await self.ask(method, **signed_parameters(key, **parameters))

    async def subscribe(self, *names: str) -> None:
        await self.send({"id": 1, "method": "SUBSCRIBE", "params": names})
        assert await self.receive() == {"result": None, "id": 1}


LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.1",
    "price": "100.00",
}


def signed_parameters(key: str, **parameters: Any) -> dict[str, Any]:
    filled = {"timestamp": now_ms(), "apiKey": key} | parameters
    payload = "&".join(f"{name}={filled[name]}" for name in sorted(filled))
    return filled | {"signature": sign(key, payload)}


def sign(key: str, payload: str) -> str:
    return hmac.new(f"secret-of-{key}".encode(), payload.encode(), hashlib.sha256).hexdigest()


ORDER_QUERY = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=100.00"


def signed_query(
    query: str = ORDER_QUERY, key: str = "alice", age_ms: int = 0, more: str = ""
) -> str:
    query = f"{query}&timestamp={now_ms() - age_ms}{more}"
    return f"{query}&signature={sign(key, query)}"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def until(condition: Any) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)
