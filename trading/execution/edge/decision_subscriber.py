"""The decisions of all alpha generators of a run, found by the leases' members.

Each is asked for them, as only who leads a symbol sends that symbol's. On connecting it sends what
nobody has taken over yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog

from trading.decisions import Envelope
from trading.leases.lease_store import LeaseStore, LeaseStoreError, Member
from trading.stream.edge.frame_connection import connect
from trading.stream.frames import FrameError
from trading.stream.messages import Refusal

VERSION = 1
LOOK_S = 0.2
SILENCE_S_MAX = 5.0
"""Without a frame for so long the connection is taken for dead; ours sends one each second."""
BACKOFF_S_MIN = 0.02
BACKOFF_S_MAX = 1.0

log = structlog.get_logger("execution")

_decode = msgspec.msgpack.Decoder(list[Envelope] | Refusal).decode


class DecisionSubscriber:
    """`store` is that of the alpha generators; `on_envelopes` gets what one wakeup brought."""

    def __init__(
        self, store: LeaseStore, run: str, on_envelopes: Callable[[list[Envelope]], None]
    ) -> None:
        self.connected: set[str] = set()
        """The names of the members that can be heard."""
        self._store = store
        self._request = msgspec.msgpack.encode({"version": VERSION, "run": run})
        self._on_envelopes = on_envelopes
        self._tasks: dict[Member, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Listen to whoever is there, until cancelled. Raises what `on_envelopes` does."""
        try:
            while True:
                with suppress(LeaseStoreError):  # who is connected stays so
                    self._follow(await self._store.members())
                await self._pause()
        finally:
            self._follow(())

    def _follow(self, members: tuple[Member, ...]) -> None:
        for member in [member for member in self._tasks if member not in members]:
            self._tasks.pop(member).cancel()
        for member in members:
            if member not in self._tasks and member.address:
                self._tasks[member] = asyncio.create_task(self._listen(member))

    async def _pause(self) -> None:
        """Wait for a moment. Raises what a listener failed with: it would be missed by nobody."""
        if not self._tasks:
            await asyncio.sleep(LOOK_S)
            return
        done, _ = await asyncio.wait(
            self._tasks.values(), timeout=LOOK_S, return_when=asyncio.FIRST_EXCEPTION
        )
        for task in done:
            task.result()

    async def _listen(self, member: Member) -> None:
        host, _, port = member.address.rpartition(":")
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                connection = await connect(host, int(port), self._receive)
                connection.send(self._request)
                self.connected.add(member.name)
                backoff_s = BACKOFF_S_MIN
                try:
                    await connection.until_silent(SILENCE_S_MAX)
                finally:
                    self.connected.discard(member.name)
                    connection.end(ConnectionError("done"))
            except (OSError, TimeoutError, FrameError, msgspec.MsgspecError) as error:
                reason = f"{type(error).__name__}: {error}"
                log.warning("decisions lost", alpha=member.name, reason=reason)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    def _receive(self, payloads: list[bytes]) -> None:
        envelopes: list[Envelope] = []
        for payload in payloads:
            received = _decode(payload)
            if isinstance(received, Refusal):
                raise ConnectionError(received.error)
            envelopes += received
        if envelopes:
            self._on_envelopes(envelopes)
