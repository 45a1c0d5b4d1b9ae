"""A gateway killed at any moment: each order executes once, each report arrives once, in order."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.gateway.edge.careful_client import CarefulClient, wait_for_reports
from tests.gateway.edge.small_venue import small_venue, start_gateway
from tests.gateway.fix_client import FixClient

ORDERS = 600
KILLS = 6


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_killed_gateway_loses_nothing_and_repeats_nothing(
    tmp_path: Path, redis_url: str, seed: int
) -> None:
    rng = random.Random(seed)
    async with small_venue(tmp_path / "venue", redis_url) as venue:
        process = await start_gateway(venue, tmp_path / "killed", redis_url)
        client = CarefulClient(process.port)
        await client.log_on()
        for kill in range(KILLS + 1):
            listening = asyncio.create_task(client.listen())
            last = ORDERS * (kill + 1) // (KILLS + 1)
            await client.enter_up_to(last, rng)
            if kill == KILLS:
                await wait_for_reports(client, listening, ORDERS)
                break
            await process.kill()
            await asyncio.wait([listening])
            assert isinstance(listening.exception(), ConnectionError), listening.exception()
            await process.start()
            await client.log_on()
        await process.kill()

        answered = Counter(report[11] for report in client.reports)
        assert answered == {f"c{number}": 1 for number in range(ORDERS)}
        execution_ids = [report[17] for report in client.reports]
        assert len(set(execution_ids)) == len(execution_ids)
        accepted = [report[11] for report in client.reports if report[150] == "0"]
        resting = [order.client_order_id.decode() for order in venue.gateway.orders.open_orders(1)]
        assert accepted == resting
        assert client.resent > 0


async def test_reports_made_while_the_gateway_was_away_are_delivered(
    tmp_path: Path, redis_url: str
) -> None:
    async with small_venue(tmp_path / "venue", redis_url) as venue:
        process = await start_gateway(venue, tmp_path / "killed", redis_url)
        alice = await FixClient.connect(process.port)
        await alice.log_on("alice", "secret-of-alice")
        alice.enter("a1", "buy", "0.5", "50000")
        await alice.expect("8")
        await process.kill()

        bob = await venue.client("bob")  # through another gateway
        bob.enter("b1", "sell", "0.2", "50000")
        assert (await bob.expect("8"))[150] == "0"
        assert (await bob.expect("8"))[150] == "F"

        await process.start()
        again = await FixClient.connect(process.port)
        again.next_number = alice.next_number
        assert (await again.log_on("alice", "secret-of-alice"))[34] == "4"
        again.send("2", {7: 3, 16: 0})
        trade = await again.expect("8")
        assert (trade[34], trade[43], trade[150], trade[14]) == ("3", "Y", "F", "0.20000")
        await process.kill()
