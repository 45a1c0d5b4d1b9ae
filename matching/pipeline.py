"""A batch of commands on its way: sequenced, applied, made into records.

    batch = pipeline.execute(submissions, now_ns)
    journal.append(batch.records)      # whatever goes wrong here stops the process
    ...publish and answer `batch`...   # nothing of it may leave before

The engine is ahead of the journal between the two lines, and nobody sees it. The journal, not
memory, is the truth: after a failure the process stops and a restart replays what was durable.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from matching.admission import Admission
from matching.link import Refusal, RefusalCode
from matching.sequencer import CommandRefused, Sequencer, check_command
from vocabulary.codec import (
    HEADER,
    LAYOUTS,
    RECORD_BYTES_MAX,
    CodecError,
    pack,
    pack_record,
    unpack_command,
)
from vocabulary.commands import ChangePhase, ExpireOrders
from vocabulary.types import CLOCK_SESSION_ID, STEPS_PER_COMMAND_MAX

CHANGE_PHASE = LAYOUTS[ChangePhase].kind

Sender = TypeVar("Sender", bound=Hashable)


class Engine(Protocol):
    """What the pipeline needs of `matching.core.engine.Engine`."""

    @property
    def next_expiry_ns(self) -> int: ...

    def apply(self, command: bytes, sequence: int, timestamp_ns: int) -> bytes: ...


class EngineFailedError(Exception):
    """The engine raised, so its state is unknown: the process must stop, not guess.

    It carries the session and number of the command, which never comes into the journal.
    """

    def __init__(self, session_id: int, session_number: int, text: str) -> None:
        super().__init__(text)
        self.session_id = session_id
        self.session_number = session_number


@dataclass(slots=True)
class Batch(Generic[Sender]):
    """What came of a batch.

    `records` are new, in order. `own` says whose they are: sender, and from which index to which
    in `records`. `repeats` are senders of resent commands with the sequence of the original
    record, which may be one of these. `refusals` and `faults` name senders of commands that were
    not executed; behind a fault a sender's further bytes mean nothing.
    """

    records: list[bytes] = field(default_factory=list)
    own: list[tuple[Sender, int, int]] = field(default_factory=list)
    repeats: list[tuple[Sender, int]] = field(default_factory=list)
    refusals: list[tuple[Sender, Refusal]] = field(default_factory=list)
    faults: list[tuple[Sender, CodecError]] = field(default_factory=list)


class Pipeline(Generic[Sender]):
    """Takes commands through sequencer and engine, where `admission` does not refuse them."""

    def __init__(
        self,
        engine: Engine,
        sequencer: Sequencer,
        failed: frozenset[tuple[int, int]] = frozenset(),
    ) -> None:
        self._engine = engine
        self._sequencer = sequencer
        self.admission = Admission(failed)

    def execute(self, submissions: Iterable[tuple[Sender, bytes]], now_ns: int) -> Batch[Sender]:
        """Execute packed commands of many senders in the order given.

        Where an order's time in force is over, the clock's own commands stand before them all;
        where a change of phase leaves an auction that is not through, right behind that.
        Raises `EngineFailedError`, after which neither batch nor pipeline is of any use.
        """
        batch: Batch[Sender] = Batch()
        timestamp_ns = self._sequencer.timestamp(now_ns)
        timestamp_ns = self._run_clock(batch, timestamp_ns)
        for sender, commands in submissions:
            first = len(batch.records)
            at = 0
            while at < len(commands):
                try:
                    session_id, number, end = check_command(commands, at)
                    executed = self._sequencer.find(session_id, number)
                except CommandRefused as refused:
                    batch.refusals.append((sender, refused.refusal))
                    at = refused.end
                    continue
                except KeyError:
                    batch.refusals.append((sender, _forgotten(session_id, number)))
                    at = end
                    continue
                except CodecError as fault:
                    batch.faults.append((sender, fault))
                    break
                if executed is not None:
                    batch.repeats.append((sender, executed))
                elif refusal := self.admission.refusal(_kind(commands, at), session_id, number):
                    batch.refusals.append((sender, refusal))
                else:
                    sequence = self._sequencer.take(session_id, number)
                    batch.records.append(self._apply(commands[at:end], sequence, timestamp_ns))
                    if _kind(commands, at) == CHANGE_PHASE:  # an auction may not be through
                        batch.own.append((sender, first, len(batch.records)))
                        timestamp_ns = self._run_clock(batch, timestamp_ns)
                        first = len(batch.records)
                at = end
            if len(batch.records) > first:
                batch.own.append((sender, first, len(batch.records)))
        return batch

    def _run_clock(self, batch: Batch[Sender], timestamp_ns: int) -> int:
        """Execute the clock's own command as long as one is due; return the time at which it is."""
        while 0 < self._engine.next_expiry_ns <= timestamp_ns and self.admission.takes_clock:
            # Its numbers are its times, and rise.
            number = self._sequencer.last_number(CLOCK_SESSION_ID) + 1
            timestamp_ns = self._sequencer.timestamp(max(timestamp_ns, number))
            sequence = self._sequencer.take(CLOCK_SESSION_ID, timestamp_ns)
            expire = pack(ExpireOrders(CLOCK_SESSION_ID, timestamp_ns, STEPS_PER_COMMAND_MAX))
            batch.records.append(self._apply(expire, sequence, timestamp_ns))
        return timestamp_ns

    def _apply(self, command: bytes, sequence: int, timestamp_ns: int) -> bytes:
        try:
            events = self._engine.apply(command, sequence, timestamp_ns)
        except Exception as error:
            what = f"{type(error).__name__} at sequence {sequence}"
            raise _engine_failed(command, what) from error
        record = pack_record(sequence, timestamp_ns, command, events)
        if len(record) > RECORD_BYTES_MAX:
            raise _engine_failed(command, f"record {sequence} of {len(record)} bytes is too large")
        if not self.admission.fits(len(record)):
            what = f"the full disk has no room for record {sequence} of {len(record)} bytes"
            raise _engine_failed(command, what)
        return record


def _kind(commands: bytes, at: int) -> int:
    kind: int = HEADER.unpack_from(commands, at)[0]
    return kind


def _engine_failed(command: bytes, what: str) -> EngineFailedError:
    told, _ = unpack_command(command)
    return EngineFailedError(told.session_id, told.session_number, f"engine failed: {what}: {told}")


def _forgotten(session_id: int, number: int) -> Refusal:
    return Refusal(
        RefusalCode.NUMBER_FORGOTTEN,
        session_id,
        number,
        f"session_number {number} is not above the session's last, and not remembered",
    )
