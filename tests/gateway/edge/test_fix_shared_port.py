"""Two gateway processes on one port: what one of them had, when it is killed, the other goes on."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agio import child_process
from tests.gateway.edge.careful_client import CarefulClient, wait_for_reports
from tests.gateway.edge.gateway_process import GatewayProcess
from tests.gateway.edge.shared_gateways import log_on, missed, open_orders
from tests.gateway.edge.small_venue import SmallVenue, small_venue, start_gateway
from tests.gateway.fix_client import FixClient

ORDERS = 400
KILLS = 4


class SharedPort:
    """A venue, and two gateways whose ports are the same; the kernel chooses."""

    def __init__(self, venue: SmallVenue, gateways: list[GatewayProcess], drop_copy: int) -> None:
        self.venue = venue
        self.gateways = gateways
        self.port = gateways[0].port
        self.drop_copy = drop_copy

    async def client(
        self, gateway: GatewayProcess, comp_id: str, *, is_copy: bool = False
    ) -> FixClient:
        """Return a connection to one of them."""
        while True:
            client = await FixClient.connect(self.drop_copy if is_copy else self.port, comp_id)
            await asyncio.sleep(0.01)
            if gateway.has_connection(client.local_port):
                return client
            await client.close()

    async def until_open(self, wanted: set[str]) -> None:
        async with asyncio.timeout(5):
            while open_orders(self.venue) != wanted:
                await asyncio.sleep(0.02)


@pytest.fixture
async def shared(tmp_path: Path, redis_url: str) -> AsyncIterator[SharedPort]:
    async with small_venue(tmp_path / "venue", redis_url) as venue:
        ports = {
            "port": child_process.free_port(),
            "fix_drop_copy_port": child_process.free_port(),
            "shares_ports": True,
        }
        gateways = await asyncio.gather(
            *(start_gateway(venue, tmp_path / "shared", redis_url, **ports) for _ in range(2))
        )
        yield SharedPort(venue, gateways, ports["fix_drop_copy_port"])
        for gateway in gateways:
            await gateway.kill()


async def test_a_killed_gateway_s_sessions_go_on_at_the_other_one(shared: SharedPort) -> None:
    rng = random.Random(1)
    client = CarefulClient(shared.port)
    await client.log_on()
    for kill in range(KILLS + 1):
        listening = asyncio.create_task(client.listen())
        last = ORDERS * (kill + 1) // (KILLS + 1)
        await client.enter_up_to(last, rng)
        if kill == KILLS:
            await wait_for_reports(client, listening, ORDERS)
            break
        [its_own] = [each for each in shared.gateways if each.has_connection(client.local_port)]
        await its_own.kill()
        await asyncio.wait([listening])
        await client.log_on()  # at once: there is the other one
        await its_own.start()
    answered = Counter(report[11] for report in client.reports)
    assert answered == {f"c{number}": 1 for number in range(ORDERS)}
    assert len({report[17] for report in client.reports}) == ORDERS
    accepted = {report[11] for report in client.reports if report[150] == "0"}
    assert accepted == open_orders(shared.venue)
    assert client.resent > 0


async def test_what_happens_while_its_gateway_is_killed_is_told_at_the_other(
    shared: SharedPort,
) -> None:
    first, second = shared.gateways
    alice, bob = await shared.client(first, "ALICE"), await shared.client(second, "BOB")
    copy = await shared.client(first, "COPY", is_copy=True)
    for client, key in ((alice, "alice"), (bob, "bob"), (copy, "reader")):
        await log_on(client, key)
    alice.enter("a1", "buy", "0.5", "50000")
    await alice.expect("8")
    await copy.expect("8")
    await first.kill()
    bob.enter("b1", "sell", "0.2", "50000")
    assert [(await bob.expect("8"))[150] for _ in range(2)] == ["0", "F"]

    for client, key in ((alice, "alice"), (copy, "reader")):
        again = await shared.client(second, client.comp_id, is_copy=client is copy)
        assert (await log_on(again, key, client.next_number))[34] == "4"
        trade = await missed(again, 3)
        assert (trade[34], trade[43], trade[150], trade[14]) == ("3", "Y", "F", "0.20000")


async def test_a_killed_gateway_s_orders_are_canceled_by_the_other_one_once(
    shared: SharedPort,
) -> None:
    first, second = shared.gateways
    desk, other = await shared.client(first, "DESK"), await shared.client(second, "OTHER")
    await log_on(desk, "alice", t8013="Y")
    await log_on(other, "alice", t8013="S")
    desk.enter("d1", "buy", "0.1", "50000")
    await desk.expect("8")
    await asyncio.sleep(0.6)
    assert open_orders(shared.venue) == {"d1"}  # to the second one, too, it is logged on
    await first.kill()
    await shared.until_open(set())
    # The account is canceled once, however many gateways find that its session is gone.
    other.enter("o1", "buy", "0.1", "50000")
    assert (await other.expect("8"))[150] == "0"
    await first.start()
    await asyncio.sleep(0.6)
    assert open_orders(shared.venue) == {"o1"}
    await other.close()
    await shared.until_open(set())


async def test_who_does_not_say_that_it_shares_a_port_does_not_get_it(
    tmp_path: Path, redis_url: str
) -> None:
    async with small_venue(tmp_path / "venue", redis_url) as venue:
        taken = {"port": venue.gateway.fix.order_entry.port, "shares_ports": True}
        with pytest.raises(AssertionError, match="the gateway ended"):
            await start_gateway(venue, tmp_path / "other", redis_url, **taken)
