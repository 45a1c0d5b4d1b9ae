"""API keys, asked of the accounts service and remembered for a while."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
import structlog

from gateway.auth import Credential

FRESH_S = 10.0
"""How long an answer is believed without asking again: a revoked key works no longer than that."""

OUTAGE_S = 300.0
"""How long a known key still works while the accounts service does not answer."""

UNKNOWN_S = 1.0
"""How long it is believed that there is no such key: a new one works no later than that."""

UNKNOWN_PER_S = 100
UNKNOWN_BURST = 200
UNKNOWN_WAIT_S = 2.0
"""Names that never were a key are asked for at this rate, and wait for their turn so long: whoever
tries many makes others wait who come with a key for the first time, and nobody else."""

TIMEOUT_S = 5.0
KEYS_MAX = 10_000
API_KEY_LENGTH_MAX = 128

T = TypeVar("T")

log = structlog.get_logger("gateway")


class CredentialsUnavailableError(Exception):
    """The accounts service does not answer and the key is not known well enough without it."""


class _Answer(msgspec.Struct):
    """The accounts service's JSON."""

    api_key: str
    secret: str
    account_id: int
    sender_comp_ids: tuple[str, ...]
    permissions: frozenset[str]
    public_key: bytes = b""


class _Entry(NamedTuple):
    credential: Credential
    asked_s: float


class CredentialStore:
    """Looks keys up at `ops_url`. Use after `start`; times of its memory are monotonic."""

    def __init__(self, ops_url: str, service_token: str) -> None:
        self._url = f"{ops_url.rstrip('/')}/internal/credentials/"
        self._headers = {"Authorization": f"Bearer {service_token}"}
        self._entries: dict[str, _Entry] = {}
        self._unknown: dict[str, float] = {}  # no keys, by when that was asked
        self._next_turn_s = 0.0  # when the next one may be asked for that may be none
        self._requests: dict[str, asyncio.Task[Credential | None]] = {}
        self._http: aiohttp.ClientSession | None = None
        self.is_available = True

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(
            headers=self._headers, timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
        )

    async def stop(self) -> None:
        for request in list(self._requests.values()):
            request.cancel()
        if self._http is not None:
            await self._http.close()

    async def get(self, api_key: str) -> Credential | None:
        """Return what a key opens, None if there is no such key.

        Raises `CredentialsUnavailableError`.
        """
        if not api_key or len(api_key) > API_KEY_LENGTH_MAX:
            return None
        entry = self._entries.get(api_key)
        if entry is not None and time.monotonic() - entry.asked_s < FRESH_S:
            return entry.credential
        asked_s = self._unknown.get(api_key)
        if asked_s is not None and time.monotonic() - asked_s < UNKNOWN_S:
            return None
        # Everyone who wants the same key waits for the same answer.
        request = self._requests.get(api_key)
        if request is None:
            turn_s = self._take_turn() if entry is None else 0.0
            request = asyncio.create_task(self._ask(api_key, turn_s))
            self._requests[api_key] = request
            request.add_done_callback(lambda _: self._requests.pop(api_key, None))
        try:
            return await asyncio.shield(request)
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            if self.is_available:
                self.is_available = False
                reason = f"{type(error).__name__}: {error}"  # its repr has the headers: our token
                log.warning("accounts service does not answer", reason=reason)
            if entry is not None and time.monotonic() - entry.asked_s < OUTAGE_S:
                return entry.credential
            raise CredentialsUnavailableError("API keys can't be checked now") from error

    def _take_turn(self) -> float:
        """Return when the next one may be asked for that may be no key."""
        now_s = time.monotonic()
        turn_s = max(self._next_turn_s, now_s - UNKNOWN_BURST / UNKNOWN_PER_S)
        if turn_s - now_s > UNKNOWN_WAIT_S:
            raise CredentialsUnavailableError("too many unknown API keys are tried now")
        self._next_turn_s = turn_s + 1 / UNKNOWN_PER_S
        return turn_s

    async def _ask(self, api_key: str, turn_s: float) -> Credential | None:
        assert self._http is not None, "not started"
        await asyncio.sleep(max(0.0, turn_s - time.monotonic()))
        async with self._http.get(self._url + quote(api_key, safe="")) as response:
            if response.status == 404:
                self._entries.pop(api_key, None)
                _remember(self._unknown, api_key, time.monotonic())
                credential = None
            else:
                response.raise_for_status()
                answer = msgspec.json.decode(await response.read(), type=_Answer)
                credential = Credential(*msgspec.structs.astuple(answer))
                self._unknown.pop(api_key, None)
                _remember(self._entries, api_key, _Entry(credential, time.monotonic()))
        self.is_available = True
        return credential


def _remember(known: dict[str, T], api_key: str, what: T) -> None:
    """Note what was answered about a key; of too many the one that was noted first is forgotten."""
    known.pop(api_key, None)
    known[api_key] = what
    if len(known) > KEYS_MAX:
        del known[next(iter(known))]
