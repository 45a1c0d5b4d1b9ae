"""Clients of gateways that share their sessions."""

from typing import Any

from tests.gateway.edge.small_venue import SmallVenue
from tests.gateway.engine_room import ALICE
from tests.gateway.fix_client import FixClient


async def log_on(client: FixClient, key: str, number: int = 1, **more: Any) -> dict[int, str]:
    """Send a Logon(A) with a number and further fields as t141="Y"; return the answer."""
    client.next_number = number
    fields: dict[int, object] = {98: 0, 108: 30, 553: key, 554: f"secret-of-{key}"}
    client.send("A", fields | {int(tag[1:]): value for tag, value in more.items()})
    answer = await client.receive()
    assert answer[35] == "A", answer
    return answer


async def missed(client: FixClient, begin: int) -> dict[int, str]:
    """Ask for all from a number on; return the first report."""
    client.send("2", {7: begin, 16: 0})
    return await client.expect("8")


def open_orders(venue: SmallVenue) -> set[str]:
    """Return the ClOrdIDs of Alice's open orders."""
    orders = venue.gateway.orders.open_orders(ALICE)
    return {order.client_order_id.decode() for order in orders}
