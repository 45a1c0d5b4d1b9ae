"""ccxt as its users have it, with nothing changed but its URLs, and spot markets alone."""

import asyncio
from pathlib import Path
from typing import Any

from agio import venue as venue_file
from agio.ops_client import OpsClient
from tests.agio.running_venue import RunningVenue

# A venue of spot markets alone: nothing to ask about futures.
OPTIONS = {"fetchMarkets": {"types": ["spot"]}}


def configured(exchange: Any, venue: RunningVenue) -> Any:
    """Point a `ccxt.binance` or `ccxt.pro.binance` at a venue."""
    exchange.options.update(OPTIONS)
    exchange.enableRateLimit = False  # its pace is Binance's
    urls = exchange.urls["api"]
    for name, url in urls.items():
        if isinstance(url, str):
            urls[name] = url.replace("https://api.binance.com", venue.endpoints["rest"])
    if "ws" in urls:
        urls["ws"]["spot"] = f"{venue.endpoints['websocket']}/ws"
        urls["ws"]["ws-api"]["spot"] = f"{venue.endpoints['websocket']}/ws-api/v3"
    return exchange


def traders(venue: RunningVenue, *names: str) -> list[dict[str, str]]:
    """Make accounts with 10 BTC and 100,000 USDT each; return ccxt's settings for them."""
    return asyncio.run(_make_traders(venue, names))


async def _make_traders(venue: RunningVenue, names: tuple[str, ...]) -> list[dict[str, str]]:
    described = venue_file.read(venue.data)
    assert described is not None
    token = Path(described.ops_token_file).read_text().strip()
    settings = []
    async with OpsClient(venue.endpoints["ops"], token) as ops:
        for name in names:
            await ops.create_account(name)
            await ops.credit(name, "BTC", "10")
            await ops.credit(name, "USDT", "100000")
            key = await ops.create_key(name, [], [], "ccxt")
            settings.append({"apiKey": key["api_key"], "secret": key["secret"]})
    return settings
