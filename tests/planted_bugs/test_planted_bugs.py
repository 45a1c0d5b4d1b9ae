"""`make planted` plants bugs; each must still have a place to be planted."""

import pytest

from agio.hot_paths import ROOT
from tests.planted_bugs.bugs import BUGS, Bug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_its_place_is_there_once(bug: Bug) -> None:
    assert (ROOT / bug.path).read_text().count(bug.sound) == 1
    assert bug.sound != bug.broken


def test_there_are_enough_of_them() -> None:
    assert len(BUGS) >= 20
    assert len({bug.name for bug in BUGS}) == len(BUGS)
