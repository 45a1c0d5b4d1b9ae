from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.gateway.edge.json_venue import JsonVenue
from tests.kafka_server import kafka_topic


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[JsonVenue]:
    venue = JsonVenue(tmp_path, redis_url)
    await venue.start()
    yield venue
    await venue.stop()


@pytest.fixture
def kafka_url() -> Iterator[str]:
    with kafka_topic() as url:
        yield url


@pytest.fixture(params=["redis", "kafka"])
def queue_url(request: pytest.FixtureRequest) -> str:
    """Give an empty queue: the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
