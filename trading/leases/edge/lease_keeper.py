"""Keeps an instance's leases: beats, shares them out over the members, and knows when they end.

All members know each other from the beats, and each wants the leases for which it is the first
choice. So a new member is given its share by the others, and that of a lost one is taken over when
its leases end: TTL_MS and a beat after its last, well within a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from trading.leases.hashing import first_choice
from trading.leases.lease_store import Beat, LeaseStore, LeaseStoreError, Member

TTL_MS = 600
BEAT_S = 0.15

log = structlog.get_logger("leases")


class _Held(NamedTuple):
    token: int
    until: float
    """On our monotonic clock, which began to count before the store's did."""


class LeaseKeeper:
    """Stands for the leases `names` as `member`, from `start` to `stop`.

    `on_gained(name, token)` and `on_lost(name)` come in turns for each lease; both must be quick.
    Before an act that needs the lease ask `token`: it never tells one that has ended. Even so the
    process may be stopped between the question and the act: send the token along.

    An instance that can't act just now, or not yet (`is_standing` false), holds nothing between
    `withdraw` and `stand`.
    """

    def __init__(
        self,
        store: LeaseStore,
        member: Member,
        names: Sequence[str],
        *,
        on_gained: Callable[[str, int], None],
        on_lost: Callable[[str], None],
        ttl_ms: int = TTL_MS,
        beat_s: float = BEAT_S,
        is_standing: bool = True,
    ) -> None:
        self._store, self._member, self._names = store, member, names
        self._on_gained, self._on_lost = on_gained, on_lost
        self._ttl_ms, self._beat_s = ttl_ms, beat_s
        self._held: dict[str, _Held] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.members: tuple[Member, ...] = ()
        self.is_standing = is_standing
        self.is_reached = False

    def start(self) -> None:
        """Begin to beat. `members` is known, and leases may be held, after the first beat."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Let go of everything: the others have it with their next beat."""
        if self._task is None:
            return
        self._stopping.set()
        await asyncio.wait({self._task})  # a beat under way must not reach the store behind us
        self._task = None
        with contextlib.suppress(LeaseStoreError):  # then they end by themselves
            await self._leave()

    async def until_failed(self) -> None:
        """Return never: raise what ended the beats, from `on_gained` or `on_lost`, say."""
        assert self._task is not None, "not started"
        await asyncio.shield(self._task)
        await asyncio.Event().wait()  # it was stopped

    def stand(self) -> None:
        """Take part, from the next beat on."""
        self.is_standing = True

    def withdraw(self) -> None:
        """Hold nothing from now on; the others have it with their next beat but one."""
        self.is_standing = False
        for name in list(self._held):
            self._lose(name)

    def token(self, name: str) -> int:
        """Return the token of a lease that is held now, else 0."""
        held = self._held.get(name)
        return held.token if held is not None and time.monotonic() < held.until else 0

    async def _run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                is_settled = await (self._beat() if self.is_standing else self._leave())
                self._tell_reached(is_reached=True)
            except LeaseStoreError as error:
                is_settled = True
                self._tell_reached(is_reached=False, reason=str(error))
            for name in [name for name in self._held if not self.token(name)]:
                self._lose(name)
            if is_settled:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(began + self._beat_s - time.monotonic()):
                        await self._stopping.wait()

    async def _beat(self) -> bool:
        """Beat once; say whether the members were those by which we chose what to want."""
        chosen_by = [member.name for member in self.members]
        wanted = [
            name for name in self._names if first_choice(name, chosen_by) == self._member.name
        ]
        for name in [name for name in self._held if name not in wanted]:
            self._lose(name)  # before the store is told: from then on it may be another's
        sent = time.monotonic()
        beat = await self._store.beat(self._member, wanted, self._ttl_ms)
        if not self.is_standing:
            self.members = beat.members  # withdrawn meanwhile: to leave, and at once
            return False
        self._take(beat, sent + self._ttl_ms / 1_000)
        return [member.name for member in beat.members] == chosen_by

    async def _leave(self) -> bool:
        """Be no member any more; say that this is settled."""
        self.withdraw()
        if self.members:
            await self._store.leave(self._member)
            self.members = ()
        return True

    def _take(self, beat: Beat, until: float) -> None:
        self.members = beat.members
        # One that ended by our clock was not acted on meanwhile: it is gained anew.
        for name in [name for name in self._held if self.token(name) != beat.tokens.get(name)]:
            self._lose(name)
        for name, token in beat.tokens.items():
            is_new = name not in self._held
            self._held[name] = _Held(token, until)
            if is_new:
                log.info("lease gained", lease=name, token=token)
                self._on_gained(name, token)

    def _lose(self, name: str) -> None:
        held = self._held.pop(name)
        log.info("lease lost", lease=name, token=held.token)
        self._on_lost(name)

    def _tell_reached(self, *, is_reached: bool, reason: str = "") -> None:
        if is_reached != self.is_reached:
            self.is_reached = is_reached
            if not is_reached:
                log.warning("lease store not reached", reason=reason)
