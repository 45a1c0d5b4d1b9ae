"""A real S3 API and a real Kafka protocol, each on a port of its own for one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import boto3
from confluent_kafka import Producer
from moto.server import ThreadedMotoServer

bucket_numbers = count(1)  # moto's servers of one process share what they hold


@contextmanager
def s3_bucket() -> Iterator[str]:
    """Give the URL of a store in an empty bucket."""
    bucket = f"history-{next(bucket_numbers)}"
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=bucket)
    try:
        yield f"s3://{bucket}/market?endpoint={endpoint}"
    finally:
        server.stop()


@contextmanager
def kafka_topic(topic: str = "trading.events") -> Iterator[str]:
    """Give the URL of a topic on librdkafka's mock cluster, which makes it when it is named."""
    cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    brokers = cluster.list_topics(timeout=10).brokers.values()
    yield f"kafka://{','.join(f'{broker.host}:{broker.port}' for broker in brokers)}/{topic}"
    del cluster
