"""The data feeds handler: depth updates from a WebSocket in, events on a TCP socket out.

`agio feeds` runs as it does for a user, with a Valkey for its queue, on a core of its own. This
process, on the other core, plays the venue (one stream of frames made beforehand, and the two
answers that the handler asks for) and the strategy. It checks that every update came out.
"""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

import msgspec
from aiohttp import web
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from agio.child_process import free_port
from agio.embedded_valkey import EmbeddedValkey
from bench.figures import Figure, figure, show
from gateway.json_api.exchange_info import exchange_info
from trading.events import VERSION, AnyEvent, BookReset
from trading.feeds.handler import FeedHandler, Input, InputKind
from vocabulary.instrument import Asset, build_instrument, listing_terms
from vocabulary.types import TradingPhase

RUNS = 5
UPDATES = 20_000
CHUNK = 100
DELAYS = 300
PATIENCE_S = 30.0
SNAPSHOT = b'{"lastUpdateId":0,"bids":[],"asks":[]}'


def exchange_info_bytes() -> bytes:
    base, quote = Asset(1, "BTC", 8), Asset(2, "USDT", 8)
    terms = listing_terms(base, quote, "0.01", "0.00001")
    instrument = build_instrument(
        1,
        "BTCUSDT",
        base,
        quote,
        terms,
        maker_fee_ppm=0,
        taker_fee_ppm=0,
    )
    listed = exchange_info([(instrument, TradingPhase.TRADING)], time.time_ns(), 1_000)
    return msgspec.json.encode(listed)


def update(number: int) -> bytes:
    """Return an update of two levels, as our venue sends it, on the combined stream."""
    return (
        b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":%d,"s":"BTCUSDT","U":%d,'
        b'"u":%d,"pu":%d,"b":[["%d.%02d","0.%05d"]],"a":[["%d.%02d","0.%05d"]]}}'
        % (
            time.time_ns() // 1_000_000,
            number,
            number,
            number - 1,
            64_990 + number % 10,
            number % 100,
            number % 5 * 1_000,
            65_000 + number % 10,
            number % 100,
            (number + 2) % 5 * 1_000,
        )
    )


class Venue(asyncio.Protocol):
    """The WebSocket connection of the handler, which gets ready frames."""

    def __init__(self, opened: asyncio.Future[Venue]) -> None:
        self.transport: asyncio.Transport
        self._protocol = ServerProtocol()
        self._opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
                self._opened.set_result(self)
        for out in self._protocol.data_to_send():
            self.transport.write(out)


class Strategy:
    """Reads events as they come."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer  # dropped, it would close the connection
        self._decoder = msgspec.msgpack.Decoder(list[AnyEvent])

    async def until_book(self) -> None:
        while not isinstance(await self._last_of_frame(), BookReset):
            pass

    async def until(self, source_sequence: int) -> None:
        """Read up to the frame whose last event has this number of the source."""
        while (await self._last_of_frame()).source_sequence < source_sequence:
            pass

    async def _last_of_frame(self) -> AnyEvent:
        async with asyncio.timeout(PATIENCE_S):
            (length,) = struct.unpack("<I", await self._reader.readexactly(4))
            payload = await self._reader.readexactly(length)
        return self._decoder.decode(payload)[-1]


def measure() -> list[Figure]:
    return [_in_process(), *asyncio.run(_through_sockets())]


def _in_process() -> Figure:
    """Measure the handler alone: bytes to events, nothing sent."""
    rates = []
    for run in range(RUNS):
        print(f"trading_feeds: in process, run {run + 1} of {RUNS}", file=sys.stderr)
        handler = FeedHandler(["BTCUSDT"], 0)
        now_ns = time.time_ns()
        handler.receive(
            [
                Input(InputKind.CONNECTED, 0, now_ns),
                Input(InputKind.EXCHANGE_INFO, 0, now_ns, "", exchange_info_bytes()),
                Input(InputKind.DEPTH, 0, now_ns, "BTCUSDT", SNAPSHOT),
            ]
        )
        handler.take_events()
        inputs = [
            Input(InputKind.STREAM, 0, now_ns, "", update(number))
            for number in range(1, UPDATES + 1)
        ]
        began_s = time.perf_counter()
        handler.receive(inputs)
        rates.append(UPDATES / (time.perf_counter() - began_s))
        assert len(handler.take_events()) == UPDATES
    return figure("feeds handler, bytes to events, in process", "messages/s", rates)


async def _through_sockets() -> list[Figure]:
    cores = sorted(os.sched_getaffinity(0))
    pinning = f"handler on core {cores[0]}; venue, strategy and Valkey on core {cores[-1]}"
    os.sched_setaffinity(0, {cores[-1]})
    try:
        with _handler_process(cores[0]) as (websocket_port, rest_port, port):
            venue, strategy = await _connect(websocket_port, rest_port, port)
            rates, delays, last = [], [], 0
            for run in range(RUNS):
                print(f"trading_feeds: sockets, run {run + 1} of {RUNS}", file=sys.stderr)
                rates.append(await _rate(venue, strategy, last))
                last += UPDATES
                delays.append(await _delay_us(venue, strategy, last))
                last += DELAYS
    finally:
        os.sched_setaffinity(0, cores)
    return [
        figure("feeds handler, WebSocket to TCP", "messages/s", rates, pinning=pinning),
        figure("feeds handler, one update in to frame out, p50", "us", delays, pinning=pinning),
    ]


async def _rate(venue: Venue, strategy: Strategy, last: int) -> float:
    """Return the updates a second that came out at the other end, sent as fast as they're taken."""
    frames = [_frame(last + number) for number in range(1, UPDATES + 1)]
    chunks = [b"".join(frames[start : start + CHUNK]) for start in range(0, UPDATES, CHUNK)]
    began_s = time.perf_counter()
    for chunk in chunks:
        venue.transport.write(chunk)
    await strategy.until(last + UPDATES)
    return UPDATES / (time.perf_counter() - began_s)


