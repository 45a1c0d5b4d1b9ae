"""A batch of commands on its way: sequenced, applied, made into records.

    batch = pipeline.execute(submissions, now_ns)
    journal.append(batch.records)      # whatever goes wrong here stops the process
    ...publish and answer `batch`...   # nothing of it may leave before

The engine is ahead of the journal between the two lines, and nobody sees it. The journal, not
memory, is the truth: after a failure the process stops and a restart replays what was durable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from matching.admission import Admission
from matching.command_check import CommandRefused, check_command
from matching.link import Refusal, RefusalCode
from matching.sequencer import Sequencer
from vocabulary.codec import (
    HEADER,
    LAYOUTS,
    RECORD_BYTES_MAX,
    RECORD_HEADER,
    CodecError,
    pack,
    unpack_command,
)
from vocabulary.commands import ChangePhase, ExpireOrders
from vocabulary.types import CLOCK_SESSION_ID, STEPS_PER_COMMAND_MAX

CHANGE_PHASE = LAYOUTS[ChangePhase].kind

Sender = Any
"""Whoever a command is from; it is handed back with what came of it."""


class Engine(Protocol):
    """What the pipeline needs of `matching.core.engine.Engine`."""

    @property
    def sequence(self) -> int: ...

    @property
    def next_expiry_ns(self) -> int: ...

    def record_batch(self, commands: bytes, first_sequence: int, timestamp_ns: int) -> bytes: ...


class EngineFailedError(Exception):
    """The engine raised, so its state is unknown: the process must stop, not guess.

    It carries the session and number of the command, which never comes into the journal.
    """

    def __init__(self, session_id: int, session_number: int, text: str) -> None:
        super().__init__(text)
        self.session_id = session_id
        self.session_number = session_number


class Batch:
    """What came of a batch.

    `records` are new, back to back, `count` of them. `own` says whose they are: sender, and from
    which index to which. `repeats` are senders of resent commands with the sequence of the original
    record, which may be one of these. `refusals` and `faults` name senders of commands that were
    not executed; behind a fault a sender's further bytes mean nothing.
    """

    def __init__(self) -> None:
        self.records = b""
        self.count = 0
        self.own: list[tuple[Sender, int, int]] = []
        self.repeats: list[tuple[Sender, int]] = []
        self.refusals: list[tuple[Sender, Refusal]] = []
        self.faults: list[tuple[Sender, CodecError]] = []


class Pipeline:
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
        self._taken: list[bytes] = []  # commands that have their sequences, and wait
        self._executed = 0  # the last sequence that does not wait
        self._records: list[bytes] = []  # of the present batch

    def execute(self, submissions: Iterable[tuple[Sender, bytes]], now_ns: int) -> Batch:
        """Execute packed commands of many senders in the order given.

        Where an order's time in force is over, the clock's own commands stand before them all;
        where a change of phase leaves an auction that is not through, right behind that.
        Raises `EngineFailedError`, after which neither batch nor pipeline is of any use.
        """
        batch = Batch()
        before = self._executed = self._sequencer.last_sequence
        timestamp_ns = self._run_clock(self._sequencer.timestamp(now_ns))
        for sender, commands in submissions:
            timestamp_ns = self._submit(batch, sender, commands, timestamp_ns)
        self._execute_taken(timestamp_ns)
        batch.records = b"".join(self._records)
        self._records.clear()
        batch.count = self._executed - before
        batch.own = [(sender, first - before, last - before) for sender, first, last in batch.own]
        return batch

    def _submit(self, batch: Batch, sender: Sender, commands: bytes, timestamp_ns: int) -> int:
        """Take a sender's commands; return the time of what is executed next."""
        first = self._sequencer.last_sequence
        at = 0
        while at < len(commands):
            start, before = at, self._sequencer.last_sequence
            if self.admission.is_open():
                at = self._sequencer.take_orders(commands, start)
            if at > start:
                self._taken.append(commands[start:at])
                continue
            try:
                at = self._answer(batch, sender, commands, start)
            except CodecError as fault:
                batch.faults.append((sender, fault))
                break
            if self._sequencer.last_sequence == before:
                continue
            self._taken.append(commands[start:at])
            if _kind(commands, start) == CHANGE_PHASE:  # an auction may not be through
                batch.own.append((sender, first, self._sequencer.last_sequence))
                timestamp_ns = self._run_clock(timestamp_ns)
                first = self._sequencer.last_sequence
            elif self.admission.short is not None:  # what it writes counts for the next one
                self._execute_taken(timestamp_ns)
        if self._sequencer.last_sequence > first:
            batch.own.append((sender, first, self._sequencer.last_sequence))
        return timestamp_ns

    def _answer(self, batch: Batch, sender: Sender, commands: bytes, at: int) -> int:
        """Take the command at a byte, or say why not; return where the next one starts.

        Raises `CodecError` where that can't be found.
        """
        try:
            session_id, number, end = check_command(commands, at)
        except CommandRefused as refused:
            batch.refusals.append((sender, refused.refusal))
            return refused.end
        try:
            executed = self._sequencer.find(session_id, number)
        except KeyError:
            batch.refusals.append((sender, _forgotten(session_id, number)))
            return end
        if executed is not None:
            batch.repeats.append((sender, executed))
        elif refusal := self.admission.refusal(_kind(commands, at), session_id, number):
            batch.refusals.append((sender, refusal))
        else:
            self._sequencer.take(session_id, number)
        return end

    def _run_clock(self, timestamp_ns: int) -> int:
        """Execute the clock's own command as long as one is due; return the time at which it is."""
        self._execute_taken(timestamp_ns)
        while 0 < self._engine.next_expiry_ns <= timestamp_ns and self.admission.takes_clock():
            # Its numbers are its times, and rise.
            number = self._sequencer.last_number(CLOCK_SESSION_ID) + 1
            timestamp_ns = self._sequencer.timestamp(max(timestamp_ns, number))
            self._sequencer.take(CLOCK_SESSION_ID, timestamp_ns)
            expire = ExpireOrders(CLOCK_SESSION_ID, timestamp_ns, STEPS_PER_COMMAND_MAX)
            self._taken.append(pack(expire))
            self._execute_taken(timestamp_ns)
        return timestamp_ns

    def _execute_taken(self, timestamp_ns: int) -> None:
        """Have the engine execute what has its sequences."""
        if not self._taken:
            return
        commands = b"".join(self._taken)
        self._taken.clear()
        first_sequence = self._executed + 1
        try:
            records = self._engine.record_batch(commands, first_sequence, timestamp_ns)
        except Exception as error:
            failed = self._engine.sequence + 1
            what = f"{type(error).__name__} at sequence {failed}"
            raise _engine_failed(commands, failed - first_sequence, what) from error
        size = len(records)
        if size > RECORD_BYTES_MAX:
            _check_sizes(commands, records)
        if not self.admission.fits(size):  # and then it is one command's
            what = f"the full disk has no room for record {first_sequence} of {size} bytes"
            raise _engine_failed(commands, 0, what)
        self._records.append(records)
        self._executed = self._sequencer.last_sequence


def _kind(commands: bytes, at: int) -> int:
    kind: int = HEADER.unpack_from(commands, at)[0]
    return kind


def _engine_failed(commands: bytes, index: int, what: str) -> EngineFailedError:
    """Return the failure of one of some commands."""
    at = 0
    for _ in range(index):
        at += HEADER.unpack_from(commands, at)[2]
    told, _ = unpack_command(commands, at)
    return EngineFailedError(told.session_id, told.session_number, f"engine failed: {what}: {told}")


def _check_sizes(commands: bytes, records: bytes) -> None:
    at = index = 0
    while at < len(records):
        _, size, sequence, _ = RECORD_HEADER.unpack_from(records, at)
        if size > RECORD_BYTES_MAX:
            what = f"record {sequence} of {size} bytes is too large"
            raise _engine_failed(commands, index, what)
        at += size
        index += 1


def _forgotten(session_id: int, number: int) -> Refusal:
    return Refusal(
        RefusalCode.NUMBER_FORGOTTEN,
        session_id,
        number,
        f"session_number {number} is not above the session's last, and not remembered",
    )
