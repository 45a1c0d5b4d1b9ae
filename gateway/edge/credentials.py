"""API keys, asked of the accounts service and remembered for a while."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple
from urllib.parse import quote

import aiohttp
import msgspec
import structlog

from gateway.auth import Credential

FRESH_S = 10.0
"""How long an answer is believed without asking again: a revoked key works no longer than that."""

OUTAGE_S = 300.0
"""How long a known key still works while the accounts service does not answer."""

TIMEOUT_S = 5.0
KEYS_MAX = 10_000
API_KEY_LENGTH_MAX = 128

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
    credential: Credential | None
    asked_s: float


class CredentialStore:
    """Looks keys up at `ops_url`. Use after `start`; times of its memory are monotonic."""

    def __init__(self, ops_url: str, service_token: str) -> None:
        self._url = f"{ops_url.rstrip('/')}/internal/credentials/"
        self._headers = {"Authorization": f"Bearer {service_token}"}
        self._entries: dict[str, _Entry] = {}
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
        # Everyone who wants the same key waits for the same answer.
        request = self._requests.get(api_key)
        if request is None:
            request = asyncio.create_task(self._ask(api_key))
            self._requests[api_key] = request
            request.add_done_callback(lambda _: self._requests.pop(api_key, None))
        try:
            return await asyncio.shield(request)
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            if self.is_available:
                self.is_available = False
                reason = f"{type(error).__name__}: {error}"  # its repr has the headers: our token
                log.warning("accounts service does not answer", reason=reason)
            if (
                entry is not None
                and entry.credential is not None
                and time.monotonic() - entry.asked_s < OUTAGE_S
            ):
                return entry.credential
            raise CredentialsUnavailableError("API keys can't be checked now") from error

    async def _ask(self, api_key: str) -> Credential | None:
        assert self._http is not None, "not started"
        async with self._http.get(self._url + quote(api_key, safe="")) as response:
            if response.status == 404:
                credential = None
            else:
                response.raise_for_status()
                answer = msgspec.json.decode(await response.read(), type=_Answer)
                credential = Credential(*msgspec.structs.astuple(answer))
        self.is_available = True
        self._remember(api_key, _Entry(credential, time.monotonic()))
        return credential

    def _remember(self, api_key: str, entry: _Entry) -> None:
        self._entries.pop(api_key, None)
        self._entries[api_key] = entry
        if len(self._entries) > KEYS_MAX:
            del self._entries[next(iter(self._entries))]
