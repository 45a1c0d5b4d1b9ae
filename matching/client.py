"""How the other rooms reach the matching process: commands, the event stream, funds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from matching.edge.event_reader import STORE_PATIENCE_MS, EventReader, SliceReader
from matching.edge.link_client import LinkClient, MatchingUnavailable
from matching.edge.record_stream import RecordStream
from matching.link import (
    FrameKind,
    Funds,
    FundsReport,
    Refusal,
    RefusalCode,
    pack_commands,
    unpack_refused,
)
from matching.unanswered import Unanswered
from vocabulary.codec import Record, pack, unpack_command
from vocabulary.commands import Command
from vocabulary.packed_records import unpack_records
from vocabulary.tallies import Distributions

__all__ = [
    "STORE_PATIENCE_MS",
    "EventReader",
    "Funds",
    "FundsReport",
    "MatchingClient",
    "MatchingUnavailable",
    "RecordStream",
    "Refusal",
    "RefusalCode",
    "SliceReader",
]

UNANSWERED_COMMANDS_MAX: Final = 16_384  # the sequencer remembers as many numbers of each session

ROUND_TRIP_SECONDS = Distributions(
    "agio_link_round_trip_seconds",
    "Time from a command's submission to its record, of one command at a time",
    [0.0001 * 2**power for power in range(14)],
    ["client"],
)

log = structlog.get_logger("matching")


class MatchingClient(LinkClient):
    """Sends commands, and reads whole records.

    Commands submitted in one iteration of the event loop leave in one write, and those that are
    submitted one by one in one frame, too. They are kept until their record arrives and are sent
    again after a reconnect, each session's in their order; the sequencer knows them, so they
    execute once. A record acknowledges its command, known by its session id and number.

    `from_sequence` is the first record wanted; None means the records of the client's own
    commands only.

    `on_repeated` gets the original record of a resent command where it stands before the records
    still to come. `on_refused` learns of a command that was not executed. `on_submitted` gets each
    command once it is on its way.
    """

    def __init__(
        self,
        address: str,
        name: str,
        *,
        from_sequence: int | None,
        on_records: Callable[[list[Record]], None],
        on_caught_up: Callable[[], None] | None = None,
        on_repeated: Callable[[list[Record]], None] | None = None,
        on_refused: Callable[[Refusal], None] | None = None,
        on_submitted: Callable[[Command], None] | None = None,
    ) -> None:
        super().__init__(
            address,
            name,
            from_sequence=from_sequence,
            unpack=unpack_records,
            on_records=on_records,
            on_caught_up=on_caught_up,
        )
        self._on_repeated = on_repeated
        self._on_refused = on_refused
        self._on_submitted = on_submitted
        self._unanswered = Unanswered()
        self._outgoing: list[bytes] = []
        # One command at a time is timed: what all of them would cost is paid once a batch.
        self._timed_session = 0
        self._timed_number = 0  # 0: none
        self._timed_s = 0.0
        self._round_trip = ROUND_TRIP_SECONDS.labels(name)

    @property
    def unanswered(self) -> int:
        """How many commands wait for their record."""
        return self._unanswered.count

    @property
    def room(self) -> int:
        """How many more commands may be submitted now."""
        return UNANSWERED_COMMANDS_MAX - self._unanswered.count

    def submit(self, command: Command) -> None:
        """Send a command; its record will tell what it did. Never blocks.

        Raises `MatchingUnavailable` if too many commands wait for their record, and `CodecError`
        if a field does not fit.
        """
        self._check_room(1)
        data = pack(command)
        self._unanswered.add(command.session_id, command.session_number, data)
        if self.connected:
            if not self._outgoing:
                asyncio.get_running_loop().call_soon(self._flush)
            self._outgoing.append(data)
            self._time(command.session_id, command.session_number)
        if self._on_submitted is not None:
            self._on_submitted(command)

    def submit_packed(self, session_id: int, commands: list[bytes]) -> None:
        """Send packed commands of one session, by rising numbers, all or none. Never blocks.

        Raises `MatchingUnavailable` if too many commands wait for their record.
        """
        self._check_room(len(commands))
        first_number = self._unanswered.add_all(session_id, commands)
        if self.connected and commands:
            if self._outgoing:  # their turn comes behind what was submitted before
                self._outgoing += commands
            else:
                self._write(pack_commands(commands))
            self._time(session_id, first_number)
        if self._on_submitted is not None:
            for data in commands:
                self._on_submitted(unpack_command(data)[0])

    def _check_room(self, commands: int) -> None:
        if commands > UNANSWERED_COMMANDS_MAX - self._unanswered.count:
            raise MatchingUnavailable(f"{self.unanswered} commands wait for their record")

    def _time(self, session_id: int, session_number: int) -> None:
        """Time a command that is on its way, unless another one is timed."""
        if not self._timed_number:
            self._timed_session, self._timed_number = session_id, session_number
            self._timed_s = time.perf_counter()

    async def funds(self, account_id: int = 0) -> FundsReport:
        """Return what an account, or for 0 every account, has. Asks again after a reconnect."""
        self._flush()  # what was submitted before is asked about, too
        return await LinkClient.funds(self, account_id)

    def connection_lost(self) -> None:
        self._outgoing.clear()
        self._timed_number = 0
        LinkClient.connection_lost(self)

    def _flush(self) -> None:
        if self.connected and self._outgoing:
            self._write(pack_commands(self._outgoing))
        self._outgoing.clear()

    def _welcomed(self) -> None:
        if self.unanswered:
            log.info("commands sent again", name=self.name, commands=self.unanswered)
            self._write(pack_commands(self._unanswered.all()))

    def _handed_over(self, records: list[Record]) -> None:
        unanswered = self._unanswered
        if unanswered.count:
            unanswered.take_answered(records)
            number = self._timed_number
            if number and not unanswered.has(self._timed_session, number):
                self._round_trip.add(time.perf_counter() - self._timed_s)
                self._timed_number = 0

    def _answered(self, kind: FrameKind, payload: bytes) -> None:
        if kind is FrameKind.REPEATED:
            self._repeated(unpack_records(payload))
        elif kind is FrameKind.REFUSED:
            self._refused(unpack_refused(payload))
        else:
            LinkClient._answered(self, kind, payload)

    def _repeated(self, records: list[Record]) -> None:
        if self._streams:  # what lies ahead comes in the stream
            records = [record for record in records if record.sequence <= self.last_sequence]
        records = [record for record in records if self._waits_for(record)]
        if not records:
            return
        if not self._streams:
            self._on_records(records)
        elif self._on_repeated is not None:
            self._on_repeated(records)
        self._handed_over(records)

    def _waits_for(self, record: Record) -> bool:
        return self._unanswered.has(record.session_id, record.session_number)

    def _refused(self, refusal: Refusal) -> None:
        told = log.debug if refusal.code is RefusalCode.NOT_NOW else log.error
        told("command refused by the sequencer", **refusal._asdict())
        self._unanswered.take(refusal.session_id, refusal.session_number)
        if self._on_refused is not None:
            self._on_refused(refusal)
