"""The execution engine as a service."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError

from trading.credentials import Credentials
from trading.decisions import Envelope
from trading.events import AnyEvent
from trading.execution import venue as v
from trading.execution.edge.auditor import EVERY_S, Auditor
from trading.execution.edge.decision_subscriber import DecisionSubscriber
from trading.execution.edge.fix_link import FixLink
from trading.execution.edge.instruments import fetch_instruments
from trading.execution.edge.links import LinkOwner, VenueLink
from trading.execution.edge.metrics import KILLED, LATENCY, ExecutionMetrics
from trading.execution.edge.order_traces import OrderTraces
from trading.execution.edge.run_switches import RunSwitches
from trading.execution.edge.websocket_link import WebSocketLink
from trading.execution.engine import Engine, Pull
from trading.execution.trader import Patience
from trading.leases.edge.lease_keeper import LeaseKeeper
from trading.leases.edge.redis_leases import RedisLeases
from trading.leases.lease_store import LeaseStoreError, Member
from trading.runs import Run, StrategyRun
from trading.stream.edge.reporter import OwnEventReporter
from trading.stream.edge.subscriber import StreamSubscriber
from vocabulary.tracing import Tracing

if TYPE_CHECKING:
    from trading.history.edge.reader import HistoryReader

TICK_S = 0.025
SWITCHES_S = 0.1
RETRY_S = 0.5
STOP_AGAIN_S = 0.2
CAUGHT_UP_NS = 1_000_000_000
REPORTS_WAITING_MAX = 10_000
"""With so many own events that the stream has not taken, nothing more is sent."""

log = structlog.get_logger("execution")


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is. `feeds`: host, events port, reports port."""

    websocket_url: str
    fix_address: str
    target_comp_id: str
    redis_url: str
    feeds: tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Choices:
    """How an instance is to behave.

    `name` is its own among all that run at the same time, and the same when it starts again.
    """

    name: str
    patience: Patience = field(default_factory=Patience)
    stop_on_difference: bool = False
    audit_every_s: float = EVERY_S


def end_process(reason: str) -> None:
    """End: half an engine is worse than none, and others take its symbols over."""
    log.critical("failed", reason=reason)
    signal.raise_signal(signal.SIGTERM)


