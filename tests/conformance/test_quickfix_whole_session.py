"""QuickFIX at order entry and drop copy, through restarts of both sides, plain and over TLS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.edge.tls import TlsFiles
from tests.conformance.tls_tunnel import tls_tunnel
from tests.gateway.edge.certificates import Authority
from tests.gateway.edge.small_venue import SmallVenue

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

quickfix_client = pytest.importorskip(
    "tests.conformance.quickfix_client", reason="quickfix is not installed: make conformance"
)

BUY: dict[int, object] = {55: "BTCUSDT", 54: 1, 38: "0.5", 40: 2, 44: "100.00", 59: 1}
SELL = BUY | {54: 2}
SAME = (37, 11, 17, 150, 39, 38, 14, 151, 6, 31, 32)
"""What a copy has of its report."""


class Doors:
    """A venue, and QuickFIX clients of it whose stores stay in their directories."""

    def __init__(self, directory: Path, redis_url: str, authority: Authority | None) -> None:
        self.venue = SmallVenue(directory, redis_url)
        self._directory = directory
        self._authority = authority
        files = TlsFiles(*authority.issue("venue")) if authority else None
        self._more: dict[str, Any] = {"fix_tls": files}

    async def start(self) -> None:
        await self.venue.start(**self._more)

    async def restart_gateway(self) -> None:
        await self.venue.gateway.stop()
        self.venue.gateway = self.venue.make_gateway(**self._more)
        await self.venue.gateway.start()

    @asynccontextmanager
    async def client(self, key: str, comp_id: str, *, is_copy: bool = False) -> AsyncIterator[Any]:
        fix = self.venue.gateway.fix
        port = fix.drop_copy.port if is_copy else fix.order_entry.port
        async with AsyncExitStack() as stack:
            if self._authority is not None:
                port = await stack.enter_async_context(tls_tunnel(port, self._authority.file))
            credentials = {"api_key": key, "secret": f"secret-of-{key}"}
            client = quickfix_client.QuickFixClient(
                port, self._directory / comp_id, credentials, comp_id
            )
            await asyncio.to_thread(client.__enter__)
            try:
                yield client
            finally:
                await asyncio.to_thread(client.stop)
            assert client.rejects_sent == []


@pytest.fixture(params=["plain", "tls"])
async def doors(
    request: pytest.FixtureRequest, tmp_path: Path, redis_url: str
) -> AsyncIterator[Doors]:
    authority = Authority(tmp_path) if request.param == "tls" else None
    doors = Doors(tmp_path, redis_url, authority)
    await doors.start()
    yield doors
    await doors.venue.stop()


async def take(client: Any, count: int) -> list[dict[int, str]]:
    """Return the next reports."""
    return [await asyncio.to_thread(client.report) for _ in range(count)]


def told(reports: list[dict[int, str]]) -> list[tuple[str | None, ...]]:
    return [tuple(each.get(tag) for tag in SAME) for each in reports]


def fields(tag: int) -> Callable[[list[dict[int, str]]], list[str]]:
    return lambda reports: [each[tag] for each in reports]


kinds, flags = fields(150), fields(43)


async def test_reports_and_their_copies_outlive_both_sides(doors: Doors) -> None:
    async with (
        doors.client("alice", "COPY", is_copy=True) as copy,
        doors.client("alice", "DESK") as desk,
        doors.client("bob", "BOB") as bob,
    ):
        desk.send("D", BUY | {11: "a1"})
        desk.send("G", BUY | {11: "a2", 41: "a1", 38: "0.8"})
        reports = await take(desk, 2)
        bob.send("D", SELL | {11: "b1", 38: "0.2"})
        reports += await take(desk, 1)
        desk.send("D", BUY | {11: "a3", 44: "100.001"})
        desk.send("F", {11: "x1", 41: "no-such", 55: "BTCUSDT", 54: 1})
        reports += await take(desk, 2)
        assert [each[35] for each in reports] == ["8", "8", "8", "8", "9"]
        assert kinds(reports[:4]) == ["0", "5", "F", "8"]
        copies = await take(copy, 3)
        assert told(copies) == told(reports[:3])
        assert {each[797] for each in copies} == {"Y"}
        await take(bob, 2)

    # Nobody of Alice's is there; the gateway goes as well before they come back.
    async with doors.client("bob", "BOB") as bob:
        bob.send("D", SELL | {11: "b2", 38: "0.1"})
        assert kinds(await take(bob, 2)) == ["0", "F"]
    await doors.restart_gateway()

    async with (
        doors.client("alice", "COPY", is_copy=True) as copy,
        doors.client("alice", "DESK") as desk,
    ):
        missed, copied = await take(desk, 1), await take(copy, 1)
        assert (flags(missed), flags(copied)) == (["Y"], ["Y"])
        assert (kinds(missed), told(copied)) == (["F"], told(missed))
        assert missed[0][14] == "0.30000"
        desk.send("F", {11: "x2", 41: "a2", 55: "BTCUSDT", 54: 1})
        [canceled], [copied_cancel] = await take(desk, 1), await take(copy, 1)
        assert (canceled[150], canceled[14], canceled[151]) == ("4", "0.30000", "0.00000")
        assert told([copied_cancel]) == told([canceled])
        assert copied_cancel[797] == "Y"
        assert 43 not in copied_cancel
        desk.send("D", BUY | {11: "a1"})  # the name stays that of the first order
        assert kinds(await take(desk, 1)) == ["I"]
