"""The process that sends market data: the gateway's feed and its WebSocket door, and no more."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import cast

import structlog
import uvloop

from gateway.edge.json_operations import JsonOperations
from gateway.edge.market_feed import MarketFeed
from gateway.edge.websocket_server import WebSocketServer
from gateway.json_api.market_streams import MarketStreams
from gateway.json_api.user_streams import UserStreams
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.catalogue import Catalogue
from vocabulary.codec import Record
from vocabulary.market_data import Message

SYMBOL = "BTCUSDT"
LISTED = Record(
    1,
    0,
    c.ListInstrument(1, 1, 1, 1, 2, 1_000, 10, 0, 0, 0, SYMBOL.encode()),
    [
        e.AssetListed(1, 8, b"BTC"),
        e.AssetListed(2, 8, b"USDT"),
        e.InstrumentListed(1, 1, 2, 1_000, 10, 0, 0, 0, SYMBOL.encode()),
    ],
)


async def serve(redis_url: str) -> None:
    """Open the door, tell its port once the feed is filled, and serve until killed."""
    catalogue = Catalogue()
    for event in LISTED.events:
        catalogue.apply(event)

    def pass_on(kind: str, symbol: str, message: Message) -> None:
        door.on_market_update(kind, symbol, message)

    feed = MarketFeed(redis_url, pass_on)
    door = WebSocketServer(
        host="127.0.0.1",
        port=0,
        operations=cast("JsonOperations", None),  # nobody asks for anything
        user_streams=UserStreams(),
        market_streams=MarketStreams(catalogue, feed.books, feed.statuses),
    )
    feed.track(SYMBOL)
    await feed.start()
    await door.start()
    while feed.tapes[SYMBOL].sequence == 0:  # noqa: ASYNC110 (its first fill is nobody's news)
        await asyncio.sleep(0.01)
    print(door.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[2])})
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    uvloop.run(serve(sys.argv[1]))
