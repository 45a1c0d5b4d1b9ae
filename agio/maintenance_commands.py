"""`agio maintenance`: tell every client beforehand, log them out, and let them in again."""

from __future__ import annotations

import time
from typing import Any

import click

from agio.command_line import as_json, asks, emit, with_ops
from agio.configuration import Configuration


@click.group()
def maintenance() -> None:
    """Announce maintenance to every client, by the ops HTTP of the venue.

    FIX clients get News(B) at once and when 10, 5 and 1 minutes are left, WebSocket clients
    `serverShutdown`. When it begins all FIX sessions are logged out, and nobody logs on until
    `agio maintenance end`. The matching process goes on: halt instruments if they shall not trade.
    """


@maintenance.command("announce")
@click.option("--in", "in_minutes", type=float, required=True, help="Minutes from now.")
@click.option("--text", required=True, help="What it is about, told to clients.")
@as_json
@asks
def announce(settings: Configuration, *, in_minutes: float, text: str, as_json: bool) -> None:
    """Announce a maintenance that begins in so many minutes."""
    body = {"in_s": round(in_minutes * 60), "text": text}
    told = with_ops(settings, lambda ops: ops.request("POST", "/maintenance", body))
    emit(told, _line(told), as_json=as_json)


@maintenance.command("show")
@as_json
@asks
def show(settings: Configuration, *, as_json: bool) -> None:
    """Show what is announced, or going on."""
    told = with_ops(settings, lambda ops: ops.request("GET", "/maintenance"))
    emit(told, _line(told), as_json=as_json)


@maintenance.command("end")
@as_json
@asks
def end(settings: Configuration, *, as_json: bool) -> None:
    """End the maintenance, or take its announcement back: clients may log on."""
    told = with_ops(settings, lambda ops: ops.request("DELETE", "/maintenance"))
    emit(told, _line(told), as_json=as_json)


def _line(told: dict[str, Any]) -> str:
    announced = told["maintenance"]
    if announced is None:
        return "no maintenance is announced"
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(announced["at_ns"] / 1e9))
    return f"maintenance from {when} UTC on: {announced['text']}"
