"""The TCP server to which execution engines hand the firm's own events.

A reporter sends frames: a `ReportRequest`, then arrays of own events. Each array is answered, in
order, once all of it that is new stands in the stream (`trading.stream.messages`). What was sent
and not answered is to be sent again: what stands in the stream already is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import count

import msgspec
import structlog

from trading import events as stream_events
from trading.feeds.edge.sources import Receive
from trading.feeds.handler import Input, InputKind
from trading.feeds.own_feed import OwnAnswer
from trading.stream.edge.frame_server import FrameServer, ServedConnection
from trading.stream.frames import frame
from trading.stream.messages import Answer, Refusal, ReportRequest

PAYLOAD_BYTES_MAX = 4 * 2**20
REPORTERS_MAX = 64

log = structlog.get_logger("feeds")


class Reporter(ServedConnection):
    """An execution engine's connection, by a number of its own."""

    payload_bytes_max = PAYLOAD_BYTES_MAX

    def __init__(self, server: ReportsServer, number: int) -> None:
        super().__init__(server)
        self.number = number
        self._reports = server

    def begin(self, payload: bytes) -> None:
        request = self.decode(payload, ReportRequest, stream_events.VERSION)
        self.has_begun = request is not None

    def take(self, payloads: list[bytes]) -> None:
        self._reports.take(self.number, payloads)

    def pause_writing(self) -> None:
        self._transport.pause_reading()  # who does not read answers gets no more of them

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def send(self, message: Answer | Refusal) -> None:
        if isinstance(message, Refusal):
            self.refuse(message.error, message.code)
        else:
            self._transport.write(frame(msgspec.msgpack.encode(message)))


class ReportsServer(FrameServer[Reporter]):
    """Serves reporters: `receive` gets what they bring, `answer` tells them what became of it."""

    def __init__(self, receive: Receive) -> None:
        super().__init__(log, REPORTERS_MAX)
        self._receive = receive
        self._numbers = count(1)

    def connection(self) -> Reporter:
        return Reporter(self, next(self._numbers))

    @property
    def reporter_count(self) -> int:
        return len(self.connections)

    def take(self, number: int, payloads: Iterable[bytes]) -> None:
        now_ns = time.time_ns()
        self._receive([Input(InputKind.OWN, number, now_ns, "", each) for each in payloads])

    def answer(self, answers: Iterable[OwnAnswer]) -> None:
        reporters = {reporter.number: reporter for reporter in self.connections}
        for source, message in answers:
            if source in reporters:  # else it has gone, and will ask again
                reporters[source].send(message)
