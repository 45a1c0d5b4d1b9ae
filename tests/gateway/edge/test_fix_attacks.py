"""Attacks on the FIX door: each costs nobody but the attacker.

Replayed logons and guessed passwords: `test_fix_logons`. Plain text, old versions and strangers'
certificates on a TLS port: `test_fix_tls`. Huge jumps of numbers: `tests/fix_sessions`.
What needs many tries has a few hundred here, and 10,000 in `make attacks`.
"""

import asyncio
import math
import os
import random
import ssl
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gateway import throttle
from gateway.edge.tls import TlsFiles
from gateway.fix_application import order_flow
from tests.gateway.edge.certificates import Authority
from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.fix_client import FixClient

TRIES = int(os.environ.get("AGIO_ATTACKS", "400"))
TIMED = int(os.environ.get("AGIO_ATTACKS", "60"))
AT_ONCE = 20
T_MAX = 4.5
"""Welch's t beyond which two kinds of refusals differ in their time: once in 150,000 by chance."""


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


async def test_no_kind_of_wrong_logon_shows_in_its_time(
    venue: SmallVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Timing, by statistics: an unknown key, a known one, the beginning of its password (S7)."""
    monkeypatch.setattr(throttle, "FAILURES_FORGOTTEN_NS", 0)
    venue.keys.delay_s = 0.01  # what looking an unknown key up takes
    kinds: dict[str, Callable[[int], tuple[str, str]]] = {
        "known": lambda number: ("alice", f"guess-{number}"),
        "right beginning": lambda _number: ("alice", "secret-of-alicf"),
        "unknown": lambda number: (f"nobody{number}", "guess"),
    }
    tries = [(kind, number) for kind in kinds for number in range(TIMED // len(kinds))]
    random.Random(7).shuffle(tries)
    taken_s: defaultdict[str, list[float]] = defaultdict(list)

    async def guess() -> None:
        while tries:
            kind, number = tries.pop()
            client = await FixClient.connect(venue.gateway.fix.order_entry.port, "STRANGER")
            started = time.monotonic()
            assert (await client.log_on(*kinds[kind](number)))[35] == "5"
            taken_s[kind].append(time.monotonic() - started)
            await client.close()

    # Few at once: they must not wait for each other longer than a refusal is held back.
    await asyncio.gather(*(guess() for _ in range(4)))
    for kind in ("right beginning", "unknown"):
        assert abs(welch_t(taken_s["known"], taken_s[kind])) < T_MAX, kind


def welch_t(some: list[float], others: list[float]) -> float:
    """Return by how many standard errors two samples' means differ."""
    variances = [statistics.variance(each) / len(each) for each in (some, others)]
    return (statistics.mean(some) - statistics.mean(others)) / math.sqrt(sum(variances))


async def test_guesses_from_everywhere_keep_no_owner_out(venue: SmallVenue) -> None:
    """Brute force: bad logons from many addresses under many names, at one key (S8)."""
    port = venue.gateway.fix.order_entry.port
    owner = await venue.client("alice", "DESK")
    tries = list(range(TRIES))

    async def guess() -> None:
        while tries:
            number = tries.pop()
            address = f"127.1.{number // 500}.{number // 2 % 250 + 1}"  # two from each
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(address, 0)
            )
            stranger = FixClient(reader, writer, ("DESK", f"S{number}")[number % 2])
            assert (await stranger.log_on("alice", f"guess{number}"))[35] == "5"
            await stranger.close()

    guessing = asyncio.gather(*(guess() for _ in range(AT_ONCE)))
    slowest_s, entered = 0.0, 0
    while not guessing.done():
        started = time.monotonic()
        owner.enter(f"a{entered}", "buy", "0.0002", "50000")
        assert (await owner.expect("8"))[150] == "0"
        slowest_s = max(slowest_s, time.monotonic() - started)
        entered += 1
        await asyncio.sleep(0.05)
    await guessing
    assert slowest_s < 2
    started = time.monotonic()
    await venue.client("alice", "DESK2")  # with the right password, at once
    assert time.monotonic() - started < 2
    assert len(venue.gateway.fix._logons._delays._sources) <= throttle.FAILURE_SOURCES_MAX


async def test_a_request_that_waited_in_our_queue_is_too_late(
    venue: SmallVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Window edges: RecvWindow(25000) counts until a request is handed on, not until it came (S5).

    The matching process is slow, so the session is full, and read no further.
    """
    monkeypatch.setattr(order_flow, "PENDING_MAX", 5)
    client = await venue.client()
    link = venue.gateway.matching._transport
    assert link is not None
    link.pause_reading()
    for number in range(5):
        client.enter(f"a{number}", "buy", "0.01", "50000")
        await asyncio.sleep(0.01)
    before = venue.matching._engine.state.sequence
    client.enter("in-time", "buy", "0.01", "50000", t25000="60000")
    client.enter("late", "buy", "0.01", "50000", t25000="200")
    await asyncio.sleep(0.4)
    assert venue.matching._engine.state.sequence == before
    link.resume_reading()
    assert [(await client.expect("8"))[150] for _ in range(6)] == ["0"] * 6
    refused = await client.expect("8")
    assert (refused[11], refused[150]) == ("late", "8")
    assert refused[58] == "SendingTime(52) is older than RecvWindow(25000) allows"


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
