"""Journals of former versions lead to the state that they always led to."""

from pathlib import Path

import pytest

from matching.edge.journal_replay import verify_journal
from tests.matching.golden_journal import layouts_in, unpack_journal
from vocabulary.codec import LAYOUT_BY_KIND, LAYOUTS

GOLDEN = Path(__file__).with_name("golden_journals")
# The state to which each leads. A new journal adds a line; none is ever changed.
STATE_HASHES = {
    "0001": "e9fb5ddc38aaf946b2116594d0620c49",
    "0002": "4e3aa61b3dc591d20ed066f317d96db3",
    "0003": "39f419ed4dd746242f8050581453c9c6",
    "0004": "6786b4dcedaa2f57614d94e4b03e6391",
}


@pytest.mark.parametrize("name", STATE_HASHES)
def test_a_golden_journal_leads_where_it_always_did(name: str, tmp_path: Path) -> None:
    unpack_journal(GOLDEN / f"{name}.journal.gz", tmp_path)
    verified = verify_journal(tmp_path)
    assert verified.torn_tail is None
    assert verified.result.state_hash == STATE_HASHES[name]


def test_every_journal_is_read() -> None:
    assert {path.name.split(".")[0] for path in GOLDEN.iterdir()} == set(STATE_HASHES)


def test_the_newest_holds_every_command_and_event(tmp_path: Path) -> None:
    unpack_journal(GOLDEN / f"{max(STATE_HASHES)}.journal.gz", tmp_path)
    result = verify_journal(tmp_path).result
    seen = {name for name, count in (result.commands | result.events).items() if count}
    assert seen == {message_type.__name__ for message_type in LAYOUTS}, (
        "give what is missing a scenario, and make a further golden journal (golden_journal.py)"
    )


def test_every_version_of_every_message_is_in_one() -> None:
    assert set().union(*map(layouts_in, GOLDEN.iterdir())) == set(LAYOUT_BY_KIND)
