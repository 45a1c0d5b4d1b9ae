"""The golden dialogues: what a client sends, and what it gets."""

from pathlib import Path

import pytest

from tests.gateway.fix.dialogue import Dialogue

DIALOGUES = sorted((Path(__file__).parents[2] / "fix_sessions").glob("*.fix"))


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_the_acceptor_answers_as_written(path: Path) -> None:
    Dialogue().play(path)
