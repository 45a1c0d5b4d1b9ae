"""The certification passes a client that is right, and names what is wrong with one that isn't."""

import asyncio
import base64
import json
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agio.certify.checks import CHECKS
from agio.certify.proof import ExpectedProof
from agio.certify.run import Grade, certify, chosen
from gateway.auth import signature
from gateway.edge.tls import Tls, TlsFiles
from gateway.fix import tags
from tests.agio.certify.client import Client
from tests.gateway.edge.certificates import Authority

PATIENCE_S = 2.5
Sign = Callable[[bytes], list[tuple[int, bytes]]]


async def graded(
    directory: Path,
    *names: str,
    broken: str = "",
    sign: Sign | None = None,
    trusting: ssl.SSLContext | None = None,
    **how: Any,
) -> list[Grade]:
    """Let our own client, broken in one check, go through the checks of these names."""
    clients: list[Client] = []
    try:
        return await certify(
            chosen(names),
            directory=directory,
            comp_id="AGIO",
            host="127.0.0.1",
            port=0,
            patience_s=PATIENCE_S,
            tell=lambda name, task: clients[0].do(name, task),  # noqa: PLW0108 (made when open)
            when_open=lambda port: clients.append(Client(port, broken, sign, trusting)),
            **how,
        )
    finally:
        await clients[0].stop()


def failed(grades: list[Grade]) -> dict[str, str]:
    return {grade.name: grade.text for grade in grades if not grade.passed}


async def test_our_own_client_passes_every_check(tmp_path: Path) -> None:
    grades = await graded(tmp_path)
    assert failed(grades) == {}
    assert [grade.name for grade in grades] == [check.name for check in CHECKS]


WRONG = {
    "logon": "Username(553), the API key, is missing in Logon(A)",
    "heartbeat": "no Heartbeat(0) within",
    "test_request": "no Heartbeat(0) with TestReqID(112)=certify-",
    "new_order": "no order that the venue could accept within",
    "partial_fill": "the client refused a message of ours: what is this?",
    "gap": "was lost",
    "replace": "no OrderCancelReplaceRequest(G) within",
    "cancel": "no cancel that the venue could carry out within",
    "order_reject": "the client fell silent: the connection ended",
    "business_reject": "the client fell silent: the connection ended",
    "session_reject": "the client fell silent: the connection ended",
    "resend": "PossDupFlag(43)=Y is missing in what was sent again",
    "cancel_on_disconnect": "Logout(5) was sent: drop the connection without",
    "venue_logout": "Logout(5) was not answered",
    "logout": "no Logout(5)",
}


@pytest.mark.parametrize("broken", WRONG)
async def test_a_client_broken_in_one_way_fails_that_check_alone(
    tmp_path: Path, broken: str
) -> None:
    # With the check before it and the one behind it: what breaks one must not break the next.
    names = [check.name for check in CHECKS]
    place = names.index(broken)
    around = names[max(place - 1, 0) : place + 2]
    grades = await graded(tmp_path, *around, broken=broken)
    assert list(failed(grades)) == [broken]
    assert WRONG[broken] in failed(grades)[broken]
    assert len(grades) == len(around)


ED25519 = Ed25519PrivateKey.generate()
SECRET = "shared"
KEY_PROOF = {"public_key": ED25519.public_key().public_bytes_raw()}
SECRET_PROOF = {"secret": SECRET}


def by_key(signed: bytes) -> list[tuple[int, bytes]]:
    data = base64.b64encode(ED25519.sign(signed))
    return [(tags.RawDataLength, b"%d" % len(data)), (tags.RawData, data)]


def by_secret(signed: bytes) -> list[tuple[int, bytes]]:
    return [(tags.Password, signature(SECRET, signed).encode())]


@pytest.mark.parametrize(
    ("sign", "proof", "fault"),
    [
        (by_key, KEY_PROOF, ""),
        (by_secret, SECRET_PROOF, ""),
        (lambda _signed: by_key(b"A\x01CLIENT"), KEY_PROOF, "RawData(96) is not the key's Ed25519"),
        (by_secret, {"secret": "another"}, "Password(554) is not the HMAC-SHA256"),
        (lambda _: [(tags.Password, SECRET.encode())], SECRET_PROOF, "is the secret itself"),
        (by_secret, KEY_PROOF, "RawData(96) is not the key's Ed25519"),
    ],
)
async def test_each_logon_is_signed_as_it_was_agreed(
    tmp_path: Path, sign: Sign, proof: dict[str, Any], fault: str
) -> None:
    names = ("logon", "cancel_on_disconnect")
    grades = await graded(tmp_path, *names, sign=sign, proof=ExpectedProof(**proof))
    assert set(failed(grades)) == (set(names) if fault else set())
    assert all(fault in text for text in failed(grades).values())


async def test_a_client_is_certified_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = Tls(TlsFiles(*authority.issue("venue")))
    trusting = ssl.create_default_context(cafile=str(authority.file))
    assert failed(await graded(tmp_path, "logon", "new_order", trusting=trusting, tls=tls)) == {}


def test_every_check_has_a_client_that_fails_it() -> None:
    assert list(WRONG) == [check.name for check in CHECKS]


async def test_the_command_reports_and_says_by_its_status_whether_all_passed() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agio", "certify", "--json", "--seconds", "2"),
        *("--check", "logon", "--check", "replace"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    client: Client | None = None
    async for line in process.stderr:
        name, _, task = line.decode().removeprefix("> ").strip().partition(": ")
        if name == "open":
            client = Client(int(task.rpartition(":")[2]), "replace")
        elif client is not None:
            client.do(name, task)
    report = json.loads(await process.stdout.read())
    assert client is not None
    await client.stop()
    assert await process.wait() == 1
    assert report["passed"] is False
    assert [grade["passed"] for grade in report["checks"]] == [True, False]
