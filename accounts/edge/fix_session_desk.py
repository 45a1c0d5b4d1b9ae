"""What the ops desk can do to FIX sessions, and what gateways are told of it."""

from __future__ import annotations

import secrets
import time
from typing import Any

from accounts.edge.desk_store import DeskStore
from accounts.edge.fix_session_store import FixSessionStore, Key, Row
from accounts.edge.maintenance_desk import MaintenanceDesk
from accounts.fix_session_api import (
    ChangeFixSession,
    DisableFixSession,
    FixRuleReply,
    FixRulesReply,
    FixSessionPath,
    FixSessionReply,
    FixSessionSettings,
    FixSessionsQuery,
    FixSessionsReply,
    GatewayPath,
    MakeFixSession,
    TellStandings,
)
from accounts.fix_standings import FixStandings
from accounts.ops_api import OpsError

SETTINGS = tuple(FixSessionSettings.model_fields)
OF_ONE_SERVICE = {
    "orders_per_s": "order_entry",
    "cancel_on_disconnect": "order_entry",
    "cancel_grace_ms": "order_entry",
    "copied_accounts": "drop_copy",
}


class FixSessionDesk:
    """FIX sessions. Methods raise `OpsError` and `POSTGRES_ERRORS`.

    A gateway learns of a change with its next question, which it asks every second. It is told
    moments, not actions: both numbers must have begun after the one, the session logged on after
    the other. So nothing is done twice, whoever restarts.
    """

    def __init__(
        self, desk_store: DeskStore, store: FixSessionStore, maintenance: MaintenanceDesk
    ) -> None:
        self._desk_store = desk_store
        self._store = store
        self._maintenance = maintenance
        self._standings = FixStandings()
        self._name = secrets.token_hex(8)

    async def list_fix_sessions(self, query: FixSessionsQuery) -> FixSessionsReply:
        """List FIX sessions, those that the desk made and those that came by a logon."""
        rows = {_key(row): row for row in await self._store.changed_since(0)}
        keys = sorted(rows.keys() | self._standings.keys, key=lambda key: (key[1], key))
        return FixSessionsReply(
            fix_sessions=[
                self._reply(key, rows.get(key))
                for key in keys
                if query.account_id in {None, key[1]} and query.service in {None, key[0]}
            ]
        )

    async def show_fix_session(self, path: FixSessionPath) -> FixSessionReply:
        """Show a FIX session: its settings, and how it stands at each gateway."""
        key = _path_key(path)
        row = await self._store.session(key)
        if row is None and key not in self._standings.keys:
            raise _unknown()
        return self._reply(key, row)

    async def make_fix_session(self, body: MakeFixSession) -> FixSessionReply:
        """Make a FIX session with its settings, before anyone logs on."""
        await self._check_accounts([body.account_id], "account_id")
        await self._check_accounts(body.copied_accounts, "copied_accounts")
        key = (body.service, body.account_id, body.sender_comp_id)
        _check_service(body, body.service)
        row = await self._store.make(key, _settings(body))
        if row is None:
            raise OpsError(409, "session_exists", "there is such a session", "sender_comp_id")
        return self._reply(key, row)

    async def change_fix_session(
        self, path: FixSessionPath, body: ChangeFixSession
    ) -> FixSessionReply:
        """Change settings of a FIX session."""
        _check_service(body, path.service)
        await self._check_accounts(body.copied_accounts, "copied_accounts")
        key = _path_key(path)
        row = await self._store.session(key)
        if row is not None:
            given = body.model_dump(exclude_unset=True)
            least = given.get("heartbeat_min_s", row["heartbeat_min_s"])
            most = given.get("heartbeat_max_s", row["heartbeat_max_s"])
            if most and least > most:
                message = f"heartbeat_min_s {least} is above heartbeat_max_s {most}"
                raise OpsError(422, "invalid_request", message, "heartbeat_min_s")
        return await self._change(key, _settings(body))

    async def disable_fix_session(
        self, path: FixSessionPath, body: DisableFixSession
    ) -> FixSessionReply:
        """Log a FIX session out, and let nobody log on to it."""
        return await self._change(_path_key(path), {"disabled": body.reason})

    async def enable_fix_session(self, path: FixSessionPath) -> FixSessionReply:
        """Let a FIX session that was disabled log on again."""
        return await self._change(_path_key(path), {"disabled": ""})

    async def reset_fix_session(self, path: FixSessionPath) -> FixSessionReply:
        """Log a FIX session out, and start both of its sequence numbers at 1."""
        return await self._change(_path_key(path), {"reset_after_ns": time.time_ns()})

    async def log_out_fix_session(self, path: FixSessionPath) -> FixSessionReply:
        """Log a FIX session out; it may log on again."""
        return await self._change(_path_key(path), {"logout_after_ns": time.time_ns()})

    async def take_fix_standings(self, path: GatewayPath, body: TellStandings) -> FixRulesReply:
        """Take how a gateway's FIX sessions stand, and tell it what has changed for them."""
        self._standings.take(path.gateway, body.since, body.standings, time.monotonic())
        rows = await self._store.changed_since(body.since)
        # Never past what the rows show: a change since then is told with the next question. Below
        # `since` the database is an older one, restored, and the gateway asks for everything anew.
        version = rows[-1]["version"] if rows else min(body.since, await self._store.version())
        return FixRulesReply(
            desk=self._name,
            version=version,
            sessions=[FixRuleReply.model_validate(dict(row)) for row in rows],
            maintenance=(await self._maintenance.show_maintenance()).maintenance,
        )

    async def _check_accounts(self, account_ids: list[int], field: str) -> None:
        for account_id in account_ids:
            if not await self._desk_store.account_exists(account_id):
                message = f"there is no account {account_id}"
                raise OpsError(404, "unknown_account", message, field)

    async def _change(self, key: Key, values: dict[str, Any]) -> FixSessionReply:
        # One that came by a logon the desk knows from now on, too.
        is_live = key in self._standings.keys
        write = self._store.make_or_change if is_live else self._store.change
        row = await write(key, values)
        if row is None:
            raise _unknown()
        return self._reply(key, row)

    def _reply(self, key: Key, row: Row | None) -> FixSessionReply:
        now_s = time.monotonic()
        version = row["version"] if row is not None else 0
        settings = {name: row[name] for name in SETTINGS} if row is not None else {}
        return FixSessionReply(
            service=key[0],
            account_id=key[1],
            sender_comp_id=key[2],
            made=row is not None,
            disabled=row["disabled"] if row is not None else "",
            standings=list(self._standings.of(key, version, now_s)),
            pending=self._standings.pending(version, now_s),
            **settings,
        )


def _settings(body: ChangeFixSession) -> dict[str, Any]:
    given = body.model_dump(exclude_unset=True, include=set(SETTINGS))
    for name in ("reset_time", "copied_accounts"):  # they count for what comes after this
        if name in given:
            given[f"{name}_set_ns"] = time.time_ns()
    return given


def _check_service(body: ChangeFixSession, service: str) -> None:
    for name, only in OF_ONE_SERVICE.items():
        if service != only and getattr(body, name):
            message = f"{name} is for {only} alone, not for {service}"
            raise OpsError(422, "not_of_this_service", message, name)


def _path_key(path: FixSessionPath) -> Key:
    return path.service, path.account_id, path.sender_comp_id


def _key(row: Row) -> Key:
    return row["service"], row["account_id"], row["sender_comp_id"]


def _unknown() -> OpsError:
    return OpsError(404, "unknown_session", "there is no such FIX session")
