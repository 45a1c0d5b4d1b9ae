"""A reader of the event stream as a process of its own, to be killed at any moment."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from multiprocessing.process import BaseProcess

import uvloop

from marketdata.edge.archive import ArchiveService
from marketdata.edge.store_reader import StoreReader
from marketdata.edge.trade_history import TradeHistoryService

# Forked from a process that has the libraries already: a start takes milliseconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__, "objects.directory", "objects.s3"])


def start_trade_history(matching_address: str, url: str) -> BaseProcess:
    return _start("trade-history", matching_address, url)


def start_archive(matching_address: str, url: str) -> BaseProcess:
    return _start("archive", matching_address, url)


def _start(kind: str, matching_address: str, url: str) -> BaseProcess:
    process = _processes.Process(
        target=_serve, args=(dict(os.environ), kind, matching_address, url)
    )
    process.start()
    return process


def _serve(environment: dict[str, str], kind: str, matching_address: str, url: str) -> None:
    os.environ.update(environment)
    uvloop.run(_serve_until_killed(kind, matching_address, url))


async def _serve_until_killed(kind: str, matching_address: str, url: str) -> None:
    service: StoreReader
    if kind == "archive":
        service = ArchiveService(
            matching_address=matching_address, store_url=url, flush_seconds=0.05, flush_events=60
        )
    else:
        service = TradeHistoryService(
            matching_address=matching_address, history_url=url, ttl_days=0
        )
    await service.start()
    await asyncio.Event().wait()
