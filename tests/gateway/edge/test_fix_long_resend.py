"""A day's messages are asked for at once: they come from disk, in order, and nobody else waits."""

import asyncio
import time
from pathlib import Path

from gateway.edge.sent_messages import SentMessages
from gateway.fix.outbound import store_application
from tests.gateway.edge.small_venue import small_venue
from tests.gateway.engine_room import ALICE
from tests.gateway.fix.session_pair import report
from tests.gateway.fix_client import FixClient

MESSAGES = 100_000


def have_sent(directory: Path) -> None:
    """Write the files of a session that was sent so much while it was away."""
    store = SentMessages(directory / "gateway" / "fix" / "order_entry" / f"{ALICE}-TRADER", 0)
    for number in range(1, MESSAGES + 1):
        store_application(b"AGIO", b"TRADER", store, b"8", report(b"o%d" % number), number)
        if number % 1000 == 0:
            store.flush()
    store.close()


async def test_a_hundred_thousand_messages_come_again(tmp_path: Path, redis_url: str) -> None:
    have_sent(tmp_path)
    async with small_venue(tmp_path, redis_url) as venue:
        door = venue.gateway.fix.order_entry
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        client = FixClient(reader, writer, "TRADER")
        assert (await client.log_on("alice", "secret-of-alice"))[34] == str(MESSAGES + 1)
        [connection] = door.connections
        other = await venue.client("bob", "OTHER")

        client.send("2", {7: 1, 16: 0})
        await asyncio.sleep(0.2)  # it does not read: what is read ahead for it is bounded
        assert connection._transport.get_write_buffer_size() < 1_000_000
        data = bytearray()
        slowest_s, entered = 0.0, 0
        while b"\x0136=%d\x01" % (MESSAGES + 2) not in data[-1000:]:
            data += await reader.read(1 << 20)
            if len(data) // 2_000_000 > entered:
                started = time.monotonic()
                other.enter(f"b{entered}", "sell", "0.0002", "60000")
                assert (await other.expect("8"))[150] == "0"
                slowest_s = max(slowest_s, time.monotonic() - started)
                entered += 1
        assert entered > 5
        assert slowest_s < 3

        *messages, fill = bytes(data).split(b"\x018=FIX.4.4\x01")
        assert len(messages) == MESSAGES
        for number, message in enumerate(messages, 1):
            assert b"\x0134=%d\x0143=Y\x01" % number in message
            assert b"\x0111=o%d\x01" % number in message
            assert b"\x01122=19700101-00:00:00.000\x01" in message
        assert b"\x01123=Y\x01" in fill
        client.send("1", {112: "in step"})
        assert (await client.expect("0"))[34] == str(MESSAGES + 2)
        await client.close()
