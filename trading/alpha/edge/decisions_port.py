"""The TCP server from which execution engines get the decisions.

A subscriber sends one frame (`trading.stream.frames`), the map `{"version": 1, "run": NAME}`. It
receives arrays of envelopes (`trading.decisions.Envelope`): first, in one array, all of the symbols
led here that nobody has taken over, then each as it is decided; and an empty array once a second. A
`Refusal` instead (`trading.stream.messages`) is the last frame. One that does not read is cut off;
it gets what it missed when it connects again.

History
-------
1   The first version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import structlog

from trading.decisions import Envelope
from trading.stream.edge.frame_server import FrameServer, ServedConnection
from trading.stream.frames import frame

VERSION = 1
WAITING_BYTES_MAX = 4 * 2**20
CONNECTIONS_MAX = 64

log = structlog.get_logger("alpha")

_encode = msgspec.msgpack.Encoder().encode


class DecisionsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The subscriber's frame."""

    version: int
    run: str


class Subscriber(ServedConnection):
    """An execution engine's connection."""

    def __init__(self, port: DecisionsPort) -> None:
        super().__init__(port)
        self._port = port

    def begin(self, payload: bytes) -> None:
        request = self.decode(payload, DecisionsRequest, VERSION)
        if request is None:
            return
        if request.run != self._port.run:
            self.refuse(f"run {request.run!r} is not {self._port.run!r}")
            return
        self.has_begun = True
        self.send(frame(_encode(self._port.untaken())))

    def send(self, framed: bytes) -> None:
        if self._transport.get_write_buffer_size() > WAITING_BYTES_MAX:
            log.warning("subscriber does not read", bytes=WAITING_BYTES_MAX)
            self.abort()
            return
        self._transport.write(framed)


class DecisionsPort(FrameServer[Subscriber]):
    """Serves the subscribers of a run; `untaken` returns what a new one gets first."""

    def __init__(self, run: str, untaken: Callable[[], Sequence[Envelope]]) -> None:
        super().__init__(log, CONNECTIONS_MAX)
        self.run = run
        self.untaken = untaken

    def connection(self) -> Subscriber:
        return Subscriber(self)

    @property
    def subscribers(self) -> list[Subscriber]:
        return [each for each in self.connections if each.has_begun]

    def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Send envelopes to all, in one write each."""
        framed = frame(_encode(envelopes))
        for subscriber in self.subscribers:
            subscriber.send(framed)
