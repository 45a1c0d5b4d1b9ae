from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.edge.json_venue import JsonVenue


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[JsonVenue]:
    venue = JsonVenue(tmp_path, redis_url)
    await venue.start()
    yield venue
    await venue.stop()
