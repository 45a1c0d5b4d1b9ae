from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.matching.venue import Venue


@pytest.fixture(params=["unix", "tcp"])
async def venue(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Venue]:
    venue = Venue(tmp_path, request.param)
    await venue.start()
    yield venue
    await venue.close()
