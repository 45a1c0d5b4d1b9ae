"""Keeps a backup of one gateway's FIX sessions: `agio backup run` beside a gateway by itself.

That is one whose volume is its own, as in a cluster; the venue's backup has those on its machine.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from agio.backup import retention
from agio.backup.contents import CHUNKS, FILES, Copy
from agio.backup.file_copy import FileCopy
from agio.backup.gateway_stores import gateway_url
from agio.backup.service import (
    RETENTION_S,
    Intervals,
    age_gauge,
    copied_gauge,
    now_ms,
    put_bytes_gauge,
    tell_failure,
)
from matching import journal_spans
from matching.client import MatchingClient
from matching.journal_spans import Span
from objects.encrypted import (
    EncryptedError,
    EncryptedStore,
    FileDamagedError,
    open_encrypted,
    whole_files,
)
from objects.store import StoreFailedError, open_store

log = structlog.get_logger("backup")

ANSWER_TIMEOUT_S: Final = 5.0
ANY_ACCOUNT: Final = 1
FAILURES: Final = (StoreFailedError, EncryptedError, FileDamagedError, OSError)


class SessionsBackup:
    """Backs up the FIX sessions under `data` by the gateway's name into the venue's backup.

    `url` is that of the venue's. The matching process is asked how far the journal is.
    """

    def __init__(
        self,
        *,
        data: Path,
        url: str,
        name: str,
        secret: bytes,
        matching_address: str,
        intervals: Intervals,
    ) -> None:
        self._data = data
        self._url = url
        self._name = name
        self._secret = secret
        self._matching = MatchingClient(
            matching_address, f"backup-{name}", from_sequence=None, on_records=lambda _: None
        )
        self._intervals = intervals
        self._store: EncryptedStore
        self._files: FileCopy
        self._listed = b""
        self._sequence = 0
        self._copied_as_of = 0.0
        self._retention_due = 0.0
        self._failure = ""
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Return once the store is open; matching may come later.

        Raises `EncryptedError` and `StoreFailedError`.
        """
        await asyncio.to_thread(self._open)
        self._copied_as_of = time.monotonic()
        age_gauge.labels("sessions").set_function(self.age_s)
        put_bytes_gauge.set_function(lambda: self._store.bytes_put)
        log.info("backup goes on", gateway=self._name)
        self._tasks = [
            asyncio.create_task(self._matching.start()),
            asyncio.create_task(self._run()),
        ]

    async def stop(self) -> None:
        """Copy what is new once more, and end."""
        self._stopping.set()
        await asyncio.gather(*self._tasks[1:])
        for connecting in self._tasks[:1]:
            connecting.cancel()
        await self._matching.stop()

    def health(self) -> dict[str, object]:
        return {
            "ready": not self._failure,
            "sequence": self._sequence,
            "age_s": round(self.age_s(), 1),
            "failure": self._failure,
        }

    def age_s(self) -> float:
        """Return how long ago the sessions were what the backup has."""
        return time.monotonic() - self._copied_as_of

    def _open(self) -> None:
        store = open_store(gateway_url(self._url, self._name))
        self._store = open_encrypted(store, self._secret, create=True)
        for prefix in (f"{FILES}/", CHUNKS):
            self._store.delete_unfinished(prefix)
        self._files = FileCopy(self._data, {}, self._store)

    async def _run(self) -> None:
        is_last = False
        while True:
            try:
                await self._copy()
            except Exception as error:  # noqa: BLE001 (whatever it was, there is to be a backup)
                self._failure = f"{type(error).__name__}: {error}"
                tell_failure("sessions", error, FAILURES)
            else:
                self._failure = ""
            if is_last:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(self._intervals.others_s):
                    await self._stopping.wait()
            is_last = self._stopping.is_set()

    async def _copy(self) -> None:
        began = time.monotonic()
        listed = await asyncio.to_thread(self._files.put_chunks)
        if listed != self._listed:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                self._sequence = (await self._matching.funds(ANY_ACCOUNT)).sequence
            copy = Copy(FILES, self._sequence, now_ms())
            await asyncio.to_thread(self._store.put, copy.name, [listed])
            self._listed = listed
            copied_gauge.labels(copy.kind).set(copy.sequence)
            log.info("copied", kind=copy.kind, sequence=copy.sequence)
        self._copied_as_of = began
        if began >= self._retention_due:
            await asyncio.to_thread(self._delete_old)
            self._retention_due = began + RETENTION_S

    def _delete_old(self) -> None:
        """Delete what was replaced, but not what a restore would take today."""
        names = whole_files(open_store(self._url), journal_spans.PREFIX)
        reached = max((Span.parse(name).last for name in names), default=0)
        before_ms = now_ms() - int(1000 * self._intervals.keep_s)
        retention.delete_old(self._store, before_ms, reached)
        self._files.forget_chunks()
