"""A matching process and a gateway in this process, with keys that a test hands out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway.edge.gateway import Gateway
from matching.client import MatchingClient
from matching.edge.server import MatchingServer
from tests.gateway.edge.gateway_process import GatewayProcess
from tests.gateway.engine_room import ALICE, BOB, BTC, LISTINGS, OPS_SESSION, USDT
from tests.gateway.fix_client import FixClient
from vocabulary.commands import CreditFunds

SERVICE_TOKEN = "service-token"

KEYS = {
    "alice": {"account_id": ALICE, "sender_comp_ids": [], "permissions": ["read", "trade"]},
    "bob": {"account_id": BOB, "sender_comp_ids": [], "permissions": ["read", "trade"]},
    "bound": {"account_id": ALICE, "sender_comp_ids": ["DESK1"], "permissions": ["trade"]},
    "reader": {"account_id": ALICE, "sender_comp_ids": [], "permissions": ["read"]},
}


class KeyService:
    """What the accounts service tells about keys; a key's secret is `secret-of-<key>`.

    It also tells gateways the `rules` of FIX sessions, all of them each time, unless it is silent
    about them, and notes how the sessions stand.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.rules: list[dict[str, Any]] = []
        self.version = 0
        self.desk = "desk"
        self.maintenance: dict[str, Any] | None = None
        self.is_silent_about_rules = False
        self.standings: dict[tuple[str, int, str], list[Any]] = {}
        self.keys = dict(KEYS)
        self.delay_s = 0.0
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/internal/credentials/{key}", self._answer)
        app.router.add_post("/internal/fix-gateways/{gateway}", self._tell_rules)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _tell_rules(self, request: web.Request) -> web.Response:
        if self.is_silent_about_rules:
            raise web.HTTPServiceUnavailable
        question = await request.json()
        for standing in question["standings"]:
            self.standings[tuple(standing[:3])] = standing
        return web.json_response(
            {
                "desk": self.desk,
                "version": self.version,
                "sessions": self.rules if question["since"] <= self.version else [],
                "maintenance": self.maintenance,
            }
        )

    async def _answer(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {SERVICE_TOKEN}"
        key = request.match_info["key"]
        self.asked.append(key)
        await asyncio.sleep(self.delay_s)
        if key not in self.keys:
            return web.json_response({"error": {"code": "unknown_key"}}, status=404)
        return web.json_response({"api_key": key, "secret": f"secret-of-{key}"} | self.keys[key])


class SmallVenue:
    """BTCUSDT listed, Alice and Bob funded; `gateway` can be started again."""

    def __init__(self, directory: Path, redis_url: str) -> None:
        self.keys = KeyService()
        self._directory = directory
        self._redis_url = redis_url
        self.matching_address = f"unix://{directory / 'matching.sock'}"
        self.matching = self._make_matching()
        self.gateway: Gateway
        self._clients: list[FixClient] = []

    def _make_matching(self) -> MatchingServer:
        return MatchingServer(
            journal_directory=self._directory / "journal",
            address=self.matching_address,
            mode="os",
            segment_bytes=1 << 20,
        )

    def make_gateway(self, **more: Any) -> Gateway:
        terms: dict[str, Any] = {
            "matching_address": self.matching_address,
            "redis_url": self._redis_url,
            "ops_url": self.keys.url,
            "service_token": SERVICE_TOKEN,
            "comp_id": "AGIO",
            "host": "127.0.0.1",
            "fix_port": 0,
            "rest_port": 0,
            "websocket_port": 0,
            "data_directory": self._directory / "gateway",
        }
        return Gateway(**(terms | more))

    async def start(self, **more: Any) -> None:
        await self.keys.start()
        await self.matching.start()
        await fund(self.matching_address)
        self.gateway = self.make_gateway(**more)
        await self.gateway.start()

    async def stop(self) -> None:
        for client in self._clients:
            await client.close()
        await self.gateway.stop()
        await self.matching.stop()
        await self.keys.stop()

    def state_hash(self) -> str:
        """Return the engine's own, but for when its last command came: a refused one comes, too."""
        state = self.matching._engine.state
        sequence, timestamp_ns = state.sequence, state.timestamp_ns
        state.sequence = state.timestamp_ns = 0
        try:
            return state.state_hash()
        finally:
            state.sequence, state.timestamp_ns = sequence, timestamp_ns

    async def restart_gateway(self, **more: Any) -> None:
        await self.gateway.stop()
        self.gateway = self.make_gateway(**more)
        await self.gateway.start()

    async def restart_matching(self) -> None:
        self.matching = self._make_matching()
        await self.matching.start()

    async def client(self, key: str = "alice", comp_id: str = "TRADER") -> FixClient:
        """Return a client that has logged on."""
        client = await FixClient.connect(self.gateway.fix.order_entry.port, comp_id)
        answer = await client.log_on(key, f"secret-of-{key}")
        assert answer[35] == "A", answer
        self._clients.append(client)
        return client


async def fund(matching_address: str) -> None:
    """List BTCUSDT; give Alice and Bob 10 BTC and 1,000,000 USDT each."""
    done: list[int] = []
    client = MatchingClient(
        matching_address,
        "ops",
        from_sequence=None,
        on_records=lambda records: done.extend(record.sequence for record in records),
    )
    await client.start()
    number = len(LISTINGS)
    for command in LISTINGS:
        client.submit(command)
    for account_id in (ALICE, BOB):
        for asset_id, amount_units in ((BTC, 10 * 10**8), (USDT, 1_000_000 * 10**8)):
            number += 1
            client.submit(CreditFunds(OPS_SESSION, number, account_id, asset_id, amount_units))
    await client.funds()
    assert len(done) == number
    await client.stop()


@asynccontextmanager
async def small_venue(directory: Path, redis_url: str, **more: Any) -> AsyncIterator[SmallVenue]:
    venue = SmallVenue(directory, redis_url)
    await venue.start(**more)
    try:
        yield venue
    finally:
        await venue.stop()


async def start_gateway(
    venue: SmallVenue, directory: Path, redis_url: str, **more: Any
) -> GatewayProcess:
    """Start a further gateway of the venue, in a process of its own with its data there."""
    process = GatewayProcess(
        matching_address=venue.matching_address,
        redis_url=redis_url,
        ops_url=venue.keys.url,
        service_token=SERVICE_TOKEN,
        comp_id="AGIO",
        host="127.0.0.1",
        data_directory=directory,
        **more,
    )
    await process.start()
    return process
