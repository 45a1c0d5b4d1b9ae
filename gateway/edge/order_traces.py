"""The way of traced orders through the gateway: out to the matching process, back, and reported.

Whether an order is traced shows with its record, since its sequence decides. Until then the times
of all that are on their way are kept.
"""

from __future__ import annotations

import time
from typing import NamedTuple
from zlib import crc32

import structlog

from matching.client import Refusal
from vocabulary.codec import Record
from vocabulary.commands import Command
from vocabulary.events import CommandRejected
from vocabulary.market_data import DepthChanged, Message, TradesPrinted, channel
from vocabulary.rejects import RejectReason
from vocabulary.tracing import Attributes, Passage, Tracing

NOTED_MAX = 20_000  # more than the link takes without an answer

log = structlog.get_logger("gateway")

_TOLD_AT_ONCE = (DepthChanged, TradesPrinted)


class Arrival:
    """A client's message: when it came, at which door, and what it sent of a trace of its own.

    A door that answers later than in the turn that brought the record sets `answers_later`, and
    calls `OrderTraces.answered`.
    """

    __slots__ = ("answers_later", "carrier", "door", "received_ns", "recorded")

    def __init__(
        self,
        door: str,
        received_ns: int,
        carrier: dict[str, str] | None = None,
        *,
        answers_later: bool = False,
    ) -> None:
        self.door = door
        self.received_ns = received_ns
        self.carrier = carrier or {}
        self.answers_later = answers_later
        self.recorded: _Recorded | None = None


class _Submitted(NamedTuple):
    arrival: Arrival
    submitted_ns: int


class _Recorded(NamedTuple):
    submitted: _Submitted
    record: Record
    recorded_ns: int


class OrderTraces:
    """Emits the gateway's passages. `arrival` is the message that is being handled, if any."""

    def __init__(self, tracing: Tracing) -> None:
        self.arrival: Arrival | None = None
        self._tracing = tracing
        self._submitted: dict[tuple[int, int], _Submitted] = {}
        self._recorded: list[_Recorded] = []

    def submitted(self, command: Command) -> None:
        """Take note of a command on its way, which the message that is being handled asks for."""
        if self.arrival is not None and len(self._submitted) < NOTED_MAX:
            key = command.session_id, command.session_number
            self._submitted[key] = _Submitted(self.arrival, time.time_ns())

    def refused(self, refusal: Refusal) -> None:
        """Forget a command that has no record."""
        self._submitted.pop((refusal.session_id, refusal.session_number), None)

    def repeated(self, records: list[Record]) -> None:
        """Forget commands that had been done before: their traces have been told."""
        for record in records:
            self._submitted.pop((record.session_id, record.session_number), None)

    def received(self, records: list[Record]) -> None:
        """Take the records in before they are reported."""
        if not self._submitted:
            return
        now_ns = time.time_ns()
        for record in records:
            submitted = self._submitted.pop((record.session_id, record.session_number), None)
            if submitted is not None and self._tracing.samples(record.sequence):
                recorded = _Recorded(submitted, record, now_ns)
                if submitted.arrival.answers_later:
                    submitted.arrival.recorded = recorded
                else:
                    self._recorded.append(recorded)

    def reported(self) -> None:
        """Emit the passages of the orders whose reports have been written."""
        if self._recorded:
            now_ns = time.time_ns()
            for recorded in self._recorded:
                self._emit(recorded, now_ns)
            self._recorded.clear()

    def answered(self, arrival: Arrival) -> None:
        """Emit the passages of an order whose door answers later, if it was traced."""
        if arrival.recorded is not None:
            self._emit(arrival.recorded, time.time_ns())

    def _emit(self, recorded: _Recorded, reported_ns: int) -> None:
        (arrival, submitted_ns), record, recorded_ns = recorded
        traced = [(record.sequence, record.timestamp_ns)]
        attributes = _attributes(arrival, record)
        log.debug(
            "order reported",
            sequence=record.sequence,
            timestamp_ns=record.timestamp_ns,
            seconds=(reported_ns - arrival.received_ns) / 1e9,
            **{name.removeprefix("agio."): value for name, value in attributes.items()},
        )
        emit = self._tracing.emit
        emit(
            Passage(
                "gateway.order",
                arrival.received_ns,
                reported_ns,
                traced,
                attributes,
                carrier=arrival.carrier,
            )
        )
        emit(Passage("gateway.submit", arrival.received_ns, submitted_ns, traced))
        emit(Passage("gateway.command", submitted_ns, recorded_ns, traced))
        emit(Passage("gateway.report", recorded_ns, reported_ns, traced))


class FeedTraces:
    """Emits the passages of the feed's messages that tell of a traced order, to one door's clients.

    A message that tells of several orders bears the sequence of the last, and is part of that one's
    trace only. What is gathered over time, tickers and candles, is part of none.
    """

    def __init__(self, tracing: Tracing, door: str) -> None:
        self._tracing = tracing
        self._door = door
        self._arrived: list[tuple[str, Message, int]] = []

    def received(self, kind: str, symbol: str, message: Message) -> None:
        """Take note of a message that has subscribers."""
        if isinstance(message, _TOLD_AT_ONCE) and self._tracing.samples(message.sequence):
            self._arrived.append((channel(kind, symbol), message, time.time_ns()))

    def written(self) -> None:
        """Emit the passages of what has been written to the subscribers."""
        if not self._arrived:
            return
        now_ns = time.time_ns()
        for name, message, received_ns in self._arrived:
            self._tracing.emit(
                Passage(
                    "gateway.feed",
                    received_ns,
                    now_ns,
                    [(message.sequence, message.timestamp_ns)],
                    {"agio.door": self._door, "agio.channel": name},
                    crc32(f"{self._door} {name}".encode()),
                )
            )
        self._arrived.clear()


def _attributes(arrival: Arrival, record: Record) -> Attributes:
    """Return what an operator looks for an order by."""
    command = record.command
    attributes: dict[str, str | int] = {
        "agio.door": arrival.door,
        "agio.command": type(command).__name__,
        "agio.account_id": getattr(command, "account_id", 0),
        "agio.client_order_id": getattr(command, "client_order_id", b"").decode(),
    }
    first = record.events[0] if record.events else None
    if isinstance(first, CommandRejected):
        attributes["agio.reject_reason"] = RejectReason(first.reason).name
    return attributes
