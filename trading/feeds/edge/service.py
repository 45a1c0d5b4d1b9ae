"""The data feeds handler as a service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import structlog
from redis.exceptions import RedisError

from trading.feeds.edge.metrics import FeedMetrics
from trading.feeds.edge.publisher import EventPublisher
from trading.feeds.edge.quarantine import Quarantine
from trading.feeds.edge.queue_writer import QueueWriter
from trading.feeds.edge.recording import RecordedSource, Recorder
from trading.feeds.edge.sequence_file import SequenceFile
from trading.feeds.edge.sources import Receive, Source
from trading.feeds.edge.websocket_source import WebSocketSource
from trading.feeds.handler import FeedHandler, Input, Question
from trading.feeds.rejects import Rejected

TICK_S = 0.025
ASK_BACKOFF_S_MIN = 0.1
ASK_BACKOFF_S_MAX = 5.0
QUEUE_RETRY_S = 0.5
COUNTS_SHOWN = ("messages", "duplicates", "gaps", "gaps_filled", "resyncs", "rejected")

log = structlog.get_logger("feeds")


class FeedsService:
    """Redundant sources of one venue in, one numbered stream of events out.

    `sources`: ws:// or wss:// URLs of Binance-shaped venues (`WebSocketSource`), or the file:// URL
    of a recording, alone, with `?speed=1` for the pace of then. `record_file`: a new file that gets
    all that came, to be such a recording. Raises `ValueError` for what is none of these.
    """

    def __init__(
        self,
        *,
        sources: Sequence[str],
        symbols: Sequence[str],
        queue_url: str,
        host: str,
        port: int,
        data_directory: Path,
        record_file: Path | None = None,
    ) -> None:
        self._sources = [
            make_source(url, number, symbols, self._receive) for number, url in enumerate(sources)
        ]
        if not symbols:
            raise ValueError("no symbol to follow")
        if len(self._sources) > 1 and not all(source.is_live for source in self._sources):
            raise ValueError("a recording is played alone")
        self._symbols = symbols
        self._queue = QueueWriter(queue_url)
        self._host, self._port = host, port
        self._data_directory = data_directory
        self._record_file = record_file
        self._recorder: Recorder | None = None
        self._metrics = FeedMetrics()
        self._asking: dict[Question, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._handler: FeedHandler
        self._publisher: EventPublisher
        self._quarantine: Quarantine
        self._sequence_file: SequenceFile | None = None

    @property
    def port(self) -> int:
        return self._publisher.port

    async def start(self) -> None:
        """Go on from the last number used, listen, and connect. Raises `OSError`."""
        self._data_directory.mkdir(parents=True, exist_ok=True)
        self._sequence_file = SequenceFile(self._data_directory / "last_sequence")
        self._quarantine = Quarantine(self._data_directory / "quarantine.jsonl")
        if self._record_file is not None:
            self._recorder = Recorder(self._record_file)
        last = max(self._sequence_file.last, await self._last_in_queue())
        self._handler = FeedHandler(self._symbols, last)
        self._publisher = EventPublisher(last)
        await self._publisher.start(self._host, self._port)
        self._queue.start(last)
        self._tasks = [asyncio.create_task(source.run()) for source in self._sources]
        self._tasks.append(asyncio.create_task(self._tick()))
        for task in self._tasks:
            task.add_done_callback(_tell_failure)
        log.info("started", last_sequence=last, port=self.port)

    async def stop(self) -> None:
        tasks = [*self._tasks, *self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._tasks:
            await self._publisher.stop()
        await self._queue.stop()
        if self._sequence_file is None:
            return
        log.info("stopped", last_sequence=self._sequence_file.last)
        self._quarantine.close()
        self._sequence_file.close()
        if self._recorder is not None:
            self._recorder.close()

    def health(self) -> dict[str, object]:
        handler, counts = self._handler, self._handler.counts
        return {
            "ready": handler.is_ready,
            "sequence": handler.sequencer.last,
            "sources_connected": len(handler.connected),
            "books_in_sync": sorted(
                symbol for symbol, feed in handler.feeds.items() if feed.book is not None
            ),
            "queue_connected": self._queue.is_connected,
            "queue_waiting_events": self._queue.waiting,
            "queue_dropped_events": self._queue.dropped,
            "subscribers": self._publisher.subscriber_count,
            **{name: counts[name] for name in COUNTS_SHOWN},
        }

    def _receive(self, inputs: Sequence[Input]) -> None:
        """Take what one wakeup brought, and let everything it made leave at once."""
        if self._recorder is not None:
            self._record(self._recorder, inputs)
        self._handler.receive(inputs)
        if not self._sources[0].is_live and inputs:
            self._handler.tick(inputs[-1].received_ns)
        self._flush()

    def _flush(self) -> None:
        events = self._handler.take_events()
        if events:
            assert self._sequence_file is not None
            # Before anyone sees them: a number is never used twice.
            self._sequence_file.save(events[-1].stream_sequence)
            self._queue.put(self._publisher.publish(events))
        rejected = self._handler.take_rejected()
        if rejected:
            self._keep(rejected)

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
                self._handler.tick(time.time_ns())
                self._flush()
                self._ask()
            self._metrics.update(self._handler, self._publisher.subscriber_count)

    def _ask(self) -> None:
        """Ask what is not being asked already."""
        for question in self._handler.questions():
            if question not in self._asking:
                self._asking[question] = asyncio.create_task(self._ask_until_answered(question))

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

    async def _last_in_queue(self) -> int:
        """Return the last number in the queue, once it can be asked.

        A handler that used numbers on this machine knows its last one anyway and does not wait.
        """
        assert self._sequence_file is not None
        while True:
            try:
                return await self._queue.last_sequence()
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("queue not reached", reason=f"{type(error).__name__}: {error}")
            if self._sequence_file.last:
                return 0
            await asyncio.sleep(QUEUE_RETRY_S)


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a task failed", reason=f"{type(error).__name__}: {error}", exc_info=error)


def make_source(url: str, number: int, symbols: Sequence[str], receive: Receive) -> Source:
    """Return the source that a URL names. Raises `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme in {"ws", "wss"} and parts.hostname:
        return WebSocketSource(url, number, symbols, receive)
    if parts.scheme == "file" and parts.path:
        speed = parse_qs(parts.query).get("speed")
        return RecordedSource(
            Path(unquote(parts.path)), float(speed[0]) if speed else None, receive
        )
    raise ValueError(f"source {url!r} is neither ws://, wss:// nor file:///PATH")