async def _delay_us(venue: Venue, strategy: Strategy, last: int) -> float:
    """Return the median time from an update's bytes to its event's, both sockets included."""
    delays = []
    for number in range(last + 1, last + DELAYS + 1):
        frame = _frame(number)
        began_s = time.perf_counter()
        venue.transport.write(frame)
        await strategy.until(number)
        delays.append(time.perf_counter() - began_s)
    return sorted(delays)[DELAYS // 2] * 1e6


def _frame(number: int) -> bytes:
    return Frame(Opcode.TEXT, update(number)).serialize(mask=False)


async def _connect(websocket_port: int, rest_port: int, port: int) -> tuple[Venue, Strategy]:
    """Open the venue's doors, wait for the handler, and subscribe to it."""
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[Venue] = loop.create_future()

    async def answer(request: web.Request) -> web.Response:
        is_depth = request.path.endswith("depth")
        return web.Response(body=SNAPSHOT if is_depth else exchange_info_bytes())

    rest = web.Application()
    rest.router.add_get("/api/v3/{question}", answer)
    runner = web.AppRunner(rest)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", rest_port).start()
    await loop.create_server(lambda: Venue(opened), "127.0.0.1", websocket_port)
    async with asyncio.timeout(PATIENCE_S):
        venue = await opened
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    request = msgspec.msgpack.encode({"version": VERSION, "from": 1})
    writer.write(struct.pack("<I", len(request)) + request)
    strategy = Strategy(reader, writer)
    await strategy.until_book()
    return venue, strategy


@contextmanager
def _handler_process(core: int) -> Iterator[tuple[int, int, int]]:
    """Run Valkey and `agio feeds`; yield the ports of the venue's two doors and of the handler."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        valkey = stack.enter_context(EmbeddedValkey(directory / "valkey.log", "bench"))
        websocket_port, rest_port, port = free_port(), free_port(), free_port()
        environment = os.environ | {
            "AGIO_REDIS_URL": valkey.url(),
            "AGIO_REST_PORT": str(rest_port),
            "AGIO_FEEDS_PORT": str(port),
            "AGIO_FEEDS_METRICS_PORT": str(free_port()),
            "AGIO_LOG_DIRECTORY": str(directory),
        }
        command = [sys.executable, "-m", "agio", "feeds", "--data", str(directory)]
        source = f"ws://127.0.0.1:{websocket_port}"
        command += ["--source", source, "--symbol", "BTCUSDT"]
        process = stack.enter_context(subprocess.Popen(command, env=environment))
        stack.callback(process.terminate)
        os.sched_setaffinity(process.pid, {core})
        yield websocket_port, rest_port, port


if __name__ == "__main__":
    show(measure())
