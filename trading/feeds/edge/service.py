"""The data feeds handler as a service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import structlog

from trading.credentials import Credentials
from trading.events import AnyEvent
from trading.feeds.admission import Admission
from trading.feeds.batch import Batch
from trading.feeds.edge.fix_source import FixSource
from trading.feeds.edge.metrics import FeedMetrics
from trading.feeds.edge.publisher import EventPublisher
from trading.feeds.edge.quarantine import Quarantine
from trading.feeds.edge.queue_writer import QueueWriter
from trading.feeds.edge.recording import RecordedSource, Recorder
from trading.feeds.edge.recovery import recover
from trading.feeds.edge.reports import ReportsServer
from trading.feeds.edge.sources import Receive, Source
from trading.feeds.edge.stream_log import StreamLog
from trading.feeds.edge.websocket_source import WebSocketSource
from trading.feeds.handler import FeedHandler, Input, InputKind, Question
from trading.feeds.rejects import Rejected
from trading.history.edge.event_queue import open_queue
from vocabulary.tracing import Passage, Tracing

TICK_S = 0.025
ASK_BACKOFF_S_MIN = 0.1
ASK_BACKOFF_S_MAX = 5.0
COUNTS_SHOWN = (
    "messages",
    "duplicates",
    "gaps",
    "gaps_filled",
    "resyncs",
    "rejected",
    "own_events",
)

log = structlog.get_logger("feeds")


class FeedsService:
    """Redundant sources of one venue and the firm's own events in, one numbered stream out.

    `sources`: ws:// or wss:// URLs of Binance-shaped venues (`WebSocketSource`), fix:// or fixs://
    URLs of agio's FIX market data (`FixSource`, with `credentials`), or the file:// URL of a
    recording, alone, with `?speed=1` for the pace of then. `record_file`: a new file that gets all
    that came, to be such a recording. Raises `ValueError` for what is none of these.
    """

    def __init__(
        self,
        *,
        sources: Sequence[str],
        symbols: Sequence[str],
        queue_url: str,
        host: str,
        port: int,
        reports_port: int,
        data_directory: Path,
        record_file: Path | None = None,
        credentials: Credentials | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing
        self._sources = [
            make_source(url, number, symbols, self._receive, credentials)
            for number, url in enumerate(sources)
        ]
        if not symbols:
            raise ValueError("no symbol to follow")
        if len(self._sources) > 1 and not all(source.is_live for source in self._sources):
            raise ValueError("a recording is played alone")
        self._symbols = symbols
        self._event_queue = open_queue(queue_url)
        self._queue = QueueWriter(self._event_queue)
        self._host, self._port, self._reports_port = host, port, reports_port
        self._data_directory = data_directory
        self._record_file = record_file
        self._recorder: Recorder | None = None
        self._metrics = FeedMetrics()
        self._asking: dict[Question, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._began_after = 0
        self._handler: FeedHandler
        self._admission: Admission
        self._publisher: EventPublisher
        self._quarantine: Quarantine
        self._log = StreamLog(data_directory)
        self._reports = ReportsServer(self._receive)
        self._failure = ""
        self._ended = ""

    @property
    def port(self) -> int:
        return self._publisher.port

    @property
    def reports_port(self) -> int:
        return self._reports.port

    async def start(self) -> None:
        """Go on where the stream ended, listen, and connect. Raises `OSError`."""
        self._data_directory.mkdir(parents=True, exist_ok=True)
        self._quarantine = Quarantine(self._data_directory / "quarantine.jsonl")
        self._admission = Admission()
        last, recent = await recover(self._log, self._event_queue, self._admission)
        self._began_after = last
        self._handler = FeedHandler(self._symbols, last, self._admission)
        if self._record_file is not None:
            self._recorder = Recorder(self._record_file)
            self._recorder.write([Input(InputKind.KNOWN, 0, 0, "", self._admission.snapshot())])
        self._publisher = EventPublisher(last - len(recent))
        self._publisher.keep(recent)
        writing = self._queue.start(last - len(recent))
        writing.add_done_callback(self._tell_ended)
        self._queue.put(recent)
        await self._publisher.start(self._host, self._port)
        await self._reports.start(self._host, self._reports_port)
        self._tasks = [asyncio.create_task(source.run()) for source in self._sources]
        self._tasks.append(asyncio.create_task(self._tick()))
        for task in self._tasks:
            task.add_done_callback(self._tell_ended)
        log.info("started", last_sequence=last, port=self.port)

    async def stop(self) -> None:
        tasks = [*self._tasks, *self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._tasks:
            await self._reports.stop()
            await self._publisher.stop()
        await self._queue.stop()
        if not self._log.is_open:
            return
        log.info("stopped", last_sequence=self._handler.sequencer.last)
        self._quarantine.close()
        self._log.close()
        if self._recorder is not None:
            self._recorder.close()

    def health(self) -> dict[str, object]:
        handler, counts = self._handler, self._handler.counts
        return {
            "ready": handler.is_ready and not self._failure and not self._ended,
            "failed": bool(self._ended),
            "failure": self._failure or self._ended,
            "began_after": self._began_after,
            "sequence": handler.sequencer.last,
            "sources_connected": len(handler.connected),
            "books_in_sync": sorted(
                symbol for symbol, feed in handler.feeds.items() if feed.book is not None
            ),
            "queue_connected": self._queue.is_connected,
            "queue_waiting_events": self._queue.waiting,
            "queue_dropped_events": self._queue.dropped,
            "subscribers": self._publisher.subscriber_count,
            "reporters": self._reports.reporter_count,
            "own_events": counts["own_events"],
            "own_repeats": counts["own_repeats"],
            **{name: counts[name] for name in COUNTS_SHOWN},
        }

    def _receive(self, inputs: Sequence[Input]) -> None:
        """Take what one wakeup brought, and let everything it made leave at once."""
        if self._failure:
            return
        if self._recorder is not None:
            self._record(self._recorder, inputs)
        self._handler.receive(inputs)
        try:
            self._flush()
        except OSError as error:  # nobody may see what a restart forgets
            self._failure = f"the stream can't be kept: {error}"
            log.exception("stopped", reason=self._failure)

    def _flush(self) -> None:
        """Let what the handler made leave: events once they are kept, answers behind them."""
        events = self._handler.take_events()
        if events:
            batch = Batch.of(events)
            self._log.append(batch)
            self._publisher.publish(batch)
            if self._tracing is not None:
                self._trace(events, self._tracing)
            self._queue.put(batch.encoded)
        self._reports.answer(self._handler.take_answers())
        rejected = self._handler.take_rejected()
        if rejected:
            self._keep(rejected)
        if self._log.is_full:
            self._log.begin(self._handler.sequencer.last, self._admission.snapshot())

    def _trace(self, events: Sequence[AnyEvent], tracing: Tracing) -> None:
        """Tell of the traced events that are published now."""
        now_ns = time.time_ns()
        for event in events:
            if tracing.samples(event.stream_sequence):
                place = (event.stream_sequence, event.received_ns)
                told = {"agio.symbol": event.symbol, "agio.event": type(event).__name__}
                tracing.emit(Passage("feeds.publish", event.received_ns, now_ns, [place], told))

    def _keep(self, rejected: Sequence[Rejected]) -> None:
        try:
            self._quarantine.put(rejected)
        except OSError as error:  # a full disk is no reason to stop the feed
            log.warning("quarantine failed", reason=str(error), messages=len(rejected))

    def _record(self, recorder: Recorder, inputs: Sequence[Input]) -> None:
        try:
            recorder.write(inputs)
        except OSError as error:
            log.warning("recording failed, and ends", reason=str(error))
            self._recorder = None

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if self._sources[0].is_live:
                self._receive([Input(InputKind.TICK, 0, time.time_ns())])
                self._ask()
            self._metrics.update(
                self._handler, self._publisher.subscriber_count, self._reports.reporter_count
            )

    def _ask(self) -> None:
        """Ask what is not being asked already."""
        for question in self._handler.questions():
            if question not in self._asking:
                asking = asyncio.create_task(self._ask_until_answered(question))
                asking.add_done_callback(self._tell_ended)
                self._asking[question] = asking

    async def _ask_until_answered(self, question: Question) -> None:
        """Ask the connected sources in turn until the handler has what it wants."""
        backoff_s = ASK_BACKOFF_S_MIN
        attempt = 0
        try:
            while question in self._handler.questions():
                connected = sorted(self._handler.connected)
                source = self._sources[connected[attempt % len(connected)]]
                attempt += 1
                try:
                    await source.ask(question)
                except (OSError, TimeoutError) as error:
                    reason = f"{type(error).__name__}: {error}"
                    log.warning("no answer", question=question.kind, reason=reason)
                if question in self._handler.questions():
                    await asyncio.sleep(backoff_s)
                    backoff_s = min(backoff_s * 2, ASK_BACKOFF_S_MAX)
        finally:
            del self._asking[question]

    def _tell_ended(self, task: asyncio.Task[None]) -> None:
        """Tell that a task has failed on what nobody foresaw; the rest goes on until a restart."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._ended = f"{type(error).__name__}: {error}"
            log.error("a task failed", reason=self._ended, exc_info=error)


def make_source(
    url: str,
    number: int,
    symbols: Sequence[str],
    receive: Receive,
    credentials: Credentials | None = None,
) -> Source:
    """Return the source that a URL names. Raises `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme in {"fix", "fixs"} and parts.hostname and parts.port:
        if credentials is None:
            raise ValueError(f"source {url!r} needs an API key")
        return FixSource(url, number, symbols, receive, credentials)
    if parts.scheme in {"ws", "wss"} and parts.hostname:
        return WebSocketSource(url, number, symbols, receive)
    if parts.scheme == "file" and parts.path:
        speed = parse_qs(parts.query).get("speed")
        return RecordedSource(
            Path(unquote(parts.path)), float(speed[0]) if speed else None, receive
        )
    wanted = "ws://, wss://, fix://HOST:PORT, fixs://HOST:PORT or file:///PATH"
    raise ValueError(f"source {url!r} is none of {wanted}")
