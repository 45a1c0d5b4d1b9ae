"""Logging on by signature: as Binance's clients do, once each, and slowly for who guesses."""

import base64
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.auth import signature
from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.engine_room import ALICE
from tests.gateway.fix_client import FixClient

PRIVATE_KEY = Ed25519PrivateKey.generate()
PUBLIC_KEY = base64.b64encode(PRIVATE_KEY.public_key().public_bytes_raw()).decode()
TRADER = {"account_id": ALICE, "sender_comp_ids": [], "permissions": ["trade"]}


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path, redis_url) as venue:
        venue.keys.keys["signer"] = TRADER | {"secret": "", "public_key": PUBLIC_KEY}
        yield venue


def logon(client: FixClient, sending_time: str, *, number: int = 1) -> bytes:
    """Return a Logon(A) as a client of Binance's FIX API sends it, but for the reset."""
    parts = ["A", client.comp_id, "AGIO", str(number), sending_time]
    signed = base64.b64encode(PRIVATE_KEY.sign("\x01".join(parts).encode())).decode()
    fields = {
        98: 0,
        108: 30,
        95: len(signed),
        96: signed,
        553: "signer",
        25035: 2,
        25036: 1,
    }
    data = client.encode("A", dict(fields), number=number, is_poss_dup=False, now=sending_time)
    client.next_number = number + 1
    return data


def now() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S.%f")


async def test_a_signed_logon_opens_a_session_and_its_copy_does_not(
    venue: SmallVenue, tmp_path: Path
) -> None:
    client = await FixClient.connect(venue.gateway.fix.order_entry.port)
    message = logon(client, now())
    client.send_bytes(message)
    assert (await client.receive())[35] == "A"
    client.enter("a1", "buy", "0.5", "50000")
    assert (await client.expect("8"))[150] == "0"
    await client.log_out()

    await venue.restart_gateway()
    thief = await FixClient.connect(venue.gateway.fix.order_entry.port)
    thief.send_bytes(message)
    refused = await thief.receive()
    assert (refused[35], refused[58]) == ("5", "this Logon(A) has been used: sign a new one")

    again = await FixClient.connect(venue.gateway.fix.order_entry.port)
    again.send_bytes(logon(again, now(), number=4))
    assert (await again.receive())[34] == "4"  # nothing the thief did has moved the numbers


async def test_a_signature_for_another_time_or_number_opens_nothing(venue: SmallVenue) -> None:
    client = await FixClient.connect(venue.gateway.fix.order_entry.port)
    sent = now()
    other = logon(client, sent, number=2).replace(b"\x0134=2\x01", b"\x0134=1\x01")
    body, _, _ = other.rpartition(b"10=")
    client.send_bytes(body + b"10=%03d\x01" % (sum(body) % 256))
    refused = await client.receive()
    assert (refused[35], refused[58]) == (
        "5",
        "Username(553), Password(554) or RawData(96) is wrong",
    )


async def test_a_secret_need_not_travel(venue: SmallVenue) -> None:
    client = await FixClient.connect(venue.gateway.fix.order_entry.port)
    sent = now()
    signed = f"A\x01TRADER\x01AGIO\x011\x01{sent}".encode()
    fields = {98: 0, 108: 30, 553: "alice", 554: signature("secret-of-alice", signed)}
    message = client.encode("A", dict(fields), number=1, is_poss_dup=False, now=sent)
    client.send_bytes(message)
    assert (await client.receive())[35] == "A"
    await client.close()
    copied = await FixClient.connect(venue.gateway.fix.order_entry.port)
    copied.send_bytes(message)
    assert "has been used" in (await copied.receive())[58]


async def test_guessing_gets_slower_and_the_owner_does_not_notice(venue: SmallVenue) -> None:
    owner = await venue.client("alice")
    waits = []
    for _ in range(4):
        stranger = await FixClient.connect(venue.gateway.fix.order_entry.port, "STRANGER")
        started = time.monotonic()
        assert (await stranger.log_on("alice", "no"))[35] == "5"
        waits.append(time.monotonic() - started)
    assert waits[1] > 0.2
    assert waits[2] > 0.4
    assert waits[3] > 0.8
    owner.enter("a1", "buy", "0.5", "50000")
    assert (await owner.expect("8"))[150] == "0"
    started = time.monotonic()
    assert (await venue.client("bob")) is not None
    assert time.monotonic() - started < 0.5


async def test_a_request_too_old_for_its_window_is_refused(venue: SmallVenue) -> None:
    client = await venue.client("alice")
    client.enter("a1", "buy", "0.5", "50000", t25000="5000")
    assert (await client.expect("8"))[150] == "0"
    client.enter("a2", "buy", "0.5", "50000", t25000="0.000001")
    refused = await client.expect("8")
    assert (refused[150], refused[58]) == (
        "8",
        "SendingTime(52) is older than RecvWindow(25000) allows",
    )
