"""The publisher of market data, and a feed, as processes of their own, to be killed."""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.process import BaseProcess

import uvloop

from gateway.edge.feed_service import FeedService
from marketdata.edge.publisher import MarketDataPublisher

# Forked from a process that has the libraries already: a start takes milliseconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def start_publisher(matching_address: str, redis_url: str) -> BaseProcess:
    return _start(matching_address, redis_url, 0)


def start_feed(matching_address: str, redis_url: str, port: int) -> BaseProcess:
    return _start(matching_address, redis_url, port)


def _start(matching_address: str, redis_url: str, port: int) -> BaseProcess:
    process = _processes.Process(
        target=_serve, args=(matching_address, redis_url, port), daemon=True
    )
    process.start()
    return process


def _serve(matching_address: str, redis_url: str, port: int) -> None:
    uvloop.run(_serve_until_killed(matching_address, redis_url, port))


async def _serve_until_killed(matching_address: str, redis_url: str, port: int) -> None:
    service: FeedService | MarketDataPublisher
    if port:
        service = FeedService(
            matching_address=matching_address, redis_url=redis_url, host="127.0.0.1", port=port
        )
    else:
        service = MarketDataPublisher(matching_address=matching_address, redis_url=redis_url)
    await service.start()
    await asyncio.Event().wait()