class ExecutionService:
    """One instance for a run; `keys` are the accounts' by strategy name.

    `history` is for events that the feeds handler no longer keeps. `on_failure` is called when a
    part of it ends that never should.
    """

    def __init__(
        self,
        run: Run,
        keys: Mapping[str, Credentials],
        places: Places,
        choices: Choices,
        history: HistoryReader | None = None,
        on_failure: Callable[[str], None] = end_process,
        tracing: Tracing | None = None,
    ) -> None:
        self._on_failure = on_failure
        self._tracing = tracing
        self._traces: OrderTraces | None = None
        self._run, self._keys = run, keys
        self._places, self._choices = places, choices
        self._history = history
        self._switches = RunSwitches(places.redis_url, run.name)
        self._leases = RedisLeases(places.redis_url, f"execution:{run.name}")
        self._alphas = RedisLeases(places.redis_url, f"alpha:{run.name}")
        host, events_port, reports_port = places.feeds
        self._subscriber = StreamSubscriber(
            host, events_port, run.from_sequence, self._on_events, history
        )
        self._reporter = OwnEventReporter(host, reports_port)
        self._decisions = DecisionSubscriber(self._alphas, run.name, self._on_envelopes)
        self._metrics = ExecutionMetrics()
        self._links: dict[str, VenueLink] = {}
        self._pulling: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._engine: Engine
        self._keeper: LeaseKeeper | None = None
        self._ready_links: set[str] = set()
        self._caught_up = asyncio.Event()

    async def start(self) -> None:
        """Learn what the venue lists, and begin; symbols are held once the stream is caught up."""
        instruments = await self._fetch_instruments()
        self._engine = Engine(self._run, instruments, self._holds, self._choices.patience)
        if self._tracing is not None:
            self._traces = OrderTraces(self._tracing, self._engine.times.received_ns)
        await self._note_tokens()
        for entry in self._run.strategies:
            owner = LinkOwner(self._on_reports, partial(self._on_link, entry.name))
            self._links[entry.name] = self._make_link(entry, owner)
        auditor = Auditor(
            self._engine,
            self._links,
            self._switches,
            self._on_difference,
            self._choices.audit_every_s,
        )
        works: list[Coroutine[Any, Any, None]] = [
            *(link.run() for link in self._links.values()),
            self._subscriber.run(),
            self._reporter.run(),
            self._decisions.run(),
            self._follow_switches(),
            self._tick(),
            auditor.run(),
            self._stand_for_leases(),
        ]
        self._tasks = [asyncio.create_task(work) for work in works]
        for task in self._tasks:
            task.add_done_callback(self._end_with)
        log.info("started", run=self._run.name, instance=self._choices.name)

    async def stop(self) -> None:
        if self._keeper is not None:
            await self._keeper.stop()
        pending = set(self._tasks)
        while pending:  # the Redis client may take a cancellation for a failure, and go on
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=STOP_AGAIN_S)
        for store in (self._switches, self._leases, self._alphas):
            await store.close()

    def health(self) -> dict[str, object]:
        engine = self._engine
        return {
            "ready": self._subscriber.is_connected
            and self._reporter.is_connected
            and len(self._ready_links) == len(self._links),
            "run": self._run.name,
            "sequence": engine.times.last_sequence,
            "symbols": engine.acting_on,
            "links_ready": sorted(self._ready_links),
            "alphas": len(self._decisions.connected),
            "reports_waiting": self._reporter.waiting,
        }

    # What comes in; each brings all of one wakeup

    def _on_events(self, events: list[AnyEvent]) -> None:
        now_ns = time.time_ns()
        self._engine.on_events(events, now_ns)
        self._flush(now_ns)
        if now_ns - events[-1].received_ns < CAUGHT_UP_NS:
            self._caught_up.set()

    def _on_envelopes(self, envelopes: list[Envelope]) -> None:
        now_ns = time.time_ns()
        if self._traces is not None:
            self._traces.on_envelopes(envelopes, now_ns)
        self._engine.on_envelopes(envelopes, now_ns)
        self._flush(now_ns)

    def _on_reports(self, reports: Sequence[v.VenueReport]) -> None:
        now_ns = time.time_ns()
        if self._traces is not None:
            self._traces.on_reports(reports, now_ns)
        self._engine.on_reports(reports, now_ns)
        self._flush(now_ns)

    def _on_link(self, strategy: str, is_ready: bool) -> None:
        (self._ready_links.add if is_ready else self._ready_links.discard)(strategy)
        now_ns = time.time_ns()
        self._engine.on_link(strategy, now_ns, is_ready=is_ready)
        self._flush(now_ns)

    async def _tick(self) -> None:
        while True:
            now_ns = time.time_ns()
            self._engine.tick(now_ns)
            self._flush(now_ns)
            self._metrics.update(self._engine)
            await asyncio.sleep(TICK_S)

    def _flush(self, began_ns: int) -> None:
        """Let everything leave that a call has brought about."""
        requests = self._engine.take_requests()
        if requests:
            self._send(requests, began_ns)
        events = self._engine.take_events()
        if events:
            self._reporter.put(events)
        for strategy, reason in self._engine.take_pulls():
            self._pulling[strategy] = reason
            log.error("kill switch pulled", strategy=strategy, reason=reason)

    def _send(self, requests: Sequence[v.Request], began_ns: int) -> None:
        passed_ns = time.time_ns() if self._traces is not None else 0
        for strategy, link in self._links.items():
            own = [each for each in requests if each.name.strategy == strategy]
            if own:
                link.send(own)
        placed = sum(isinstance(each, v.PlaceOrder) for each in requests)
        if placed:
            sent_ns = time.time_ns()
            if self._traces is not None:
                self._traces.on_sent(requests, passed_ns, sent_ns)
            took_s = (sent_ns - began_ns) / 1e9
            for _ in range(placed):
                LATENCY.labels("send").observe(took_s)

    # Leases and switches

    def _holds(self, symbol: str) -> bool:
        return (
            self._keeper is not None
            and self._keeper.token(symbol) > 0
            and self._reporter.waiting < REPORTS_WAITING_MAX
        )

    async def _stand_for_leases(self) -> None:
        """Hold symbols once the stream has been read up to now."""
        await self._caught_up.wait()
        self._keeper = LeaseKeeper(
            self._leases,
            Member(f"{self._choices.name}#{os.getpid()}-{time.time_ns()}", ""),
            self._run.symbols,
            on_gained=lambda symbol, _token: self._engine.hold(symbol, time.time_ns()),
            on_lost=self._engine.release,
        )
        self._keeper.start()
        await self._keeper.until_failed()

    async def _note_tokens(self) -> None:
        """Learn who leads, so that a former leader is known for one from the beginning."""
        while True:
            try:
                self._engine.tokens.update(await self._alphas.tokens())
            except LeaseStoreError as error:
                log.warning("lease store not reached", reason=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            return

    async def _follow_switches(self) -> None:
        while True:
            try:
                for strategy, reason in list(self._pulling.items()):
                    await self._switches.pull(strategy, reason)
                    del self._pulling[strategy]
                pulled = await self._switches.pulled() | self._pulling
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("kill switches not reached", reason=str(error))
            else:
                KILLED.set(len(pulled))
                now_ns = time.time_ns()
                self._engine.set_kill_switches(pulled, now_ns)
                self._flush(now_ns)
            await asyncio.sleep(SWITCHES_S)

    async def _on_difference(self, strategy: str, text: str) -> None:
        if self._choices.stop_on_difference:
            self._pulling.setdefault(*Pull(strategy, f"the venue differs: {text}"))

    # The venue

    def _make_link(self, entry: StrategyRun, owner: LinkOwner) -> VenueLink:
        places, credentials = self._places, self._keys[entry.name]
        instruments = {
            symbol: self._engine.traders[entry.name, symbol].orders.holdings.instrument
            for symbol in entry.symbols
        }
        if entry.door == "websocket":
            return WebSocketLink(places.websocket_url, credentials, instruments, owner)
        comp_ids = f"{entry.name}.{self._choices.name}"[:32], places.target_comp_id
        return FixLink(
            places.fix_address, places.websocket_url, comp_ids, credentials, instruments, owner
        )

    async def _fetch_instruments(self) -> dict[str, Any]:
        while True:
            try:
                return await fetch_instruments(self._places.websocket_url, self._run.symbols)
            except (OSError, TimeoutError) as error:
                reason = f"{type(error).__name__}: {error}"
                log.warning("venue not reached", reason=reason, retry_in_s=RETRY_S)
            await asyncio.sleep(RETRY_S)

    def _end_with(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            error = task.exception()
            log.error("a task ended", exc_info=error)
            self._on_failure(f"{type(error).__name__}: {error}")
