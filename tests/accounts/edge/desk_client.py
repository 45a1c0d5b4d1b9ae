"""The accounts service with all it needs, and a client of its ops HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from accounts.edge.service import AccountsService

OPS_TOKEN = "ops-token-of-the-test"
SERVICE_TOKEN = "service-token-of-the-test"
MASTER_KEY = bytes(range(32))


class Answer(NamedTuple):
    status: int
    body: Any

    @property
    def code(self) -> str:
        code: str = self.body["error"]["code"]
        return code


class DeskClient:
    """Sends requests with the ops token, unless told otherwise."""

    def __init__(self, session: aiohttp.ClientSession, service: AccountsService) -> None:
        self.service = service
        self._session = session

    async def until_ready(self) -> None:
        for _ in range(1000):
            health = self.service.health()
            if health["ready"] and health["engine_connected"]:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"not ready: {self.service.health()}")

    async def request(
        self, method: str, path: str, *, token: str | None = OPS_TOKEN, **options: Any
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        headers |= options.pop("headers", {})
        url = f"http://127.0.0.1:{self.service.ops_port}{path}"
        async with self._session.request(method, url, headers=headers, **options) as response:
            body = await response.json() if response.status != 204 else None
            return Answer(response.status, body)

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, body: object = None, **options: Any) -> Answer:
        if body is not None:
            options["json"] = body
        return await self.request("POST", path, **options)

    async def delete(self, path: str, **options: Any) -> Answer:
        return await self.request("DELETE", path, **options)


@asynccontextmanager
async def open_desk(
    matching_address: str, postgres_url: str, master_key: bytes = MASTER_KEY
) -> AsyncIterator[DeskClient]:
    service = AccountsService(
        matching_address=matching_address,
        postgres_url=postgres_url,
        host="127.0.0.1",
        ops_port=0,
        ops_token=OPS_TOKEN,
        service_token=SERVICE_TOKEN,
        master_key=master_key,
        reconcile_interval_s=0.2,
    )
    try:
        await service.start()
        async with aiohttp.ClientSession() as session:
            yield DeskClient(session, service)
    finally:
        await service.stop()


async def list_and_open_accounts(desk: DeskClient) -> None:
    """List BTC, USDT and BTCUSDT, and open the accounts 1 (alice) and 2 (bob)."""
    for name, scale in (("BTC", 8), ("USDT", 6)):
        assert (await desk.post("/assets", {"name": name, "scale": scale})).status == 201
    listing = {
        "symbol": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "tick_size": "0.01",
        "lot_size": "0.0001",
        "notional_min": "1",
        "maker_fee_ppm": 1000,
        "taker_fee_ppm": 2000,
    }
    assert (await desk.post("/instruments", listing)).status == 201
    for name in ("alice", "bob"):
        assert (await desk.post("/accounts", {"name": name})).status == 201
