"""The desk's commands to the engine: each waits for its record."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from itertools import count

from accounts.ops_api import OpsError
from matching.client import MatchingClient, MatchingUnavailable, Refusal
from vocabulary.codec import Record
from vocabulary.commands import Command
from vocabulary.events import CommandRejected, Event

ANSWER_TIMEOUT_S = 5.0

# Given the session's id and the command's number in it.
MakeCommand = Callable[[int, int], Command]


class EngineDesk:
    """A session of this process's own: its number is random, so no process before it had it."""

    def __init__(self, matching_address: str) -> None:
        self._session_id = secrets.randbits(63)
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Record]] = {}
        self._client = MatchingClient(
            matching_address,
            "ops",
            from_sequence=None,
            on_records=self._on_records,
            on_refused=self._on_refused,
        )
        self._starting: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        return self._client.connected

    def start(self) -> None:
        """Connect in the background: the desk has work to do without the engine, too."""
        self._starting = asyncio.create_task(self._client.start())

    async def stop(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._client.stop()

    async def execute(self, make: MakeCommand) -> tuple[int, list[Event]]:
        """Send the command that `make` returns for a session id and number.

        Returns the sequence of its record and the events it caused. Raises `OpsError`: 503 if it
        was not sent, 409 if the engine refused it, 504 if what became of it is unknown.
        """
        if not self._client.connected:
            raise OpsError(
                503, "engine_unavailable", "the engine can't be reached; nothing was sent"
            )
        number = next(self._numbers)
        answer: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._client.submit(make(self._session_id, number))
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                record = await answer
        except MatchingUnavailable as error:
            raise OpsError(503, "engine_unavailable", str(error)) from error
        except TimeoutError:
            raise OpsError(
                504,
                "unknown",
                f"no answer from the engine within {ANSWER_TIMEOUT_S:g} s:"
                " the command may have been executed, or be executed yet",
            ) from None
        finally:
            del self._waiting[number]
        for event in record.events:
            if isinstance(event, CommandRejected):
                reason = event.reason.name.lower()
                raise OpsError(409, reason, f"the engine refused: {reason.replace('_', ' ')}")
        return record.sequence, record.events

    def _on_records(self, records: list[Record]) -> None:
        for record in records:
            answer = self._waiting.get(record.command.session_number)
            if answer is not None and not answer.done():
                answer.set_result(record)

    def _on_refused(self, refusal: Refusal) -> None:
        answer = self._waiting.get(refusal.session_number)
        if answer is not None and not answer.done():
            answer.set_exception(OpsError(503, "engine_unavailable", refusal.text))
