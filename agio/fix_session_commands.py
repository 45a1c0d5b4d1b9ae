"""`agio fix-session`: FIX sessions listed, made, changed, disabled and reset while all runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import click

from agio.command_line import as_json, asks, emit, with_ops
from agio.configuration import Configuration
from agio.ops_client import OpsClient

APPLIED_WITHIN_S = 5.0
POLL_S = 0.2
SERVICES = ("order_entry", "drop_copy", "market_data")

Command = Callable[..., None]


@click.group("fix-session")
def fix_session() -> None:
    """Administer FIX sessions, by the ops HTTP of the venue on --data or AGIO_OPS_URL.

    A session is an ACCOUNT (its name), a COMP_ID (the client's SenderCompID(49)) and a service. A
    change is carried out within two seconds; commands wait until every gateway knows of it.
    """


def _names_session(command: Command) -> Command:
    for parameter in (
        click.option("--service", type=click.Choice(SERVICES), default="order_entry"),
        click.argument("comp_id"),
        click.argument("account"),
    ):
        command = parameter(command)
    return command


def _settings(command: Command) -> Command:
    for option in (
        click.option("--certificate", help="Common name of the client's TLS certificate."),
        click.option("--address", "addresses", multiple=True, help="CIDR to log on from; several."),
        click.option("--any-address", is_flag=True, help="Let it log on from everywhere again."),
        click.option(
            "--hours",
            help="When it may be logged on, in UTC: HH:MM-HH:MM, or 'sunday 17:00-friday 17:00'; "
            "'' always.",
        ),
        click.option(
            "--copy-account",
            "copied_accounts",
            multiple=True,
            help="An account whose reports a drop copy has, too, by its name; several.",
        ),
        click.option(
            "--own-account-alone", is_flag=True, help="Let it copy its own account alone."
        ),
        click.option(
            "--reset-time",
            help="When both numbers begin at 1 anew, '[WEEKDAY ]HH:MM[:SS]' in UTC, or never; "
            "'' is as the venue has it.",
        ),
        click.option("--cancel-grace-ms", type=int, help="How long it may be gone before that."),
        click.option(
            "--cancel-on-disconnect",
            type=click.Choice(["", "S", "Y"]),
            help="What 8013 is where a Logon(A) has none: S the session's orders, Y the account's.",
        ),
        click.option("--orders-per-s", type=int, help="How many orders a second it may enter."),
        click.option("--heartbeat-max", "heartbeat_max_s", type=int, help="HeartBtInt(108) to."),
        click.option("--heartbeat-min", "heartbeat_min_s", type=int, help="HeartBtInt(108) from."),
    ):
        command = option(command)
    return command


@fix_session.command("list")
@click.option("--account", help="Of one account alone, by its name.")
@as_json
@asks
def list_sessions(settings: Configuration, *, account: str | None, as_json: bool) -> None:
    """List sessions: where each is logged on, its next numbers out and in, its last message."""

    async def ask(ops: OpsClient) -> dict[str, Any]:
        of_one = f"?account_id={await ops.account_id(account)}" if account is not None else ""
        return await ops.request("GET", f"/fix-sessions{of_one}")

    found = with_ops(settings, ask)
    lines = [line for entry in found["fix_sessions"] for line in _lines(entry)]
    emit(found, "\n".join(lines) or "no sessions yet", as_json=as_json)


@fix_session.command("show")
@_names_session
@as_json
@asks
def show_session(
    settings: Configuration, *, account: str, comp_id: str, service: str, as_json: bool
) -> None:
    """Show a session's settings, and how it stands at each gateway."""

    async def ask(ops: OpsClient) -> dict[str, Any]:
        return await ops.request("GET", await _path(ops, account, comp_id, service))

    found = with_ops(settings, ask)
    told = {"standings", "pending", "service", "account_id", "sender_comp_id"}
    lines = _lines(found)
    lines += [f"  {name} {value}" for name, value in found.items() if value and name not in told]
    emit(found, "\n".join(lines), as_json=as_json)


@fix_session.command("make")
@_names_session
@_settings
@as_json
@asks
def make_session(
    settings: Configuration,
    *,
    account: str,
    comp_id: str,
    service: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Make a session before anyone logs on."""

    async def ask(ops: OpsClient) -> dict[str, Any]:
        number = await ops.account_id(account)
        body = {"account_id": number, "sender_comp_id": comp_id, "service": service}
        made = await ops.request(
            "POST", "/fix-sessions", body | await _numbered(ops, _named(given))
        )
        return await _until_applied(ops, _path_of(made), made)

    made = with_ops(settings, ask)
    emit(made, f"made {comp_id} of {account}, {service}{_not_yet(made)}", as_json=as_json)


@fix_session.command("set")
@_names_session
@_settings
@as_json
@asks
def change_session(
    settings: Configuration,
    *,
    account: str,
    comp_id: str,
    service: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Change settings of a session. Most count from its next logon; the message rate at once."""
    named = _named(given)
    if not named:
        raise click.UsageError("name a setting to change")
    _change(settings, (account, comp_id, service), "", named, "changed", as_json=as_json)


@fix_session.command("disable")
@_names_session
@click.option("--reason", default="by the venue", show_default=True, help="Told to the client.")
@as_json
@asks
def disable_session(
    settings: Configuration,
    *,
    account: str,
    comp_id: str,
    service: str,
    reason: str,
    as_json: bool,
) -> None:
    """Log a session out with a reason, and let nobody log on to it."""
    session = account, comp_id, service
    _change(settings, session, "/disable", {"reason": reason}, "disabled", as_json=as_json)


def _add_change(name: str, done: str, summary: str) -> None:
    @fix_session.command(name, help=summary)
    @_names_session
    @as_json
    @asks
    def change(
        settings: Configuration, *, account: str, comp_id: str, service: str, as_json: bool
    ) -> None:
        _change(settings, (account, comp_id, service), f"/{name}", {}, done, as_json=as_json)


_add_change("enable", "enabled", "Let a session that was disabled log on again.")
_add_change("reset", "reset", "Log a session out, and start both of its numbers at 1.")
_add_change("logout", "logged out", "Log a session out; it may log on again.")


def _change(
    settings: Configuration,
    session: tuple[str, str, str],
    what: str,
    body: dict[str, Any],
    done: str,
    *,
    as_json: bool,
) -> None:
    async def ask(ops: OpsClient) -> dict[str, Any]:
        path = await _path(ops, *session)
        changed = await ops.request("POST", f"{path}{what}", await _numbered(ops, body))
        return await _until_applied(ops, path, changed)

    changed = with_ops(settings, ask)
    account, comp_id, service = session
    text = f"{done} {comp_id} of {account}, {service}{_not_yet(changed)}"
    emit(changed, text, as_json=as_json)


async def _until_applied(ops: OpsClient, path: str, changed: dict[str, Any]) -> dict[str, Any]:
    deadline_s = time.monotonic() + APPLIED_WITHIN_S
    while changed["pending"] and time.monotonic() < deadline_s:
        await asyncio.sleep(POLL_S)
        changed = await ops.request("GET", path)
    return changed


async def _path(ops: OpsClient, account: str, comp_id: str, service: str) -> str:
    return f"/fix-sessions/{service}/{await ops.account_id(account)}/{quote(comp_id, safe='')}"


def _path_of(session: dict[str, Any]) -> str:
    comp_id = quote(session["sender_comp_id"], safe="")
    return f"/fix-sessions/{session['service']}/{session['account_id']}/{comp_id}"


def _named(given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that the command line names."""
    is_emptied = {
        "addresses": given.pop("any_address"),
        "copied_accounts": given.pop("own_account_alone"),
    }
    lists = {name: list(given.pop(name)) for name in is_emptied}
    named = {name: value for name, value in given.items() if value is not None}
    return named | {name: each for name, each in lists.items() if each or is_emptied[name]}


async def _numbered(ops: OpsClient, named: dict[str, Any]) -> dict[str, Any]:
    """Return settings with the numbers of the accounts that they name."""
    if "copied_accounts" not in named:
        return named
    numbers = [await ops.account_id(name) for name in named["copied_accounts"]]
    return named | {"copied_accounts": numbers}


def _not_yet(changed: dict[str, Any]) -> str:
    pending = ", ".join(changed["pending"])
    return f"; not heard of yet by {pending}" if pending else ""


def _lines(session: dict[str, Any]) -> list[str]:
    name = f"{session['account_id']:>6} {session['sender_comp_id']:20} {session['service']:11}"
    note = f" disabled: {session['disabled']}" if session["disabled"] else ""
    standings = session["standings"]
    if not standings:
        return [f"{name} not logged on yet{note}"]
    return [f"{name} {_standing(standing)}{note}" for standing in standings]


def _standing(standing: dict[str, Any]) -> str:
    received_ms = standing["last_received_ms"]
    last = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(received_ms / 1000))
    return (
        f"{standing['state']:12} at {standing['gateway']} {standing['address']:15} next out "
        f"{standing['next_sender_msg_seq_num']} in {standing['next_target_msg_seq_num']} "
        f"last {last if received_ms else '-'}"
    )
