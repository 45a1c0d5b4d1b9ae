"""The event stream's store, a seam with two sides: Kinesis Data Streams and Kafka.

The writer puts blocks by key, and a key's blocks stay in order. A reader reads all shards (Kafka:
partitions) and knows its place in each by the store's own name for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit

from marketdata.stream_packer import OutgoingBlock

Start = Mapping[str, str] | Literal["oldest", "now"]
"""Where to read from: behind the positions by shard, or what is there, or what comes.

"now" begins somewhat before now, as clocks differ: a reader knows what it has by its sequence.
"""

READ_WAIT_S = 0.25
"""How long `read` waits for a block before it returns none."""


class StreamFailedError(Exception):
    """The store does not answer, or refuses; says why. Trying again may help."""


class ReadBlock(NamedTuple):
    shard: str
    position: str
    """The store's own name of this place in its shard."""
    data: bytes
    """What `vocabulary.event_stream.unpack_block` takes."""


class StreamWriter(Protocol):
    blocks_max: int
    bytes_max: int
    """How many blocks, and bytes of these and their keys, `put` takes at once."""

    async def put(self, blocks: Sequence[OutgoingBlock]) -> list[bool]:
        """Put blocks, no two of one key; return which are in the stream, and stay in it.

        After `StreamFailedError` any of them may be there: put them again, none instead of them.
        """

    async def close(self) -> None: ...


class StreamReader(Protocol):
    """Blocks as they come, a key's in order. All methods raise `StreamFailedError`."""

    async def open(self) -> None:
        """Find the place to begin, or after a failure behind what was read.

        What is put from the first time on will be read.
        """

    async def read(self) -> list[ReadBlock]:
        """Return the next blocks, none if none came within `READ_WAIT_S`."""

    async def close(self) -> None: ...


class KinesisPlace(NamedTuple):
    region: str
    stream: str
    endpoint: str | None


class KafkaPlace(NamedTuple):
    servers: str
    topic: str


def parse_place(url: str) -> KinesisPlace | KafkaPlace:
    """Return where `kinesis://REGION/STREAM[?endpoint=URL]` or `kafka://HOST:PORT/TOPIC` points.

    Raises `ValueError`.
    """
    parts = urlsplit(url)
    name = parts.path.strip("/")
    if parts.scheme == "kinesis" and parts.netloc and name:
        endpoint = parse_qs(parts.query).get("endpoint", [None])[0]
        return KinesisPlace(parts.netloc, name, endpoint)
    if parts.scheme == "kafka" and parts.netloc and name:
        return KafkaPlace(parts.netloc, name)
    raise ValueError(f"{url!r} is neither kinesis://REGION/STREAM nor kafka://HOST:PORT/TOPIC")


def open_writer(url: str) -> StreamWriter:
    """Return a writer, not connected. Raises `ValueError`."""
    place = parse_place(url)
    if isinstance(place, KinesisPlace):
        from marketdata.edge.kinesis import KinesisWriter

        return KinesisWriter(place)
    from marketdata.edge.kafka import KafkaWriter

    return KafkaWriter(place)


def open_reader(url: str, start: Start, *, poll_s: float) -> StreamReader:
    """Return a reader, not connected; `poll_s` lies between two looks at a Kinesis shard.

    Raises `ValueError`.
    """
    place = parse_place(url)
    if isinstance(place, KinesisPlace):
        from marketdata.edge.kinesis import KinesisReader

        return KinesisReader(place, start, poll_s)
    from marketdata.edge.kafka import KafkaReader

    return KafkaReader(place, start)
