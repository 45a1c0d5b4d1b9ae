"""The way of traced orders out of a service: to a process of its own that exports them.

What the service pays for a traced order is to note its times and to pack them, microseconds. It
never waits: what the exporter does not take in time is dropped, and counted.
"""

import asyncio
import socket
import subprocess
import sys
import time
from contextlib import suppress

import msgspec
import structlog
from prometheus_client import Counter

from vocabulary.tracing import Passage

FLUSH_SECONDS = 0.1
PASSAGES_AT_ONCE = 500
SEND_BUFFER_BYTES = 1 << 20
RESTART_SECONDS = 30.0

PASSAGES = Counter("agio_tracing_passages", "Passages of traced orders handed to the exporter")
DROPPED = Counter("agio_tracing_dropped_passages", "Passages that the exporter did not take")

log = structlog.get_logger("agio")

_encode = msgspec.msgpack.Encoder().encode


class SpanOutlet:
    """Gathers passages and sends them to the exporter, which it starts, and again if it ended.

    The exporter ends when our end of the socket is closed, as it is however this process ends; it
    exports what it has before.
    """

    def __init__(self, service: str, otlp_url: str) -> None:
        self._arguments = (service, otlp_url)
        self._gathered: list[Passage] = []
        self._rest = b""  # of a frame of which the socket took a part
        self._socket: socket.socket | None = None
        self._started_s = 0.0
        self._start()

    def emit(self, passage: Passage) -> None:
        """Take a passage; it leaves soon. Never blocks."""
        if not self._gathered:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._gathered.append(passage)
        if len(self._gathered) >= PASSAGES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Hand over what has gathered, or drop it."""
        passages = self._gathered
        if not passages:
            return
        data = _encode(passages)
        if self._send(len(data).to_bytes(4) + data):
            PASSAGES.inc(len(passages))
        else:
            DROPPED.inc(len(passages))
        passages.clear()

    def close(self) -> None:
        """Hand over what has gathered; the exporter ends by itself."""
        self.flush()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, frame: bytes) -> bool:
        """Return whether the frame will arrive, whole, if the exporter lives."""
        if self._socket is None and time.monotonic() - self._started_s >= RESTART_SECONDS:
            self._start()
        if self._socket is None:
            return False
        try:
            if self._rest:
                self._rest = self._rest[self._socket.send(self._rest) :]
            if not self._rest:
                self._rest = frame[self._socket.send(frame) :]
                return True
        except BlockingIOError:
            return False
        except OSError as error:
            log.warning("the span exporter ended", error=str(error), retry_in_s=RESTART_SECONDS)
            self._socket.close()
            self._socket = None
        return False

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        with theirs:
            self.exporter = subprocess.Popen(  # noqa: S603 (nothing of it comes from outside)
                [sys.executable, "-m", "agio.span_exporter", *self._arguments],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._socket, self._rest, self._started_s = ours, b"", time.monotonic()


_outlets: list[SpanOutlet] = []


def open_outlet(service: str, otlp_url: str) -> SpanOutlet:
    """Return a service's outlet, which `close_outlets` closes."""
    outlet = SpanOutlet(service, otlp_url)
    _outlets.append(outlet)
    return outlet


def close_outlets() -> None:
    """Hand over what has gathered, at the end of the process."""
    while _outlets:
        with suppress(OSError):
            _outlets.pop().close()
