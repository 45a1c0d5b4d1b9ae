"""The historical store's service as a process of its own, to be killed at any moment."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from multiprocessing.process import BaseProcess

import uvloop

from trading.history.edge.service import HistoryService

# Forked from a process that has the libraries already: a start takes milliseconds.
_processes = multiprocessing.get_context("forkserver")
_edge = "trading.history.edge"
_processes.set_forkserver_preload(
    [__name__, f"{_edge}.redis_queue", "objects.directory", "objects.s3"]
)


def start_history(queue_url: str, store_url: str, flush_events: int) -> BaseProcess:
    process = _processes.Process(
        target=_serve, args=(dict(os.environ), queue_url, store_url, flush_events)
    )
    process.start()
    return process


def _serve(environment: dict[str, str], queue_url: str, store_url: str, flush_events: int) -> None:
    os.environ.update(environment)
    uvloop.run(_serve_until_killed(queue_url, store_url, flush_events))


async def _serve_until_killed(queue_url: str, store_url: str, flush_events: int) -> None:
    service = HistoryService(
        queue_url=queue_url, store_url=store_url, flush_seconds=0.1, flush_events=flush_events
    )
    await service.start()
    await asyncio.Event().wait()
