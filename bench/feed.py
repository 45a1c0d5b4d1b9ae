"""The feed: trades published on a real Valkey, as frames on the sockets of 1, 100, 1,000 clients.

One process holds the gateway's feed and WebSocket door and has a core of its own. This one, with
Valkey on the other core, publishes what the market-data publisher does and counts what arrives. It
keeps a bounded number of trades on their way, so that nobody is cut off as too slow, and checks
that every client got every trade.
"""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import redis

from agio.embedded_valkey import EmbeddedValkey
from bench.feed_door import LISTED, SYMBOL
from bench.figures import Figure, figure, show
from marketdata.feed import Feed
from vocabulary.market_data import Heartbeat, Print, TradesPrinted, channel

RUNS = 5
RUN_S = 1.0
CLIENTS = (1, 100, 1_000)
DELAYS = 300
PRINTS_PER_MESSAGE = 10  # what gathers while the write before is on its way, at a busy time
BURST_MESSAGES = 10
BURST_TRADES = PRINTS_PER_MESSAGE * BURST_MESSAGES
BURSTS_IN_FLIGHT = 3
STALLED_S = 10.0
CHANNEL = channel("trades", SYMBOL)
MARK = b'"e":"trade"'  # stands once in each frame of the stream


class Publisher:
    """Publishes trades in the chain that the channel's snapshot began."""

    def __init__(self, redis_url: str) -> None:
        self._client = redis.Redis.from_url(redis_url)
        self._encode = msgspec.msgpack.Encoder().encode
        feed = Feed()
        feed.apply(LISTED)
        feed.begin()
        for key, data in feed.take_writes(0).snapshots:
            self._client.set(key, data)
        heartbeat = msgspec.msgpack.decode(feed.heartbeat(0), type=Heartbeat)
        self._sequence = heartbeat.marks[f"trades:{SYMBOL}"].sequence
        self._trade_id = 0

    def publish(self, messages: int, prints: int) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for _ in range(messages):
            pipeline.publish(CHANNEL, self._message(prints))
        pipeline.execute()

    def close(self) -> None:
        self._client.close()

    def _message(self, prints: int) -> bytes:
        now_ns = time.time_ns()
        tape = []
        for _ in range(prints):
            self._trade_id += 1
            order_id = 2 * self._trade_id
            price_ticks = 5_000_000 + self._trade_id % 50
            tape.append(
                Print(
                    self._trade_id,
                    now_ns,
                    price_ticks,
                    120,
                    120 * price_ticks,
                    self._trade_id % 2 == 0,
                    order_id,
                    order_id + 1,
                )
            )
        previous_sequence, self._sequence = self._sequence, self._sequence + 2 * prints
        return self._encode(TradesPrinted(self._sequence, previous_sequence, now_ns, tape))


class Clients:
    """Sockets that read the trade stream, and how many frames came in all."""

    def __init__(self, port: int, count: int) -> None:
        self.count = count
        self.received = 0
        self._selector = selectors.EpollSelector()
        self._tails: dict[socket.socket, bytes] = {}
        for _ in range(count):
            connection = _subscribe(port)
            self._tails[connection] = b""
            self._selector.register(connection, selectors.EVENT_READ)

    def receive(self) -> None:
        """Count what has come, and wait if nothing has."""
        ready = self._selector.select(STALLED_S)
        if not ready:
            raise RuntimeError(f"no frame for {STALLED_S:.0f} s after {self.received}")
        for key, _ in ready:
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            chunk = connection.recv(1 << 18)
            if not chunk:
                raise RuntimeError("the door cut a client off")
            data = self._tails[connection] + chunk
            self.received += data.count(MARK)
            self._tails[connection] = data[1 - len(MARK) :]

    def close(self) -> None:
        self._selector.close()
        for connection in self._tails:
            connection.close()


def measure() -> list[Figure]:
    cores = sorted(os.sched_getaffinity(0))
    pinning = f"door on core {cores[0]}; load and Valkey on core {cores[-1]}"
    figures: list[Figure] = []
    with _pinned_to(cores[-1]), _door(cores[0]) as (publisher, port):
        for count in CLIENTS:
            clients = Clients(port, count)
            rates: list[float] = []
            for run in range(RUNS):
                print(f"feed: {count} sockets, run {run + 1} of {RUNS}", file=sys.stderr)
                rates.append(_rate(publisher, clients))
            figures.append(
                figure(
                    f"feed to {count:,} socket{'s' if count > 1 else ''}",
                    "messages/s",
                    rates,
                    pinning=pinning,
                )
            )
            if count == 1:
                delays = [_delay_us(publisher, clients) for _ in range(RUNS)]
                name = "feed delay, Redis to socket, one trade at a time, p50"
                figures.append(figure(name, "us", delays, pinning=pinning))
            clients.close()
    return figures


def _rate(publisher: Publisher, clients: Clients) -> float:
    """Return the frames a second that all clients together got."""
    began_s = time.perf_counter()
    before = clients.received
    published = 0
    while time.perf_counter() - began_s < RUN_S:
        if published * clients.count - (clients.received - before) < (
            BURSTS_IN_FLIGHT * BURST_TRADES * clients.count
        ):
            publisher.publish(BURST_MESSAGES, PRINTS_PER_MESSAGE)
            published += BURST_TRADES
        else:
            clients.receive()
    while clients.received - before < published * clients.count:
        clients.receive()
    assert clients.received - before == published * clients.count, "every client got every trade"
    return (clients.received - before) / (time.perf_counter() - began_s)


def _delay_us(publisher: Publisher, clients: Clients) -> float:
    """Return the median time from publishing a trade to its frame."""
    delays = []
    for _ in range(DELAYS):
        before = clients.received
        began_s = time.perf_counter()
        publisher.publish(1, 1)
        while clients.received == before:
            clients.receive()
        delays.append(time.perf_counter() - began_s)
    return sorted(delays)[DELAYS // 2] * 1e6


def _subscribe(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(
        f"GET /ws/{SYMBOL.lower()}@trade HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        chunk = connection.recv(4096)
        if not chunk:
            raise RuntimeError(f"the door hung up: {answer!r}")
        answer += chunk
    if not answer.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(f"the door did not upgrade: {answer!r}")
    return connection


@contextmanager
def _pinned_to(core: int) -> Iterator[None]:
    """Pin this process, and those it starts meanwhile, to a core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _door(core: int) -> Iterator[tuple[Publisher, int]]:
    """Run Valkey and the door; yield who publishes and the door's port."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        valkey = stack.enter_context(EmbeddedValkey(Path(directory) / "valkey.log", "bench"))
        publisher = Publisher(valkey.url())
        stack.callback(publisher.close)
        command = [sys.executable, "-m", "bench.feed_door", valkey.url(), str(core)]
        door = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(door.terminate)
        assert door.stdout is not None
        yield publisher, int(door.stdout.readline())


if __name__ == "__main__":
    show(measure())
