"""Tasks that run as long as the gateway does.

One that an error has ended would not be missed: nothing fails, but countdowns are carried out no
more, say. So the process ends with it, and the next one reads every record again.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from functools import partial
from typing import Any, NoReturn

import structlog

log = structlog.get_logger("gateway")


def end_process() -> NoReturn:
    """Stop at once: the next process reads every record again, and misses nothing."""
    sys.stderr.flush()
    os._exit(os.EX_SOFTWARE)


def start(work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
    """Return a task that is to run until it is cancelled; `what` it does is for the log."""
    task = asyncio.create_task(work)
    task.add_done_callback(partial(_end_with, what))
    return task


async def stop(task: asyncio.Task[None] | None) -> None:
    """Cancel a task, if it was started, and wait for its end."""
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _end_with(what: str, task: asyncio.Task[None]) -> None:
    if task.cancelled() or task.cancelling():
        return
    if (error := task.exception()) is not None:
        log.critical("a task failed, the process ends", task=what, exc_info=error)
        end_process()
