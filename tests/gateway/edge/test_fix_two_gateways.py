"""Sessions divided among two gateway processes: each gets its own reports, once, whoever traded."""

from collections import Counter
from pathlib import Path

from tests.gateway.edge.gateway_process import GatewayProcess
from tests.gateway.edge.small_venue import small_venue, start_gateway
from tests.gateway.fix_client import FixClient

ORDERS = 100
"""Of each of four sessions: a buyer's and a seller's at each gateway."""


async def log_on(process: GatewayProcess, key: str, comp_id: str) -> FixClient:
    client = await FixClient.connect(process.port, comp_id)
    assert (await client.log_on(key, f"secret-of-{key}"))[35] == "A"
    return client


async def test_sessions_at_two_gateways_trade_as_at_one(tmp_path: Path, redis_url: str) -> None:
    async with small_venue(tmp_path / "venue", redis_url) as venue:
        gateways = [await start_gateway(venue, tmp_path / name, redis_url) for name in ("a", "b")]
        sides = {"buy": "alice", "sell": "bob"}
        clients = {
            f"{side}{place}": await log_on(each, key, f"{side}{place}")
            for place, each in enumerate(gateways)
            for side, key in sides.items()
        }
        for number in range(ORDERS):
            for name, client in clients.items():
                client.enter(f"{name}-{number}", name[:-1], "0.01", "50000")
        reports = {
            name: [await client.expect("8") for _ in range(2 * ORDERS)]
            for name, client in clients.items()
        }
        traded: Counter[str] = Counter()
        for name, own in reports.items():
            assert {each[11] for each in own} == {f"{name}-{number}" for number in range(ORDERS)}
            assert Counter(each[150] for each in own) == {"0": ORDERS, "F": ORDERS}
            assert [int(each[34]) for each in own] == list(range(2, 2 * ORDERS + 2))
            traded.update(each[527] for each in own if each[150] == "F")
        assert set(traded.values()) == {2}  # each trade is told to both sides, wherever they are

        # What stands at one gateway is known at the other, and outlives it.
        clients["buy0"].enter("last", "buy", "0.01", "40000")
        assert (await clients["buy0"].expect("8"))[150] == "0"
        await gateways[0].kill()
        clients["buy1"].cancel("x1", "last")
        assert (await clients["buy1"].expect("8"))[39] == "4"
        await gateways[0].start()
        again = await FixClient.connect(gateways[0].port, "buy0")
        again.next_number = clients["buy0"].next_number
        assert (await again.log_on("alice", "secret-of-alice"))[34] == str(2 * ORDERS + 4)
        for each in gateways:
            await each.kill()
