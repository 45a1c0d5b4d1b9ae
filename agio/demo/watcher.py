"""What the live view shows of the venue, seen through its own doors."""

import asyncio
import contextlib
from collections import deque
from typing import Any, NamedTuple

import aiohttp
import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from agio.demo.market import MARKETS

RECONNECT_S = 1.0
HEALTH_INTERVAL_S = 0.5
TRADES_SHOWN = 10


class Top(NamedTuple):
    """A book's best prices and their quantities, as the stream spells them."""

    bid: str
    bid_quantity: str
    ask: str
    ask_quantity: str


class Watcher:
    """Follows the public streams and the accounts service's health; both may go and come back."""

    def __init__(self, websocket_url: str, accounts_health_url: str) -> None:
        self.tops: dict[str, Top] = {}
        self.trades: deque[dict[str, Any]] = deque(maxlen=TRADES_SHOWN)
        self.accounts: dict[str, Any] = {}
        names = [f"{m.symbol.lower()}@{kind}" for m in MARKETS for kind in ("bookTicker", "trade")]
        self._streams_url = f"{websocket_url}/stream?streams={'/'.join(names)}"
        self._health_url = accounts_health_url

    async def watch(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_streams())
            tasks.create_task(self._follow_health())

    async def _follow_streams(self) -> None:
        while True:
            with contextlib.suppress(OSError, WebSocketException):
                async with connect(self._streams_url) as socket:
                    async for text in socket:
                        self._take(msgspec.json.decode(text))
            await asyncio.sleep(RECONNECT_S)

    def _take(self, message: dict[str, Any]) -> None:
        data = message["data"]
        if data.get("e") == "trade":
            self.trades.appendleft(data)
        else:
            self.tops[data["s"]] = Top(data["b"], data["B"], data["a"], data["A"])

    async def _follow_health(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                self.accounts = await health(session, self._health_url)
                await asyncio.sleep(HEALTH_INTERVAL_S)


async def health(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """Return what a service says of itself, nothing if it does not answer."""
    try:
        async with session.get(url) as response:
            state: dict[str, Any] = await response.json()
            return state
    except (aiohttp.ClientError, TimeoutError):
        return {}
