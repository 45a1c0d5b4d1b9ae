"""Executed batches on their way to the disk, one at a time; the next is executed meanwhile.

A batch of some size is synced by a thread of its own, during which the event loop goes on: it reads
sockets and has the engine execute one batch more, which waits here. Only one, so that the engine
is never further ahead of the journal, and what comes in becomes one large batch behind it.

Nothing leaves before it is durable: `on_durable` is called for each batch, in order, when it is.
After a failure it is never called again, neither for the batch that failed nor for the one that
was executed behind it. Both are in memory only, which ends with the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from matching.edge.journal import Journal
from matching.edge.publisher import Question
from matching.pipeline import Batch

OVERLAPPED_RECORDS_MIN: Final = 32
"""A smaller batch is synced at once: to hand it to a thread costs more than it gains.

Measured: 25 to 60 us to wake the thread and then the event loop, 120 us a sync, 3 us a command.
"""


class Executed:
    """A batch that the engine has executed, and up to where; times are UTC nanoseconds."""

    def __init__(self, batch: Batch, questions: list[Question]) -> None:
        self.batch = batch
        self.questions = questions
        self.last_sequence = 0
        self.timestamp_ns = 0  # that its records bear
        self.taken_ns = 0
        self.executed_ns = 0


class GroupCommit:
    """Hands batches to `journal`. Lives on one event loop, and calls back on it.

    `on_room` is told when one more batch may be executed that might not before.
    """

    def __init__(
        self,
        journal: Journal,
        on_durable: Callable[[Executed], None],
        on_room: Callable[[], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._journal = journal
        self._on_durable = on_durable
        self._on_room = on_room
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "journal-sync")  # starts when it is first asked
        self._syncing: Executed | None = None
        self._sync: asyncio.Future[None] | None = None
        self._waiting: Executed | None = None
        self._overlaps = journal.mode == "fsync"
        self._has_failed = False

    def takes_another(self) -> bool:
        """Say whether one more batch may be executed now.

        Not while a question is in the batch that syncs: its answer is the engine's state when
        that batch is durable, and no later one.
        """
        if self._has_failed or self._waiting is not None:
            return False
        return self._syncing is None or not self._syncing.questions

    def add(self, executed: Executed) -> None:
        """Make a batch durable, now or when it is its turn. Raises what the journal raises."""
        if self._syncing is not None:
            self._waiting = executed
            return
        records = executed.batch.records
        if not records:
            self._on_durable(executed)
        elif not self._overlaps or executed.batch.count < OVERLAPPED_RECORDS_MIN:
            self._journal.append(records)
            self._on_durable(executed)
        else:
            self._journal.stage(records)
            self._syncing = executed
            self._sync = self._loop.run_in_executor(self._thread, self._journal.sync_staged)
            self._sync.add_done_callback(self._synced)

    async def settle(self) -> None:
        """Wait until all is durable, or has failed; what is added from now on is synced at once."""
        self._overlaps = False
        if self._sync is not None:
            await asyncio.wait([self._sync])

    def close(self) -> None:
        """Wait for the thread. What has not been told of by then never is."""
        self._has_failed = True
        self._thread.shutdown()

    def _synced(self, sync: asyncio.Future[None]) -> None:
        if self._has_failed:
            sync.exception()
            return
        durable, waiting = self._syncing, self._waiting
        assert durable is not None
        self._syncing = self._sync = self._waiting = None
        try:
            sync.result()
            self._journal.settle_staged()
            self._on_durable(durable)
            if waiting is not None:
                self.add(waiting)
            self._on_room()
        except Exception as error:  # noqa: BLE001 (whatever it is, nothing may go on)
            self.fail()
            self._on_failure(error)

    def fail(self) -> None:
        """Let nothing more be told as durable."""
        self._has_failed = True
