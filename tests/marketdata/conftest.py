from collections.abc import Iterator
from itertools import count

import boto3
import pytest

from tests.kafka_server import kafka_topic

stream_numbers = count(1)


@pytest.fixture
def kinesis_url(aws_endpoint: str, aws_credentials: None) -> str:
    """Give the URL of an empty stream of three shards."""
    name = f"events-{next(stream_numbers)}"
    boto3.client("kinesis", endpoint_url=aws_endpoint).create_stream(StreamName=name, ShardCount=3)
    return f"kinesis://us-east-1/{name}?endpoint={aws_endpoint}"


@pytest.fixture
def kafka_url() -> Iterator[str]:
    with kafka_topic("agio.events") as url:
        yield url


@pytest.fixture(params=["kinesis", "kafka"])
def event_stream_url(request: pytest.FixtureRequest) -> str:
    """Give an empty event stream: the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
