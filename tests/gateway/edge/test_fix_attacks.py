"""Attacks on the FIX door that need neither luck nor patience: each costs nobody but the attacker.

Replayed logons and guessed passwords: `test_fix_logons`. Plain text, old versions and strangers'
certificates on a TLS port: `test_fix_tls`. Huge jumps of numbers: `tests/fix_sessions`.
"""

import asyncio
import ssl
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gateway import throttle
from gateway.edge.tls import TlsFiles
from tests.gateway.edge.certificates import Authority
from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.fix_client import FixClient


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path, redis_url) as venue:
        yield venue


def bytes_sent() -> float:
    labels = {"service": "order_entry"}
    return REGISTRY.get_sample_value("agio_gateway_fix_bytes_sent_total", labels) or 0.0


async def refused_after_s(venue: SmallVenue, key: str) -> float:
    """Return how long a first guess at a key's password takes to be refused."""
    client = await FixClient.connect(venue.gateway.fix.order_entry.port, "STRANGER")
    started = time.monotonic()
    assert (await client.log_on(key, "guess"))[35] == "5"
    taken_s = time.monotonic() - started
    await client.close()
    return taken_s


async def test_the_time_of_a_refusal_does_not_tell_which_keys_exist(
    venue: SmallVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Timing: a known key is judged here, an unknown one asked for elsewhere, slowly."""
    monkeypatch.setattr(throttle, "FAILURES_FORGOTTEN_NS", 0)  # each guess is held back alike
    await venue.client("alice")
    venue.keys.delay_s = 0.07
    known = [await refused_after_s(venue, "alice") for _ in range(5)]
    unknown = [await refused_after_s(venue, f"nobody{number}") for number in range(5)]
    least_s = throttle.FAILURE_DELAY_NS_MIN / 1e9
    for times in (known, unknown):
        assert min(times) >= least_s
        assert statistics.median(times) < 1.5 * least_s


async def test_a_hijacker_of_a_live_session_learns_and_changes_nothing(venue: SmallVenue) -> None:
    """Duplicate logon: with the right key cut off unheard, with a wrong one refused as any."""
    owner = await venue.client()
    owner.enter("a1", "buy", "0.5", "50000")
    assert (await owner.expect("8"))[34] == "2"
    port = venue.gateway.fix.order_entry.port
    wrong = await FixClient.connect(port)
    refused = await wrong.log_on("alice", "guess", is_reset=True)
    assert (refused[35], refused[34]) == ("5", "1")  # a number of its own, not the session's next
    right = await FixClient.connect(port)
    with pytest.raises(ConnectionError):
        await right.log_on("alice", "secret-of-alice", is_reset=True)
    other = await FixClient.connect(port)  # the name of the session, another account's key
    assert (await other.log_on("bob", "secret-of-bob"))[34] == "1"
    owner.send("1", {112: "still mine"})
    beat = await owner.expect("0")
    assert (beat[112], beat[34]) == ("still mine", "3")
    other.send("2", {7: 1, 16: 0})
    gap = await other.receive()
    assert (gap[35], gap[36]) == ("4", "2")  # its own Logon(A), and no report of Alice's


async def test_a_hostile_session_is_sent_no_more_than_it_reads(venue: SmallVenue) -> None:
    """Sequence poisoning: all is asked for again, over and over; others do not wait."""
    hostile, other = await venue.client("alice"), await venue.client("bob")
    for number in range(50):
        hostile.enter(f"a{number}", "buy", "0.0002", "50000")
        await hostile.expect("8")
    before = bytes_sent()
    requests = 2_000
    for _ in range(requests):
        hostile.send("2", {7: 1, 16: 2_147_483_647})
    started = time.monotonic()
    other.enter("b1", "sell", "0.1", "60000")
    assert (await other.expect("8"))[150] == "0"
    assert time.monotonic() - started < 5
    await asyncio.sleep(0.2)
    each = 51 * 300  # bytes of one resend
    assert bytes_sent() - before < requests * each / 10


async def logged_on(port: int, name: str, tls: ssl.SSLContext) -> None:
    client = await FixClient.connect(port, name, tls=tls)
    await client.log_on("alice", "secret-of-alice")


async def test_tls_refuses_what_has_expired_and_what_is_weak(
    tmp_path: Path, redis_url: str
) -> None:
    (tmp_path / "pki").mkdir()
    authority = Authority(tmp_path / "pki")
    files = TlsFiles(*authority.issue("venue"), authority.file)
    async with small_venue(tmp_path, redis_url, fix_tls=files) as venue:
        port = venue.gateway.fix.order_entry.port
        contexts = []
        for name, hours, ciphers in (
            ("late", -1, ""),
            ("weak", 1, "NULL:@SECLEVEL=0"),
            ("plain", 1, "AES128-SHA"),  # no forward secrecy, no authenticated encryption
        ):
            context = ssl.create_default_context(cafile=str(authority.file))
            context.load_cert_chain(*authority.issue(name, hours=hours))
            if ciphers:
                context.maximum_version = ssl.TLSVersion.TLSv1_2
                context.set_ciphers(ciphers)
            contexts.append((name, context))
        for name, context in contexts:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await logged_on(port, name, context)
