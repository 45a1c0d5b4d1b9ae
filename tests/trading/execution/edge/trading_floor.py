"""A real venue, a real feeds handler, execution instances, and who decides what they are to do."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.feeds.live_feeds import feeds, source_url
from trading.credentials import Credentials
from trading.decisions import Action, Decision, OrderStyle
from trading.events import AnyEvent, DecisionTaken, OrderReported
from trading.execution.edge.service import Choices, ExecutionService, Places
from trading.leases.edge.lease_keeper import LeaseKeeper
from trading.leases.edge.redis_leases import RedisLeases
from trading.leases.lease_store import Member
from trading.runs import Limits, Run, StrategyRun
from trading.stream.edge.subscriber import StreamSubscriber
from vocabulary.types import Side

SYMBOL = "BTCUSDT"
PATIENCE_S = 20.0


class Leader:
    """Decides what a test wants, as an alpha generator would: un-taken decisions wait for others.

    It leads the symbol under a lease, and sends its decisions to whoever asks for them.
    """

    def __init__(self, floor: Floor, name: str = "leader") -> None:
        self.decided: list[Decision] = []
        self.token = 0
        self._floor = floor
        self._name = name
        self._writers: list[asyncio.StreamWriter] = []
        self._store = RedisLeases(floor.redis_url, f"alpha:{floor.run.name}")

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self._keeper = LeaseKeeper(
            self._store,
            Member(self._name, f"127.0.0.1:{port}"),
            [SYMBOL],
            on_gained=lambda _, token: setattr(self, "token", token),
            on_lost=lambda _: None,
        )
        self._keeper.start()
        self._keeping_alive = asyncio.create_task(self._keep_alive())
        await until(lambda: self.token > 0)

    async def stop(self) -> None:
        self._keeping_alive.cancel()
        await self._keeper.stop()
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._store.close()

    def place(
        self,
        side: Side = Side.BUY,
        price_ticks: int = 9_900,
        lots: int = 10_000,
        style: OrderStyle = OrderStyle.RESTING,
    ) -> Decision:
        number = len(self.decided) + 1
        return self._decide(Action.PLACE, number, side, price_ticks, lots, style)

    def cancel(self, order: Decision) -> Decision:
        terms = order.side, order.price_ticks, order.lots, order.style
        return self._decide(Action.CANCEL, order.number, *terms)

    def _decide(self, action: Action, order: int, *terms: Any) -> Decision:
        cause = self._floor.events[-1].stream_sequence
        number = len(self.decided) + 1
        epoch = self._floor.run.epoch
        decision = Decision("maker", SYMBOL, epoch, number, cause, action, order, *terms)
        self.decided.append(decision)
        self.send([decision])
        return decision

    def send(self, decisions: Iterable[Decision], token: int | None = None) -> None:
        self._writers = [writer for writer in self._writers if not writer.is_closing()]
        for writer in self._writers:
            write(writer, decisions, self.token if token is None else token)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(1)
            self.send([])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("<I", await reader.readexactly(4))
        request = msgspec.msgpack.decode(await reader.readexactly(length))
        assert request == {"version": 1, "run": self._floor.run.name}
        taken = len(self._floor.of(DecisionTaken))
        write(writer, self.decided[taken:], self.token)
        self._writers.append(writer)


def write(writer: asyncio.StreamWriter, decisions: Iterable[Decision], token: int) -> None:
    envelopes = [[token, time.time_ns(), decision] for decision in decisions]
    payload = msgspec.msgpack.encode(envelopes)
    writer.write(struct.pack("<I", len(payload)) + payload)


class Floor:
    """`events` is the stream. Alice's account is the strategy's, Bob trades with her."""

    def __init__(self, venue: JsonVenue, run: Run, redis_url: str, feeds_ports: tuple[int, int]):
        self.venue = venue
        self.run = run
        self.redis_url = redis_url
        self.feeds_ports = feeds_ports
        self.events: list[AnyEvent] = []
        self.leader = Leader(self)

    def places(self, venue: JsonVenue | None = None) -> Places:
        at = venue or self.venue
        return Places(
            websocket_url=at.websocket_url,
            fix_address=f"127.0.0.1:{at.gateway.fix.order_entry.port}",
            target_comp_id="AGIO",
            redis_url=self.redis_url,
            feeds=("127.0.0.1", *self.feeds_ports),
        )

    @asynccontextmanager
    async def instance(
        self,
        name: str = "one",
        places: Places | None = None,
        *,
        is_alone: bool = True,
        **choices: Any,
    ) -> AsyncIterator[ExecutionService]:
        keys = {"maker": Credentials("alice", "secret-of-alice")}
        failures: list[str] = []
        service = ExecutionService(
            self.run,
            keys,
            places or self.places(),
            Choices(name=name, **choices),
            on_failure=failures.append,
        )
        await service.start()
        try:
            await until(lambda: service.health()["ready"] is True)
            if is_alone:
                await until(lambda: service.health()["symbols"] == [SYMBOL])
                await asyncio.sleep(0.15)  # what happens from now on, nobody else can have seen
            yield service
        finally:
            await service.stop()
        assert not failures

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def told(self, order: int) -> list[str]:
        """Return what the stream tells of an order, by the kinds of its reports."""
        return [each.kind.name for each in self.of(OrderReported) if each.order == order]

    def report(self, order: int) -> OrderReported:
        """Return the last report of an order."""
        found: OrderReported = [e for e in self.of(OrderReported) if e.order == order][-1]
        return found

    async def entered(self) -> list[Any]:
        """Return the venue's own list of Alice's orders."""
        _, orders = await self.venue.signed("GET", "allOrders", symbol=SYMBOL, limit=1000)
        assert isinstance(orders, list), orders
        return orders


@asynccontextmanager
async def trading_floor(
    directory: Path, redis_url: str, *, door: str = "websocket", **limits: Any
) -> AsyncIterator[Floor]:
    async with AsyncExitStack() as stack:
        venue = JsonVenue(directory / "venue", redis_url)
        (directory / "venue").mkdir()
        await venue.start()
        stack.push_async_callback(venue.stop)
        await venue.place("bob", side="BUY", price="99.98", quantity="1")
        await venue.place("bob", side="SELL", price="100.02", quantity="1")
        service = await stack.enter_async_context(feeds(directory, redis_url, source_url(venue)))
        entry = StrategyRun(
            name="maker",
            strategy="maker",
            symbols=(SYMBOL,),
            door=door,  # type: ignore[arg-type]
            limits=Limits(**limits),
        )
        run = Run(name="test", epoch=int(time.time()), strategies=(entry,))
        floor = Floor(venue, run, redis_url, (service.port, service.reports_port))
        subscriber = StreamSubscriber("127.0.0.1", service.port, 1, floor.events.extend)
        reading = asyncio.create_task(subscriber.run())
        stack.callback(reading.cancel)
        await until(lambda: len(floor.events) > 2)
        await floor.leader.start()
        stack.push_async_callback(floor.leader.stop)
        yield floor


async def until(condition: Callable[[], bool], what: str = "it never came to be") -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)
