"""The alpha generator as a service: one of several instances that all decide the same.

Each instance follows the whole stream and steps all machines. For each symbol one of them holds the
lease, and sends what is decided there, with the lease's token. The others know the same decisions;
who takes over sends those that no `DecisionTaken` in the stream answers, so none is lost, and since
the feeds handler admits each number once, none is doubled.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from trading.alpha.edge import metrics
from trading.alpha.edge.decisions_port import DecisionsPort
from trading.alpha.edge.metrics import AlphaMetrics
from trading.alpha.edge.snapshot_files import SnapshotFiles
from trading.alpha.generator import Decided, Generator
from trading.alpha.snapshot import SnapshotError
from trading.decisions import Action, Envelope
from trading.events import AnyEvent
from trading.leases.edge.lease_keeper import LeaseKeeper
from trading.leases.edge.redis_leases import RedisLeases
from trading.leases.lease_store import Member
from trading.runs import Run
from trading.stream.edge.subscriber import StreamSubscriber
from trading.tracing import instance_of
from vocabulary.tracing import Passage, Tracing

if TYPE_CHECKING:
    from trading.history.edge.reader import HistoryReader

CAUGHT_UP_NS = 1_000_000_000
TICK_S = 0.05
KEEPALIVE_S = 1.0
SNAPSHOT_S = 30.0

log = structlog.get_logger("alpha")


def end_process(reason: str) -> None:
    """Hand over and end: half a replica is worse than none."""
    log.critical("failed", reason=reason)
    signal.raise_signal(signal.SIGTERM)


class AlphaService:
    """One instance for a run.

    `feeds` is the host and port of the feeds handler. Decisions are served on `host` and `port`, 0
    for a free one; others find it by the lease store at `redis_url`. Snapshots lie in `directory`,
    which instances may share. `history` is for events that the feeds handler no longer keeps.
    `on_failure` is called when the stream can't be followed any more, or holds decisions that are
    not ours. Raises `StrategyError`.
    """

    def __init__(
        self,
        *,
        run: Run,
        redis_url: str,
        feeds: tuple[str, int],
        host: str,
        port: int,
        directory: Path,
        history: HistoryReader | None = None,
        on_failure: Callable[[str], None] = end_process,
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing
        self.generator = Generator(run)
        self._run = run
        self._feeds = feeds
        self._host, self._listen_port = host, port
        self._directory = directory
        self._history = history
        self._on_failure = on_failure
        self._store = RedisLeases(redis_url, f"alpha:{run.name}")
        self._port = DecisionsPort(run.name, self._untaken)
        self._metrics = AlphaMetrics()
        self._lag_ns = -1  # not known yet
        self._failure = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._files: SnapshotFiles
        self._subscriber: StreamSubscriber
        self._keeper: LeaseKeeper | None = None

    @property
    def port(self) -> int:
        return self._port.port

    async def start(self) -> None:
        """Begin with the newest snapshot and listen; lead once the stream is caught up.

        Raises `OSError`.
        """
        self._files = SnapshotFiles(self._directory)
        self._restore()
        await self._port.start(self._host, self._listen_port)
        self._subscriber = StreamSubscriber(
            *self._feeds, self.generator.sequence + 1, self._on_events, self._history
        )
        self._keeper = LeaseKeeper(
            self._store,
            self._member(),
            self._run.symbols,
            on_gained=self._on_gained,
            on_lost=lambda _symbol: None,  # what is decided from here on is not sent
            is_standing=False,
        )
        self._keeper.start()
        works = (
            self._subscriber.run(),
            self._tick(),
            self._keep_alive(),
            self._save(),
            self._keeper.until_failed(),
        )
        for work in works:
            task = asyncio.create_task(work)
            task.add_done_callback(self._end_with)
            self._tasks.append(task)
        log.info("started", run=self._run.name, after=self.generator.sequence, port=self.port)

    async def stop(self) -> None:
        """Hand the leases over first, then close, and keep the state."""
        if self._keeper is None:
            return
        await self._keeper.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._port.stop()
        await self._store.close()
        if not self._failure:
            try:
                self._files.save(self.generator.sequence, self.generator.snapshot())
            except OSError as error:
                log.warning("snapshot failed", reason=str(error))
        log.info("stopped", run=self._run.name, sequence=self.generator.sequence)

    def health(self) -> dict[str, object]:
        assert self._keeper is not None
        generator = self.generator
        return {
            "ready": self._is_caught_up and self._keeper.is_reached and not self._failure,
            "failure": self._failure,
            "run": self._run.name,
            "sequence": generator.sequence,
            "lag_ms": self._lag_ns // 1_000_000 if self._lag_ns >= 0 else None,
            "leads": self.leads(),
            "members": [member.name for member in self._keeper.members],
            "decisions": sum(machine.last_number for machine in generator.machines),
            "untaken": sum(len(machine.untaken) for machine in generator.machines),
            "subscribers": len(self._port.subscribers),
        }

    def leads(self) -> dict[str, int]:
        """Return the symbols led here, with the leases' tokens."""
        if self._keeper is None:
            return {}
        tokens = {symbol: self._keeper.token(symbol) for symbol in self._run.symbols}
        return {symbol: token for symbol, token in tokens.items() if token}

    @property
    def _is_caught_up(self) -> bool:
        """Say whether what came last came in time. A silent feed is nobody's lag."""
        return self._subscriber.is_connected and 0 <= self._lag_ns < CAUGHT_UP_NS

    def _on_events(self, events: list[AnyEvent]) -> None:
        began_ns = time.time_ns() if self._tracing is not None else 0
        decided = self.generator.on_events(events)
        self._lag_ns = max(time.time_ns() - events[-1].received_ns, 0)
        if decided:
            self._send(decided, began_ns)

    def _send(self, decided: list[Decided], began_ns: int) -> None:
        """Send what is decided in symbols that are led here; the rest is known to who leads."""
        assert self._keeper is not None
        now_ns = time.time_ns()
        envelopes = []
        for decision, received_ns in decided:
            token = self._keeper.token(decision.symbol)
            if token:
                envelopes.append(Envelope(token, now_ns, decision))
                metrics.LATENCY_SECONDS.observe(max(now_ns - received_ns, 0) / 1e9)
        if envelopes:
            self._port.publish(envelopes)
            metrics.SENT.inc(len(envelopes))
            if self._tracing is not None:
                self._trace(decided, self._tracing, began_ns, now_ns)

    def _trace(self, decided: list[Decided], tracing: Tracing, began_ns: int, sent_ns: int) -> None:
        """Tell of the traced orders that were decided between the two times, and sent."""
        for decision, received_ns in decided:
            if decision.action is Action.PLACE and tracing.samples(decision.cause):
                records = [(decision.cause, received_ns)]
                told = {"agio.client_order_id": decision.client_order_id}
                instance = instance_of(decision)
                tracing.emit(Passage("alpha.decide", began_ns, sent_ns, records, told, instance))

    def _on_gained(self, symbol: str, token: int) -> None:
        metrics.TAKEOVERS.inc()
        now_ns = time.time_ns()
        envelopes = [Envelope(token, now_ns, each) for each in self.generator.untaken(symbol)]
        log.info("leads", symbol=symbol, token=token, untaken=len(envelopes))
        if envelopes:
            self._port.publish(envelopes)
            metrics.SENT.inc(len(envelopes))

    def _untaken(self) -> list[Envelope]:
        now_ns = time.time_ns()
        return [
            Envelope(token, now_ns, decision)
            for symbol, token in self.leads().items()
            for decision in self.generator.untaken(symbol)
        ]

    async def _tick(self) -> None:
        """Stand for the leases while the stream is followed in time."""
        assert self._keeper is not None
        while True:
            if self._is_caught_up and not self._keeper.is_standing:
                self._keeper.stand()
            elif not self._is_caught_up and self._keeper.is_standing:
                log.warning("behind", connected=self._subscriber.is_connected, lag_ns=self._lag_ns)
                self._keeper.withdraw()
            self._metrics.update(self.generator)
            metrics.LAG_SECONDS.set(max(self._lag_ns, 0) / 1e9)
            metrics.LEADS.set(len(self.leads()))
            metrics.SUBSCRIBERS.set(len(self._port.subscribers))
            await asyncio.sleep(TICK_S)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEPALIVE_S)
            self._port.publish([])

    async def _save(self) -> None:
        saved = self.generator.sequence
        while True:
            await asyncio.sleep(SNAPSHOT_S)
            sequence = self.generator.sequence
            if sequence == saved:
                continue
            try:
                await asyncio.to_thread(self._files.save, sequence, self.generator.snapshot())
                saved = sequence
            except OSError as error:  # a full disk makes the next start slower, no more
                log.warning("snapshot failed", reason=str(error))

    def _restore(self) -> None:
        for state in self._files.newest_first():
            try:
                self.generator.restore(state)
            except SnapshotError as error:
                log.warning("snapshot passed over", reason=str(error))
                self.generator = Generator(self._run)
            else:
                return

    def _member(self) -> Member:
        """Name this instance as no other was or will be, and say where it is found."""
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        everywhere = self._host in {"0.0.0.0", "::"}  # noqa: S104 (to recognise it)
        return Member(name, f"{socket.gethostname() if everywhere else self._host}:{self.port}")

    def _end_with(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._failure:
            return
        error = task.exception()
        self._failure = f"{type(error).__name__}: {error}"
        assert self._keeper is not None
        self._keeper.withdraw()
        self._on_failure(self._failure)
