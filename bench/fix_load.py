"""A light FIX load client: messages made beforehand, answers counted by scanning, no parsing.

Run as a program it loads one venue and prints what it measured as JSON.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

ACCEPTED = b"\x01150=0\x01"  # ExecType(150) New
TRADED = b"\x01150=F\x01"
BUYS, CROSSING = b"1", b"12"  # Side(54) of the orders in turn
LOGGED_ON = b"\x0135=A\x01"
SESSIONS_TIMEOUT_S = 60.0


class Session:
    """One connection with its orders, all at one price.

    Buys rest, each answered by one report. Crossing ones trade two by two: each has two reports.
    """

    def __init__(
        self, port: int, number: int, orders: int, sides: bytes = BUYS, key: bytes = b"load"
    ) -> None:
        self.comp_id = b"LOAD%d" % number
        self.orders = orders
        self.sent = 0
        self.answered = 0
        self._sides = sides
        self._trades_to_come = orders if sides == CROSSING else 0
        self._tail = b""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(SESSIONS_TIMEOUT_S)
        logon = b"98=0\x01108=60\x01553=%b\x01554=%b\x01" % (key, key)
        self.socket.sendall(self._message(b"A", 1, logon))
        answer = self.socket.recv(4096)
        if LOGGED_ON not in answer:
            raise SystemExit(f"logon refused: {answer!r}")
        self._offsets = [0]
        made = bytearray()
        for order in range(orders):
            made += self.order(order)
            self._offsets.append(len(made))
        self._made = memoryview(bytes(made))

    def order(self, order: int) -> bytes:
        body = (
            b"11=%b-%d\x0155=BTCUSDT\x0154=%c\x0160=%b\x0138=0.001\x0140=2\x0144=10000\x0159=1\x01"
        )
        side = self._sides[order % len(self._sides)]
        return self._message(b"D", order + 2, body % (self.comp_id, order, side, _now()))

    def send(self, count: int) -> None:
        """Send the next orders in one piece."""
        stop = min(self.sent + count, self.orders)
        self.socket.sendall(self._made[self._offsets[self.sent] : self._offsets[stop]])
        self.sent = stop

    def receive(self) -> int:
        """Return how many orders the next bytes accept; note how many trades they report."""
        data = self.socket.recv(65_536)
        if not data:
            raise SystemExit("the venue closed a session")
        scanned = self._tail + data
        # A pattern cut in two by the end of these bytes is found with the next ones.
        self._tail = scanned[1 - len(ACCEPTED) :]
        count = scanned.count(ACCEPTED)
        self.answered += count
        if self._trades_to_come:
            self._trades_to_come -= scanned.count(TRADED)
        return count

    def is_done(self) -> bool:
        return self.answered == self.orders and not self._trades_to_come

    def beat(self) -> None:
        """Send the next Heartbeat(0) of a session that sends nothing else."""
        self.sent += 1
        self.socket.sendall(self._message(b"0", self.sent + 1, b""))

    def _message(self, msg_type: bytes, number: int, body: bytes) -> bytes:
        body = b"35=%b\x0149=%b\x0156=AGIO\x0134=%d\x0152=%b\x01%b" % (
            msg_type,
            self.comp_id,
            number,
            _now(),
            body,
        )
        message = b"8=FIX.4.4\x019=%d\x01%b" % (len(body), body)
        return message + b"10=%03d\x01" % (sum(message) % 256)


def _now() -> bytes:
    return datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3].encode()


def throughput(
    port: int,
    sessions: int,
    orders: int,
    window: int,
    *,
    first: int = 0,
    crossing: bool = False,
    more_ports: Sequence[int] = (),
) -> float:
    """Return the orders a second that `sessions` sessions get answered, `window` in flight each.

    They are dealt out to `port` and `more_ports`, one after the other.
    """
    sides = CROSSING if crossing else BUYS
    ports = [port, *more_ports]
    loaded = [
        Session(ports[number % len(ports)], number, orders // sessions, sides)
        for number in range(first, first + sessions)
    ]
    selector = selectors.DefaultSelector()
    for session in loaded:
        selector.register(session.socket, selectors.EVENT_READ, session)
    started = time.perf_counter()
    for session in loaded:
        session.send(window)
    running = len(loaded)
    while running:
        for session in _readable(selector):
            answers = session.receive()
            if answers:
                session.send(answers)
            if session.is_done():
                selector.unregister(session.socket)
                running -= 1
    return sum(session.orders for session in loaded) / (time.perf_counter() - started)


def _readable(selector: selectors.BaseSelector) -> Iterator[Session]:
    ready = selector.select(SESSIONS_TIMEOUT_S)
    if not ready:
        raise SystemExit("the venue does not answer any more")
    for key, _ in ready:
        yield key.data


def round_trips(port: int, orders: int) -> list[float]:
    """Return the microseconds from each order to its report, one in flight, after a warm-up."""
    session = Session(port, 0, orders + orders // 10)
    times_us: list[float] = []
    for _ in range(session.orders):
        started = time.perf_counter_ns()
        session.send(1)
        while not session.receive():
            pass
        times_us.append((time.perf_counter_ns() - started) / 1000)
    return times_us[orders // 10 :]


def echo_round_trips(port: int, orders: int) -> list[float]:
    """Return the same of a bare TCP echo of an order's bytes."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    order = b"x" * 150
    times_us: list[float] = []
    for _ in range(orders + orders // 10):
        started = time.perf_counter_ns()
        connection.sendall(order)
        missing = len(order)
        while missing:
            missing -= len(connection.recv(65_536))
        times_us.append((time.perf_counter_ns() - started) / 1000)
    return times_us[orders // 10 :]


def main() -> None:
    job = json.loads(sys.argv[1])
    os.sched_setaffinity(0, job.pop("cores"))
    measure: dict[str, Callable[..., object]] = {
        "throughput": throughput,
        "latency": round_trips,
        "echo": echo_round_trips,
    }
    print(json.dumps(measure[job.pop("measure")](**job)))


if __name__ == "__main__":
    main()
