"""The event stream: what its writer puts on Kinesis and Kafka, and what going through it costs.

Kinesis is moto's server and Kafka librdkafka's mock cluster, each in a process or threads of its
own, so the rates are those of our side and of these. Beside each the same entries by the bare
client, one record an entry, in the same run. The delays are from an order to its trade's frame on a
socket, with matching, writer, publisher and feed in this process.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import boto3
import websockets
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from agio.embedded_aws import ENVIRONMENT, POLL_S, REGION, STREAM, EmbeddedAws
from agio.embedded_valkey import EmbeddedValkey
from bench.figures import Figure, figure, show
from gateway.edge.feed_service import FeedService
from marketdata.edge.event_store import KafkaPlace, KinesisPlace, StreamWriter, parse_place
from marketdata.edge.event_store import open_writer as open_stream
from marketdata.edge.publisher import MarketDataPublisher
from marketdata.edge.record_source import EventStream
from marketdata.edge.stream_service import StreamService
from marketdata.stream_packer import StreamPacker
from matching.client import MatchingClient
from matching.edge.server import MatchingServer
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import Record, pack, pack_record
from vocabulary.slices import SlicedRecord, unpack_slices
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

RUNS = 5
RECORDS = 10_000
SYMBOLS = 8
BATCH = 1_000
BARE_RECORDS = 500  # as many as PutRecords takes
TRADES = 40
START_NS = 1_795_348_800_000_000_000


def measure() -> list[Figure]:
    os.environ |= ENVIRONMENT
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        aws = EmbeddedAws(directory / "aws.log")
        aws.start()
        stack.callback(aws.stop)
        valkey = stack.enter_context(EmbeddedValkey(directory / "valkey.log", "bench"))
        cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
        brokers = cluster.list_topics(timeout=10).brokers.values()
        servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        kinesis = f"kinesis://{REGION}/{STREAM}?endpoint={aws.endpoint}"
        kafka = f"kafka://{servers}/agio.events"
        figures = [*asyncio.run(_rates("Kinesis", kinesis)), *asyncio.run(_rates("Kafka", kafka))]
        boto3.client("kinesis", endpoint_url=aws.endpoint).create_stream(
            StreamName="delays", ShardCount=1
        )
        sources = {
            "direct": None,
            "through Kinesis": EventStream(kinesis.replace(STREAM, "delays"), POLL_S),
            "through Kafka": EventStream(kafka.replace("agio.events", "delays"), POLL_S),
        }
        for name, source in sources.items():
            (directory / name).mkdir()
            figures.append(asyncio.run(_delay(name, directory / name, valkey.url(), source)))
        return figures


async def _rates(name: str, url: str) -> list[Figure]:
    records = traded_records()
    entries = [(f"S{p.instrument_id}", p.events) for record in records for p in record.slices]
    ours, bare = [], []
    for run in range(RUNS):
        print(f"event_stream: {name}, run {run + 1} of {RUNS}", file=sys.stderr)
        writer = open_stream(url)
        ours.append(len(entries) / await _timed(writer, records))
        await writer.close()
        bare.append(BATCH / await _put_bare(url, entries[-BATCH:]))
    return [
        figure(
            f"event stream to {name}, entries packed",
            "entries/s",
            ours,
            compared=("bare client, a record each", bare),
        )
    ]


async def _timed(writer: StreamWriter, records: Sequence[SlicedRecord]) -> float:
    """Return the seconds that it takes to pack records and put them, all taken."""
    packer = StreamPacker()
    packer.add(records[:SYMBOLS])
    for block in packer.take(writer.blocks_max, writer.bytes_max):
        packer.settle(block)

    began_s = time.perf_counter()
    for first in range(SYMBOLS, len(records), BATCH):
        packer.add(records[first : first + BATCH])
        while blocks := packer.take(writer.blocks_max, writer.bytes_max):
            for block, taken in zip(blocks, await writer.put(blocks), strict=True):
                assert taken
                packer.settle(block)
    return time.perf_counter() - began_s


async def _put_bare(url: str, entries: Sequence[tuple[str, bytes]]) -> float:
    place = parse_place(url)
    if isinstance(place, KinesisPlace):
        return await asyncio.to_thread(_put_by_boto3, place, entries)
    return await _put_by_aiokafka(place, entries)


def _put_by_boto3(place: KinesisPlace, entries: Sequence[tuple[str, bytes]]) -> float:
    kinesis: Any = boto3.client("kinesis", region_name=place.region, endpoint_url=place.endpoint)
    began_s = time.perf_counter()
    for first in range(0, len(entries), BARE_RECORDS):
        records = [
            {"PartitionKey": key, "Data": data}
            for key, data in entries[first : first + BARE_RECORDS]
        ]
        kinesis.put_records(StreamName=place.stream, Records=records)
    return time.perf_counter() - began_s


async def _put_by_aiokafka(place: KafkaPlace, entries: Sequence[tuple[str, bytes]]) -> float:
    producer: Any = AIOKafkaProducer(bootstrap_servers=place.servers, enable_idempotence=True)
    await producer.start()
    began_s = time.perf_counter()
    sent = [await producer.send(place.topic, data, key=key.encode()) for key, data in entries]
    await asyncio.gather(*sent)
    took_s = time.perf_counter() - began_s
    await producer.stop()
    return took_s


def traded_records() -> list[SlicedRecord]:
    """Return listings of some symbols and orders that rest in them."""
    data = []
    for sequence in range(1, RECORDS + 1):
        instrument_id = sequence % SYMBOLS + 1
        command = c.CancelAllOrders(1, sequence, 7, instrument_id, b"")
        happened: list[e.Event]
        if sequence <= SYMBOLS:
            symbol = b"S%d" % instrument_id
            happened = [e.InstrumentListed(instrument_id, 1, 2, 1, 1, 0, 0, 0, symbol)]
        else:
            price, lots = 5_000_000 + sequence * 7 % 90, 1 + sequence % 400
            happened = [
                e.OrderAccepted(sequence, 7 + sequence % 3, instrument_id, price * lots),
                e.OrderRested(sequence, 7 + sequence % 3, instrument_id, Side.BUY, price, lots),
            ]
        packed = b"".join(map(pack, happened))
        data.append(pack_record(sequence, START_NS + sequence * 137_211, pack(command), packed))
    return unpack_slices(b"".join(data))


async def _delay(name: str, directory: Path, redis_url: str, source: EventStream | None) -> Figure:
    medians = []
    async with _venue(directory, redis_url, source) as (trader, port):
        for run in range(RUNS):
            print(f"event_stream: {name}, run {run + 1} of {RUNS}", file=sys.stderr)
            async with websockets.connect(f"ws://127.0.0.1:{port}/ws/btcusdt@trade") as client:
                delays = [await _trade(trader, client) for _ in range(TRADES)]
            medians.append(statistics.median(delays) * 1e3)
    return figure(f"order to trade's frame on a socket, {name}, p50", "ms", medians)


async def _trade(trader: Trader, client: Any) -> float:
    """Return the seconds from an order to the frame of its trade."""
    trader.order(Side.SELL)
    await asyncio.sleep(0.03)  # polls and ticks are met at any point of theirs
    began_s = time.perf_counter()
    trader.order(Side.BUY)
    async with asyncio.timeout(30):
        await client.recv()
    return time.perf_counter() - began_s


class Trader:
    """Two rich accounts in BTCUSDT."""

    def __init__(self, address: str) -> None:
        self.client = MatchingClient(address, "bench", from_sequence=1, on_records=self._read)
        self.last_sequence = 0
        self._number = 0

    def list_market(self) -> None:
        self.client.submit(c.ListAsset(1, self._next(), 1, 8, b"BTC"))
        self.client.submit(c.ListAsset(1, self._next(), 2, 8, b"USDT"))
        listing = (1, 1, 2, 10_000, 1, 0, 0, 0, b"BTCUSDT")
        self.client.submit(c.ListInstrument(1, self._next(), *listing))
        for account_id in (7, 8):
            for asset_id in (1, 2):
                self.client.submit(c.CreditFunds(1, self._next(), account_id, asset_id, 10**15))

    def order(self, side: Side) -> None:
        number = self._next()
        self.client.submit(
            c.EnterOrder(
                1, number, 7 + (side is Side.SELL), 1, side, OrderType.LIMIT,
                TimeInForce.GOOD_TILL_CANCEL, OrderFlags.NONE, 100, 5, b"o%d" % number,
            )
        )  # fmt: skip

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _read(self, records: list[Record]) -> None:
        self.last_sequence = records[-1].sequence


@asynccontextmanager
async def _venue(
    directory: Path, redis_url: str, source: EventStream | None
) -> AsyncIterator[tuple[Trader, int]]:
    """Run what lies between an order and a socket; yield who trades, and the socket's port."""
    address = f"unix://{directory}/matching"
    async with AsyncExitStack() as stack:

        async def run(service: Any) -> Any:
            await service.start()
            stack.push_async_callback(service.stop)
            return service

        await run(
            MatchingServer(
                journal_directory=directory / "journal",
                address=address,
                mode="fsync",
                segment_bytes=1 << 20,
            )
        )
        trader = Trader(address)
        await run(trader.client)
        trader.list_market()
        if source is not None:
            await run(
                StreamService(
                    matching_address=address,
                    event_stream_url=source.url,
                    directory=directory / "stream",
                )
            )
        await run(
            MarketDataPublisher(matching_address=address, redis_url=redis_url, event_stream=source)
        )
        feed = await run(
            FeedService(matching_address=address, redis_url=redis_url, host="127.0.0.1", port=0)
        )
        while not feed.health()["ready"]:  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.05)
        yield trader, feed.websocket.port


if __name__ == "__main__":
    show(measure())
