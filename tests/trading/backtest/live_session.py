"""A short live session of the firm: a real venue, feeds handler and historical store.

Between decisions and venue stands the least that can: orders over the WebSocket API as they are
decided, and the venue's reports into the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from objects.store import open_store
from tests.gateway.edge.json_venue import ApiClient, JsonVenue, signed_parameters
from tests.trading.feeds.live_feeds import eventually, feeds, source_url
from trading.alpha.machine import Machine
from trading.decisions import Action, Decision, OrderStyle, parse_client_order_id
from trading.events import AnyEvent, OrderReported, ReportKind, decision_taken
from trading.history.edge.reader import HistoryReader
from trading.history.edge.service import HistoryService
from trading.runs import Run, StrategyRun
from trading.stream.edge.reporter import OwnEventReporter
from trading.stream.edge.subscriber import StreamSubscriber
from vocabulary.types import Side

SYMBOL = "BTCUSDT"
# The venue takes no order below 10 USDT, which are 10,000 lots at 100.00.
MAKER = {"order_lots": 30_000, "position_lots_max": 300_000, "half_spread_ticks": 2}
NOISE: dict[str, Any] = {
    "actions_per_second": 60,
    "order_lots": 60_000,
    "position_lots_max": 1_000_000,
    "range_ticks": 5,
    "market_ppm": 400_000,
    "cancel_ppm": 200_000,
    "start_price_ticks": 10_000,
}


def run_of(*entries: tuple[str, str, dict[str, Any]]) -> Run:
    """Return a run of strategies by name, kind and parameters."""
    return Run(
        name="short",
        epoch=1_795_348_800,
        strategies=tuple(
            StrategyRun(name=name, strategy=kind, parameters=parameters, symbols=(SYMBOL,))
            for name, kind, parameters in entries
        ),
    )


TWO_OF_NOISE = run_of(("alice", "noise", NOISE), ("bob", "noise", NOISE | {"seed": 2}))
MAKER_AND_NOISE = run_of(("alice", "market_making", MAKER), ("bob", "noise", NOISE))
KINDS = {
    "NEW": ReportKind.ACCEPTED,
    "TRADE": ReportKind.TRADED,
    "CANCELED": ReportKind.CANCELED,
    "EXPIRED": ReportKind.EXPIRED,
}
STYLES = {
    OrderStyle.RESTING: {"type": "LIMIT", "timeInForce": "GTC"},
    OrderStyle.POST_ONLY: {"type": "LIMIT_MAKER"},
    OrderStyle.IMMEDIATE: {"type": "LIMIT", "timeInForce": "IOC"},
}


class Desk:
    """Sends one strategy's decisions from its account, and puts what becomes of them into words."""

    def __init__(self, venue: JsonVenue, api: ApiClient, key: str, reporter: OwnEventReporter):
        self._instrument = venue.gateway.catalogue.instrument_by_symbol[SYMBOL]
        self._api, self._key, self._reporter = api, key, reporter
        self._ids = count(1000)
        self._asked: dict[int, Decision] = {}
        self._placed: dict[int, Decision] = {}
        self._waiting: asyncio.Queue[Decision] = asyncio.Queue()

    async def run(self) -> None:
        await self._api.send(self._request("userDataStream.subscribe.signature", {}))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send())
            tasks.create_task(self._receive())

    def decide(self, decision: Decision) -> None:
        self._reporter.put([decision_taken(decision, 0)])
        self._waiting.put_nowait(decision)

    async def _send(self) -> None:
        while True:
            decision = await self._waiting.get()
            name = decision.order_name.client_order_id
            if decision.action is Action.PLACE:
                self._placed[decision.number] = decision
                terms = {
                    "side": Side(decision.side).name,
                    "price": self._instrument.price_text(decision.price_ticks),
                    "quantity": self._instrument.quantity_text(decision.lots),
                    "newClientOrderId": name,
                }
                request = self._request("order.place", terms | STYLES[decision.style])
            else:
                names = {"origClientOrderId": name, "newClientOrderId": decision.client_order_id}
                request = self._request("order.cancel", names)
            self._asked[request["id"]] = decision
            await self._api.send(request)

    def _request(self, method: str, terms: dict[str, Any]) -> dict[str, Any]:
        symbol = {"symbol": SYMBOL} if terms else {}
        parameters = signed_parameters(self._key, **symbol, **terms)
        return {"id": next(self._ids), "method": method, "params": parameters}

    async def _receive(self) -> None:
        async for text in self._api.connection:
            message = msgspec.json.decode(text)
            event = message.get("event", {})
            if event.get("e") == "executionReport":
                self._reporter.put(self._reports(event))
            elif "error" in message and message["id"] in self._asked:
                decision = self._asked[message["id"]]
                is_order = decision.action is Action.PLACE
                kind = ReportKind.REFUSED if is_order else ReportKind.CANCEL_REFUSED
                told = f"execution-{kind.name.lower()}-{decision.number}"
                self._reporter.put([self._own(decision, kind, told, decision.number)])

    def _reports(self, event: dict[str, Any]) -> list[OrderReported]:
        kind = KINDS[event["x"]]
        cancel = parse_client_order_id(event["c"]) if event["C"] else None
        name = parse_client_order_id(event["C"] or event["c"])
        if name is None:
            return []  # not a strategy's: others trade for the account, too
        decision = self._placed[name.number]
        number = {ReportKind.ACCEPTED: name.number, ReportKind.CANCELED: cancel and cancel.number}
        received = self._instrument.base if event["S"] == "BUY" else self._instrument.quote
        is_trade = kind is ReportKind.TRADED
        report = self._own(
            decision,
            kind,
            event["I"],
            number.get(kind) or 0,
            source_sequence=int(event["I"].split("-")[0]),
            exchange_ns=event["T"] * 1_000_000,
            cumulative_lots=self._instrument.quantity_lots(event["z"]),
            leaves_lots=0
            if kind in (ReportKind.CANCELED, ReportKind.EXPIRED)
            else decision.lots - self._instrument.quantity_lots(event["z"]),
            fill_price_ticks=self._instrument.price_ticks(event["L"]),
            fill_lots=self._instrument.quantity_lots(event["l"]),
            fee_units=received.units(event["n"]),
            trade_id=event["t"] if is_trade else 0,
            is_maker=event["m"],
        )
        return [report]

    def _own(
        self, decision: Decision, kind: ReportKind, report_id: str, number: int, **more: Any
    ) -> OrderReported:
        fields: dict[str, Any] = {
            "symbol": SYMBOL,
            "strategy": decision.strategy,
            "epoch": decision.epoch,
            "order": decision.order,
            "number": number,
            "kind": kind,
            "side": decision.side,
            "price_ticks": decision.price_ticks,
            "lots": decision.lots,
            "is_maker": False,
            "report_id": report_id,
            "reason": "",
        }
        fields |= more
        return OrderReported(*(fields.get(name, 0) for name in OrderReported.__struct_fields__))


