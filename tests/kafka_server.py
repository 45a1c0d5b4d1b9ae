"""A real Kafka protocol, on a port of its own for one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Producer


@contextmanager
def kafka_topic(topic: str = "trading.events") -> Iterator[str]:
    """Give the URL of a topic on librdkafka's mock cluster, which makes it when it is named."""
    cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    brokers = cluster.list_topics(timeout=10).brokers.values()
    yield f"kafka://{','.join(f'{broker.host}:{broker.port}' for broker in brokers)}/{topic}"
    del cluster
