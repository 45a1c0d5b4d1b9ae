"""Puts what the matching process did on Kinesis or Kafka: the service behind `agio stream`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog
from prometheus_client import Counter, Gauge, Histogram

from marketdata.edge.event_store import StreamFailedError, open_writer
from marketdata.stream_packer import OutgoingBlock, Progress, StreamPacker
from matching.client import STORE_PATIENCE_MS, SliceReader
from vocabulary.slices import SlicedRecord

WAITING_BYTES_MAX = 64 * 2**20
"""How much may wait. Past that the link, which has no pause, is closed until all of it is put."""

SAVE_INTERVAL_S = 0.25
BACKOFF_MIN_S = 0.05
BACKOFF_MAX_S = 5.0

SEQUENCE = Gauge("agio_stream_sequence", "Journal sequence up to which the stream has everything")
LAG = Gauge("agio_stream_lag_records", "Records that the journal has and the stream may not have")
WAITING = Gauge("agio_stream_waiting_bytes", "Bytes of entries that wait to be put")
BLOCKS = Counter("agio_stream_blocks", "Blocks put")
ENTRIES = Counter("agio_stream_entries", "Entries put")
BYTES = Counter("agio_stream_bytes", "Bytes of the blocks put")
REFUSED = Counter("agio_stream_refused_blocks", "Blocks that the store refused, each tried again")
FAILURES = Counter("agio_stream_failures", "Calls to the store that failed, each tried again")
PUT_SECONDS = Histogram(
    "agio_stream_put_seconds",
    "Time of a call that puts blocks",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)

log = structlog.get_logger("stream")


class _Saved(msgspec.Struct):
    """The file that tells where to go on. `url`: another stream begins with the first record."""

    url: str
    progress: Progress


class StreamService:
    """Reads the journal's events and puts them on the event stream, in order.

    One call is on its way at a time; what comes meanwhile makes the next one larger. How far the
    stream is stands in `directory`, at most a moment old. After a crash what is put again has the
    same sequences, so that readers know it; without the file everything is put again.
    """

    def __init__(self, *, matching_address: str, event_stream_url: str, directory: Path) -> None:
        self._url = event_stream_url
        self._writer = open_writer(event_stream_url)
        self._matching_address = matching_address
        self._file = directory / "progress.json"
        self._packer = StreamPacker(self._read_progress())
        self._link: SliceReader | None = None
        self._is_full = False
        self._head_sequence = 0
        self._arrived = asyncio.Event()
        self._backoff_s = BACKOFF_MIN_S
        self._save_due_s = 0.0
        self._saved_sequence, self._is_saved = self._packer.sequence, True
        self._failure = ""
        self._has_failed = False
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Return once connected to the matching process; the store may come later."""
        await self._open_link()
        self._task = asyncio.create_task(self._run())
        log.info("started", sequence=self._packer.sequence)

    async def stop(self) -> None:
        """Put what has come, unless the store fails, and stop."""
        self._stopping = True
        self._arrived.set()
        if self._link is not None:
            await self._link.stop()
        if self._task is not None:
            await asyncio.wait({self._task})
        await self._writer.close()
        log.info("stopped", sequence=self._saved_sequence)

    def health(self) -> dict[str, object]:
        return {
            "ready": self._task is not None and not self._task.done() and not self._failure,
            "failed": self._has_failed,
            "sequence": self._saved_sequence,
            "lag_records": self._lag(),
            "waiting_bytes": self._packer.waiting_bytes,
            "matching_connected": self._link is not None and self._link.connected,
            "failure": self._failure,
        }

    async def _run(self) -> None:
        try:
            await self._put_on()
        except Exception as error:
            # Nothing that is foreseen: it is to be started anew, and health tells.
            self._has_failed = True
            self._failure = f"{type(error).__name__}: {error}"
            log.exception("stopped putting")

    async def _put_on(self) -> None:
        """Put what comes until told to stop."""
        while True:
            blocks = self._packer.take(self._writer.blocks_max, self._writer.bytes_max)
            if blocks:
                all_taken = await self._put(blocks)
                if not all_taken:
                    if self._stopping:
                        break
                    await self._back_off()
            elif self._stopping:
                break
            elif self._link is None:
                await self._open_link()
            else:
                await self._wait()
            if self._is_full and self._link is not None:
                link, self._link = self._link, None
                await link.stop()
            if time.monotonic() >= self._save_due_s:
                self._save()
        self._save()

    async def _put(self, blocks: Sequence[OutgoingBlock]) -> bool:
        """Put blocks; return whether all of them were taken."""
        try:
            with PUT_SECONDS.time():
                taken = await self._writer.put(blocks)
        except StreamFailedError as error:
            FAILURES.inc()
            if not self._failure:
                log.warning("store failed", reason=str(error))
            self._failure = str(error)
            return False
        self._failure = ""
        for block, is_taken in zip(blocks, taken, strict=True):
            if is_taken:
                self._packer.settle(block)
                BLOCKS.inc()
                ENTRIES.inc(len(block.sequences))
                BYTES.inc(len(block.data))
        if all(taken):
            self._backoff_s = BACKOFF_MIN_S
            return True
        REFUSED.inc(taken.count(False))
        return False

    async def _back_off(self) -> None:
        await asyncio.sleep(self._backoff_s)
        self._backoff_s = min(2 * self._backoff_s, BACKOFF_MAX_S)

    async def _wait(self) -> None:
        """Wait for records, or until progress is to be saved."""
        all_saved = self._saved_sequence == self._packer.sequence
        with suppress(TimeoutError):
            async with asyncio.timeout(None if all_saved else SAVE_INTERVAL_S):
                await self._arrived.wait()
        self._arrived.clear()

    async def _open_link(self) -> None:
        """Read on behind the last record taken."""
        self._is_full = False
        self._link = SliceReader(
            self._matching_address,
            "stream",
            from_sequence=self._packer.sequence + 1,
            on_records=self._on_records,
            patience_ms=STORE_PATIENCE_MS,
        )
        await self._link.start()

    def _on_records(self, records: list[SlicedRecord]) -> None:
        if self._is_full:
            return  # to be read again
        self._packer.add(records)
        self._is_full = self._packer.waiting_bytes > WAITING_BYTES_MAX
        self._arrived.set()

    def _lag(self) -> int:
        if self._link is not None:
            self._head_sequence = max(self._link.head_sequence, self._head_sequence)
        return max(self._head_sequence - self._saved_sequence, 0)

    def _read_progress(self) -> Progress | None:
        try:
            saved = msgspec.json.decode(self._file.read_bytes(), type=_Saved)
        except FileNotFoundError:
            return None
        if saved.url != self._url:
            log.warning("another stream: everything is put again", before=saved.url)
            return None
        return saved.progress

    def _save(self) -> None:
        """Save progress. An older one would do, too: so nothing waits for the disk, or fails."""
        progress = self._packer.progress
        if progress.sequence != self._saved_sequence:
            try:
                self._write_progress(progress)
            except OSError as error:
                if self._is_saved:
                    log.warning("progress not saved", file=str(self._file), reason=str(error))
                self._is_saved = False
            else:
                self._saved_sequence, self._is_saved = progress.sequence, True
        self._save_due_s = time.monotonic() + SAVE_INTERVAL_S
        SEQUENCE.set(self._saved_sequence)
        LAG.set(self._lag())
        WAITING.set(self._packer.waiting_bytes)

    def _write_progress(self, progress: Progress) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(".unfinished")
        unfinished.write_bytes(msgspec.json.encode(_Saved(self._url, progress)))
        unfinished.replace(self._file)