class Session:
    """The machines of a run on the stream, a desk for each; `events` is the stream."""

    def __init__(self, run: Run, desks: dict[str, Desk]) -> None:
        self.events: list[AnyEvent] = []
        self.is_over = False
        self._desks = desks
        self._machines = [Machine(entry, SYMBOL, run.epoch) for entry in run.strategies]

    def take(self, events: list[AnyEvent]) -> None:
        self.events += events
        for event in events:
            for machine in self._machines:
                for decision in machine.step(event):
                    if not self.is_over:
                        self._desks[machine.name].decide(decision)


@asynccontextmanager
async def session(
    directory: Path, venue: JsonVenue, redis_url: str, run: Run
) -> AsyncIterator[Session]:
    """Run a run's strategies on a venue, each for the account of its name.

    At the end all of the stream is in the store.
    """
    store_url = (directory / "store").as_uri()
    history = HistoryService(
        queue_url=redis_url, store_url=store_url, flush_seconds=0.2, flush_events=100_000
    )
    await history.start()
    try:
        async with AsyncExitStack() as stack:
            handler = await stack.enter_async_context(
                feeds(directory, redis_url, source_url(venue))
            )
            reporter = OwnEventReporter("127.0.0.1", handler.reports_port)
            desks = {}
            for entry in run.strategies:
                api = await stack.enter_async_context(venue.api())
                desks[entry.name] = Desk(venue, api, entry.name, reporter)
            running = Session(run, desks)
            subscriber = StreamSubscriber("127.0.0.1", handler.port, 1, running.take)
            runs = [reporter.run(), subscriber.run(), *(desk.run() for desk in desks.values())]
            tasks = [asyncio.ensure_future(run) for run in runs]
            try:
                yield running
                running.is_over = True
                await asyncio.sleep(0.3)  # what is on its way arrives
                assert not any(task.done() for task in tasks), [
                    task for task in tasks if task.done()
                ]
                last = running.events[-1].stream_sequence
                await eventually(lambda: stored(store_url) >= last)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
    finally:
        await history.stop()


def stored(store_url: str) -> int:
    return HistoryReader(open_store(store_url)).state.through_sequence
