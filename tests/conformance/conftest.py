"""The venue that QuickFIX's tests of a module share, as `agio up` runs it."""

from collections.abc import Iterator

import pytest

from tests.agio.running_venue import RunningVenue, free_port_base


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    with RunningVenue(tmp_path_factory.mktemp("venue"), free_port_base()) as venue:
        yield venue
