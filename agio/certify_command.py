"""`agio certify`: a client's developer connects a FIX client, and is told what it does wrong."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from agio.command_line import as_json, emit

if TYPE_CHECKING:
    from agio.certify.proof import ExpectedProof
    from gateway.edge.tls import Tls

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--port", type=int, default=0, help="Where the client connects. Default: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Interface to listen on.")
@click.option("--comp-id", default="AGIO", show_default=True, help="Our CompID.")
@click.option("--check", "names", multiple=True, help="Run this check alone; several.")
@click.option("--seconds", type=float, default=60.0, show_default=True, help="For each step.")
@click.option(
    "--public-key",
    type=click.File("r"),
    help="The client's Ed25519 public key in PEM: RawData(96) must be its signature.",
)
@click.option(
    "--secret-file",
    type=click.File("r"),
    help="A secret that the client has, too: Password(554) must be an HMAC-SHA256 by it.",
)
@click.option("--tls-certificate", type=_FILE, help="Certificate in PEM: the client comes by TLS.")
@click.option("--tls-key", type=_FILE, help="The certificate's key in PEM.")
@as_json
def certify(
    *,
    port: int,
    host: str,
    comp_id: str,
    names: tuple[str, ...],
    seconds: float,
    public_key: TextIO | None,
    secret_file: TextIO | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    as_json: bool,
) -> None:
    """Certify a FIX client for order entry: a list of checks, one after the other.

    A counterparty listens on --port: the venue's own FIX sessions and engine, with BTCUSDT and an
    account that has enough of both, on nobody's data. Any Username(553) and Password(554) will do,
    unless a key or a secret is given: then each Logon(A) must be signed.
    Each line says what the client is to do next; what needs nothing of its operator says so. Ends
    with a report, and exits 1 unless every check is passed.
    """
    from agio import telemetry
    from agio.certify import run
    from gateway.edge.tls import TlsError

    telemetry.configure_logging("error", None)
    try:
        checks = run.chosen(names)
        proof = _proof(public_key, secret_file)
        tls = _tls(tls_certificate, tls_key)
    except (ValueError, TlsError) as error:
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
                proof=proof,
                tls=tls,
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


def _proof(public_key: TextIO | None, secret_file: TextIO | None) -> ExpectedProof | None:
    from accounts.keys import parse_public_key
    from agio.certify.proof import ExpectedProof

    if public_key is not None and secret_file is not None:
        raise ValueError("--public-key and --secret-file: one of the two")
    if public_key is not None:
        return ExpectedProof(public_key=parse_public_key(public_key.read()))
    return ExpectedProof(secret=secret_file.read().strip()) if secret_file is not None else None


def _tls(certificate: Path | None, key: Path | None) -> Tls | None:
    """Return the door's TLS. Raises `TlsError` and `ValueError`."""
    from gateway.edge.tls import Tls, TlsFiles

    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ValueError("--tls-certificate and --tls-key: both, or none")
    return Tls(TlsFiles(certificate, key))
