"""The catalogue's faulty fields at a real gateway: each rejected, nothing changed, nothing kept."""

import asyncio
import re
from pathlib import Path

from gateway.fix.codec import encode, encode_fields
from tests.gateway.edge.small_venue import small_venue, start_gateway
from tests.gateway.fix.field_faults import field_faults, message_faults
from tests.gateway.fix.message_specs import message_spec
from tests.gateway.fix.test_bad_inputs import CLIENTS_TYPES
from tests.gateway.fix_client import FixClient, utc_now

PASSES = 3
GROWTH_BYTES_MAX = 300_000
"""What a pass may add: some 40 bytes a message, where many a message has 10,000."""

REJECT = re.compile(rb"\x0135=3\x01[^=]*?49=AGIO\x01.*?\x0145=(\d+)\x01")


async def test_the_whole_catalogue_is_rejected_and_takes_no_memory(
    tmp_path: Path, redis_url: str
) -> None:
    faulty = [
        (kind.encode(), encode_fields(each.body))
        for kind in CLIENTS_TYPES
        for each in (*field_faults(message_spec(kind)), *message_faults(message_spec(kind)))
    ]
    assert len(faulty) >= 7_500
    async with small_venue(tmp_path / "venue", redis_url) as venue:
        process = await start_gateway(venue, tmp_path / "gateway", redis_url)
        before = venue.state_hash()
        reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
        client = FixClient(reader, writer, "TRADER")
        await client.log_on("alice", "secret-of-alice")
        sizes = []
        for _ in range(PASSES):
            await have_rejected(client, reader, faulty)
            sizes.append(process.resident_bytes())

        assert sizes[-1] - sizes[0] < (PASSES - 1) * GROWTH_BYTES_MAX, sizes
        assert venue.state_hash() == before
        client.enter("a1", "buy", "0.0002", "50000")  # it is alive, and the session goes on
        assert (await client.expect("8"))[150] == "0"
        await client.close()
        await process.kill()


async def have_rejected(
    client: FixClient, reader: asyncio.StreamReader, faulty: list[tuple[bytes, bytes]]
) -> None:
    """Send messages some at a time; take a Reject(3) of each, in their order, and nothing else."""
    for start in range(0, len(faulty), 100):
        some = faulty[start : start + 100]
        first, now = client.next_number, utc_now().encode()
        for number, (kind, body) in enumerate(some, first):
            head = b"35=%b\x0149=TRADER\x0156=AGIO\x0134=%d\x0152=%b\x01" % (kind, number, now)
            client.send_bytes(encode(head + body))
        client.next_number += len(some)
        data, rejected = b"", list[int]()
        while len(rejected) < len(some):
            data += await reader.read(1 << 20)
            rejected = [int(number) for number in REJECT.findall(data)]
        assert rejected == list(range(first, client.next_number))
        assert data.count(b"\x018=FIX.4.4\x01") + 1 == len(some)
