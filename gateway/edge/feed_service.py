"""Market data streams alone: the service behind `agio feed`, of which any number may run."""

from __future__ import annotations

import asyncio

import structlog

from gateway.edge.kept_sessions import KeptSessions
from gateway.edge.market_feed import MarketFeed
from gateway.edge.websocket_server import WebSocketServer
from gateway.json_api.market_streams import MarketStreams
from gateway.json_api.user_streams import UserStreams
from matching.client import EventReader
from vocabulary import events as e
from vocabulary.catalogue import Catalogue
from vocabulary.excerpt import Excerpt
from vocabulary.market_data import Message

LISTING_EVENTS = (
    e.AssetListed,
    e.InstrumentListed,
    e.FeesChanged,
    e.LimitsChanged,
    e.IncrementsChanged,
    e.PhaseChanged,
)

log = structlog.get_logger("feed")


class FeedService:
    """A WebSocket door to the market data on Redis, with `/ws` and `/stream` and nothing else.

    Processes on one machine may share a port: the kernel spreads the connections. Of the matching
    process it reads what is listed, so it may be as far from it as the network allows.
    """

    def __init__(self, *, matching_address: str, redis_url: str, host: str, port: int) -> None:
        self._catalogue = Catalogue()
        self._matching = EventReader(
            matching_address,
            "feed",
            from_sequence=1,
            event_types=LISTING_EVENTS,
            on_records=self._on_records,
            on_caught_up=self._on_caught_up,
        )
        self._caught_up = asyncio.Event()
        self._feed = MarketFeed(redis_url, self._on_market_update)
        self._sessions = KeptSessions(self._feed)
        self.websocket = WebSocketServer(
            host=host,
            port=port,
            operations=None,
            user_streams=UserStreams(),
            market_streams=MarketStreams(self._catalogue, self._feed.books, self._feed.statuses),
            kept_sessions=self._sessions,
            shares_port=True,
        )

    async def start(self) -> None:
        """Return when the door is open, which waits for the matching process."""
        await self._matching.start()
        await self._caught_up.wait()
        await self._feed.start()
        await self._sessions.start()
        await self.websocket.start()
        log.info("feed open", port=self.websocket.port)

    async def stop(self) -> None:
        await self.websocket.stop()
        await self._sessions.stop()
        await self._feed.stop()
        await self._matching.stop()

    def health(self) -> dict[str, object]:
        websocket, feed = self.websocket.health(), self._feed.health()
        return {
            "ready": bool(websocket["ready"] and feed["ready"]),
            "matching_connected": self._matching.connected,
            "websocket": websocket,
            "feed": feed,
        }

    def _on_records(self, records: list[Excerpt]) -> None:
        for record in records:
            for event in record.events:
                if event is not None:
                    self._catalogue.apply(event)
                if isinstance(event, e.InstrumentListed):
                    self._feed.track(event.symbol.decode("ascii"))

    def _on_caught_up(self) -> None:
        self._caught_up.set()

    def _on_market_update(self, kind: str, symbol: str, message: Message) -> None:
        self.websocket.on_market_update(kind, symbol, message)
