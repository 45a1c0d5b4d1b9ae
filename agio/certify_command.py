"""`agio certify`: a client's developer connects a FIX client, and is told what it does wrong."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import click

from agio.command_line import as_json, emit


@click.command()
@click.option("--port", type=int, default=0, help="Where the client connects. Default: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Interface to listen on.")
@click.option("--comp-id", default="AGIO", show_default=True, help="Our CompID.")
@click.option("--check", "names", multiple=True, help="Run this check alone; several.")
@click.option("--seconds", type=float, default=60.0, show_default=True, help="For each step.")
@as_json
def certify(
    *, port: int, host: str, comp_id: str, names: tuple[str, ...], seconds: float, as_json: bool
) -> None:
    """Certify a FIX client for order entry: a list of checks, one after the other.

    A counterparty listens on --port: the venue's own FIX sessions and engine, with BTCUSDT and an
    account that has enough of both, on nobody's data. Any Username(553) and Password(554) will do.
    Each line says what the client is to do next; what needs nothing of its operator says so. Ends
    with a report, and exits 1 unless every check is passed.
    """
    from agio import telemetry
    from agio.certify import run

    telemetry.configure_logging("error", None)
    try:
        checks = run.chosen(names)
    except ValueError as error:
        raise click.UsageError(str(error)) from None

    def tell(name: str, task: str) -> None:
        click.echo(f"> {name}: {task}", err=True)

    with tempfile.TemporaryDirectory(prefix="agio-certify-") as directory:
        grades = asyncio.run(
            run.certify(
                checks,
                directory=Path(directory),
                comp_id=comp_id,
                host=host,
                port=port,
                patience_s=seconds,
                tell=tell,
                when_open=lambda port: tell("open", f"connect to {host}:{port}"),
            )
        )
    passed = sum(grade.passed for grade in grades)
    lines = [
        f"{'pass' if grade.passed else 'FAIL'}  {grade.name:22} {grade.text}" for grade in grades
    ]
    lines.append(f"{passed} of {len(grades)} checks passed")
    is_passed = passed == len(grades)
    emit({"passed": is_passed, "checks": grades}, "\n".join(lines), as_json=as_json)
    if not is_passed:
        raise SystemExit(1)
