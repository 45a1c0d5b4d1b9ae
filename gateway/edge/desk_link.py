"""The gateway's link to the ops desk: what is laid down for FIX sessions, and how these stand.

It asks every `POLL_S`, and tells of the sessions whose standing has changed, some hundreds at a
time. While the desk does not answer, what was last heard goes on to count, over restarts, too.
"""

from __future__ import annotations

import asyncio
import os
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import aiohttp
import msgspec
import structlog

from gateway.edge import background
from gateway.edge.fix_administration import FixAdministration, Standing
from gateway.maintenance import Maintenance
from gateway.session_rules import Key, SessionRule, SessionRules

POLL_S = 1.0
"""How soon a change is carried out, with the time that a request takes, on every gateway."""

TIMEOUT_S = 5.0
TOLD_MAX = 20_000
STANDINGS_MAX = 100
"""How many sessions are looked at for one question, which the desk takes up to 64 KiB of."""

COMP_ID_BYTES_MAX = 64
"""The desk knows no longer ones; market data sessions may have them."""

log = structlog.get_logger("gateway")


class Desk(NamedTuple):
    """Where the ops HTTP is, what it knows us by, and what this gateway is called there.

    `rules` are those to begin with: the venue's own.
    """

    ops_url: str
    service_token: str
    gateway: str
    rules: SessionRules | None = None


class _Question(msgspec.Struct):
    since: int
    standings: list[Standing]


class _Answer(msgspec.Struct):
    """`desk` is another one each time that the accounts service starts: it has forgotten us."""

    desk: str
    version: int
    sessions: list[SessionRule]
    maintenance: Maintenance | None = None


class DeskLink:
    """Follows a desk, and keeps what it hears in `file`."""

    def __init__(self, desk: Desk, file: Path, administration: FixAdministration) -> None:
        self.is_available = False
        name = quote(desk.gateway, safe="")
        self._url = f"{desk.ops_url.rstrip('/')}/internal/fix-gateways/{name}"
        self._headers = {
            "Authorization": f"Bearer {desk.service_token}",
            "Content-Type": "application/json",
        }
        self._file = file
        self._administration = administration
        self._rules: dict[Key, SessionRule] = {}
        self._version = 0
        self._desk = ""
        self._told: dict[Key, Standing] = {}
        self._next = 0
        self._asking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Apply what the desk says now, or else what it last said; then go on asking."""
        self._load()
        self._administration.tick(time.time_ns())
        async with self._client() as http:
            await self._ask_once(http)
        self._asking = background.start(self._follow(), "the desk's rules")

    async def stop(self) -> None:
        await background.stop(self._asking)

    async def _follow(self) -> None:
        async with self._client() as http:
            while True:
                await asyncio.sleep(POLL_S)
                await self._ask_once(http)

    def _client(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        return aiohttp.ClientSession(headers=self._headers, timeout=timeout)

    async def _ask_once(self, http: aiohttp.ClientSession) -> None:
        since, standings = self._version, self._news()
        body = msgspec.json.encode(_Question(since, list(standings.values())))
        try:
            async with http.post(self._url, data=body) as response:
                response.raise_for_status()
                answer = msgspec.json.decode(await response.read(), type=_Answer)
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            if self.is_available:
                # Not its repr, which has the request's headers, and so our token.
                reason = f"{type(error).__name__}: {error}"
                log.warning("the desk does not answer about FIX sessions", reason=reason)
            self.is_available = False
            return
        self.is_available = True
        self._take(answer, standings, since)

    def _take(self, answer: _Answer, standings: dict[Key, Standing], since: int) -> None:
        is_other_desk = answer.desk != self._desk
        if is_other_desk:
            self._desk = answer.desk
            self._told.clear()
        else:
            self._told.update(standings)
        if since and (is_other_desk or answer.version < since):
            self._version = 0  # it may be restored from a backup: everything anew
            return
        self._version = answer.version
        self._administration.hear_maintenance(answer.maintenance)
        rules = {rule.key: rule for rule in answer.sessions}
        # Who asked for everything has heard of all that there is.
        gone = set() if since else self._rules.keys() - rules.keys()
        if rules or gone:
            self._rules = rules if not since else self._rules | rules
            self._administration.changed(rules.values(), time.time_ns(), gone)
            self._save()

    def _news(self) -> dict[Key, Standing]:
        """Return how the next sessions stand that stand otherwise than was told."""
        of = self._administration.standing
        begin = self._next
        looked_at = list(islice(self._administration.sessions(), begin, begin + STANDINGS_MAX))
        self._next = begin + STANDINGS_MAX if len(looked_at) == STANDINGS_MAX else 0
        if len(self._told) > TOLD_MAX:
            self._told.clear()
        standings = {key: of(key, flow) for key, flow in looked_at}
        return {
            key: now
            for key, now in standings.items()
            if self._told.get(key) != now and len(key[1].sender_comp_id) <= COMP_ID_BYTES_MAX
        }

    def _load(self) -> None:
        try:
            rules = msgspec.json.decode(self._file.read_bytes(), type=list[SessionRule])
        except FileNotFoundError:
            return
        except msgspec.MsgspecError as error:
            log.error("rules of FIX sessions unreadable", file=str(self._file), reason=str(error))  # noqa: TRY400
            return
        self._rules = {rule.key: rule for rule in rules}
        self._administration.changed(rules, time.time_ns())

    def _save(self) -> None:
        unfinished = self._file.with_suffix(f".{os.getpid()}.new")  # others may share it
        try:
            unfinished.write_bytes(msgspec.json.encode(list(self._rules.values())))
            unfinished.replace(self._file)
        except OSError as error:
            log.error("rules of FIX sessions not kept", file=str(self._file), reason=str(error))  # noqa: TRY400
