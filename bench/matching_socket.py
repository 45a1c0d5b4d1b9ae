"""One command in flight over a unix socket, beside a uvloop echo of the same bytes on another one.

Each server is a process. The client sends, waits for the whole answer, and sends again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple, cast

import uvloop

from bench.fix_venue import process
from matching.link import (
    FROM_SERVER,
    VERSION,
    FrameDecoder,
    FrameKind,
    Hello,
    pack_commands,
    pack_hello,
)
from vocabulary.codec import pack
from vocabulary.commands import EnterOrder
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

ORDERS = 4_000
WARMUP = 400
SESSION = 7


class Times(NamedTuple):
    """Of each round trip, in microseconds."""

    commands_us: list[float]
    echoes_us: list[float]


class Pinger(asyncio.Protocol):
    """Sends one message after the other; `is_answer` says whether bytes complete the answer."""

    def __init__(self, messages: list[bytes], is_answer: Callable[[bytes], bool]) -> None:
        self.times_us: list[float] = []
        self.done = asyncio.get_running_loop().create_future()
        self._messages = iter(messages)
        self._is_answer = is_answer
        self._sent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._is_answer(data):
            self.times_us.append((time.perf_counter_ns() - self._sent) / 1000)
            self._send()

    def _send(self) -> None:
        message = next(self._messages, None)
        if message is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._sent = time.perf_counter_ns()
        self._transport.write(message)


def one_in_flight(directory: Path, cores: AbstractSet[int]) -> Times:
    """Return how long commands and echoes take, everything on some cores."""
    directory.mkdir()
    orders = [pack_commands([order(number)]) for number in range(1, ORDERS + 1)]
    address, echo = directory / "matching.sock", directory / "echo.sock"
    venue = {"directory": directory, "address": f"unix://{address}", "mode": "os"}
    with process("matching", cores, **venue, trace_rate=0.0, otlp_url=""):
        decoder = FrameDecoder(FROM_SERVER)
        hello = pack_hello(Hello(VERSION, None, "bench"))
        commands = uvloop.run(ping(address, [hello, *orders], lambda data: answers(decoder, data)))
    with process("unix_echo", cores, path=echo):
        echoes = uvloop.run(ping(echo, orders, lambda data: len(data) == len(orders[0])))
    return Times(commands[WARMUP:], echoes[WARMUP:])


def answers(decoder: FrameDecoder, data: bytes) -> bool:
    kinds = [kind for kind, _ in decoder.receive_data(data)]
    if FrameKind.REFUSED in kinds or FrameKind.ERROR in kinds:
        raise SystemExit("matching refused a command of the benchmark")
    return bool(kinds)


async def ping(
    path: Path, messages: list[bytes], is_answer: Callable[[bytes], bool]
) -> list[float]:
    loop = asyncio.get_running_loop()
    _, pinger = await loop.create_unix_connection(lambda: Pinger(messages, is_answer), str(path))
    await pinger.done
    return pinger.times_us


def order(number: int) -> bytes:
    """Return an order that rests."""
    return pack(
        EnterOrder(
            SESSION,
            number,
            1,
            1,
            Side.BUY,
            OrderType.LIMIT,
            TimeInForce.GOOD_TILL_CANCEL,
            OrderFlags.NONE,
            1_000 + number % 100,
            1,
            b"%d" % number,
        )
    )
