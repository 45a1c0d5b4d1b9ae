"""A run on a real venue and feeds handler, its alpha generators, and who takes their decisions."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.trading.feeds.live_feeds import PATIENCE_S
from trading.alpha.edge.service import AlphaService
from trading.decisions import Action, Decision, Envelope, OrderStyle
from trading.events import AnyEvent, DecisionTaken, OrderReported, ReportKind
from trading.feeds.edge.service import FeedsService
from trading.leases.edge.redis_leases import RedisLeases
from trading.leases.lease_store import LeaseStoreError, Member
from trading.runs import Run, StrategyRun
from trading.stream.edge.frame_connection import FrameConnection, connect
from trading.stream.edge.reporter import OwnEventReporter

SYMBOL = "BTCUSDT"


def noise_run(name: str = "first", **parameters: Any) -> Run:
    """Return a run of two strategies, from now on: one acts at random, one makes a market."""
    noise = {"actions_per_second": 50, "order_lots": 100, "start_price_ticks": 10_000}
    return Run(
        name=name,
        epoch=int(time.time()),
        strategies=(
            StrategyRun(
                name="noise", strategy="noise", parameters=noise | parameters, symbols=(SYMBOL,)
            ),
            StrategyRun(name="maker", strategy="market_making", symbols=(SYMBOL,)),
        ),
    )


def alpha(
    run: Run, feeds: FeedsService, redis_url: str, directory: Path, **more: Any
) -> AlphaService:
    return AlphaService(
        run=run,
        redis_url=redis_url,
        feeds=("127.0.0.1", feeds.port),
        host="127.0.0.1",
        port=0,
        directory=directory,
        **more,
    )


class Received(NamedTuple):
    """An envelope, from which instance it came and when."""

    envelope: Envelope
    member: str
    at: float


class Taker:
    """Takes decisions as an execution engine does, and answers each without a venue.

    It listens to every instance, takes each decision once and in turn, by the highest token, and
    reports to the feeds handler: orders are accepted, an immediate one ends at once, a cancel is
    carried out. `delay_s` is how long it takes for that. `counts`: `again`, `fenced`, and `holes`,
    which must never be.
    """

    def __init__(self, run: Run, feeds: FeedsService, redis_url: str, delay_s: float = 0.0) -> None:
        self.received: list[Received] = []
        self.taken: list[Decision] = []
        self.counts: Counter[str] = Counter()
        self._run = run
        self._delay_s = delay_s
        self._store = RedisLeases(redis_url, f"alpha:{run.name}")
        self._reporter = OwnEventReporter("127.0.0.1", feeds.reports_port)
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._token = 0
        self._open: dict[tuple[str, int], Decision] = {}
        self._listening: dict[Member, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def members(self) -> list[Member]:
        """Return the instances that are listened to."""
        return list(self._listening)

    def first_from_another(self, member: str, since: int) -> Received | None:
        """Return what came first, after `since` others, from an instance that is not `member`."""
        others = (each for each in self.received[since:] if each.member != member)
        return next(others, None)

    async def start(self) -> None:
        works = (self._reporter.run(), self._follow())
        self._tasks = [asyncio.create_task(work) for work in works]

    async def stop(self) -> None:
        tasks = [*self._tasks, *self._listening.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._store.close()

    async def _follow(self) -> None:
        while True:
            try:
                members = await self._store.members()
            except LeaseStoreError:
                continue
            for gone in [member for member in self._listening if member not in members]:
                self._listening.pop(gone).cancel()
            for member in members:
                if member not in self._listening:
                    self._listening[member] = asyncio.create_task(self._listen(member))
            await asyncio.sleep(0.05)

    async def _listen(self, member: Member) -> None:
        request = msgspec.msgpack.encode({"version": 1, "run": self._run.name})
        while True:
            try:
                connection = await decisions_of(
                    member.address, request, lambda payloads: self._receive(member.name, payloads)
                )
                await connection.closed
            except OSError:
                await asyncio.sleep(0.02)

    def _receive(self, member: str, payloads: list[bytes]) -> None:
        for payload in payloads:
            for envelope in msgspec.msgpack.decode(payload, type=list[Envelope]):
                self.received.append(Received(envelope, member, time.monotonic()))
                asyncio.get_running_loop().call_later(self._delay_s, self._take, envelope)

    def _take(self, envelope: Envelope) -> None:
        decision = envelope.decision
        line = (decision.strategy, decision.symbol)
        if envelope.token < self._token:
            self.counts["fenced"] += 1
        elif decision.number <= self._numbers[line]:
            self.counts["again"] += 1
        elif decision.number > self._numbers[line] + 1:
            self.counts["holes"] += 1
        else:
            self._token = envelope.token
            self._numbers[line] = decision.number
            self.taken.append(decision)
            fields = {name: getattr(decision, name) for name in decision.__struct_fields__}
            taken = DecisionTaken(
                stream_sequence=0,
                source_sequence=0,
                exchange_ns=time.time_ns(),
                received_ns=0,
                **fields,
            )
            self._reporter.put([taken, *self._answer(decision)])

    def _answer(self, decision: Decision) -> list[OrderReported]:
        strategy = decision.strategy
        if decision.action is Action.CANCEL:
            placed = self._open.pop((strategy, decision.order), None)
            kind = ReportKind.CANCELED if placed else ReportKind.CANCEL_REFUSED
            return [report(decision, kind)]
        accepted = report(decision, ReportKind.ACCEPTED)
        if decision.style is OrderStyle.IMMEDIATE:
            return [accepted, report(decision, ReportKind.CANCELED)]
        self._open[strategy, decision.number] = decision
        return [accepted]


def report(decision: Decision, kind: ReportKind) -> OrderReported:
    return OrderReported(
        stream_sequence=0,
        symbol=decision.symbol,
        source_sequence=0,
        exchange_ns=time.time_ns(),
        received_ns=0,
        strategy=decision.strategy,
        epoch=decision.epoch,
        order=decision.order,
        number=decision.number,
        kind=kind,
        side=decision.side,
        price_ticks=decision.price_ticks,
        lots=decision.lots,
        cumulative_lots=0,
        leaves_lots=decision.lots if kind is ReportKind.ACCEPTED else 0,
        fill_price_ticks=0,
        fill_lots=0,
        fee_units=0,
        trade_id=0,
        is_maker=False,
        report_id=f"execution-{kind.name}-{decision.number}",
        reason="",
    )


async def decisions_of(
    address: str, request: bytes, receive: Callable[[list[bytes]], None]
) -> FrameConnection:
    host, _, port = address.rpartition(":")
    connection = await connect(host, int(port), receive)
    connection.send(request)
    return connection


def taken_in(events: list[AnyEvent]) -> dict[str, list[int]]:
    """Return the numbers of the decisions that stand in a stream, by strategy."""
    numbers: dict[str, list[int]] = {}
    for event in events:
        if isinstance(event, DecisionTaken):
            numbers.setdefault(event.strategy, []).append(event.number)
    return numbers


async def patiently(condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)
