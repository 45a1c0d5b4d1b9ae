from collections.abc import Callable
from pathlib import Path

import pytest

from objects import manifests
from objects.store import ObjectStore, open_store
from tests.trading.history.sample_events import plausible
from trading.history.edge.reader import HistoryReader
from trading.history.edge.verification import verify
from trading.history.edge.writer import HistoryWriter
from trading.history.manifest import DayManifest, Part
from trading.history.parts import PartDamagedError

pytestmark = pytest.mark.usefixtures("no_sync")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    writer = HistoryWriter(open_store(tmp_path.as_uri()))
    writer.open()
    events = list(plausible(600))
    for start in range(0, 600, 200):
        writer.write(events[start : start + 200], str(start))
    return tmp_path


def part_of(store: ObjectStore) -> Part:
    """Return the trades of one symbol in the second cut."""
    days = HistoryReader(store).days()
    return next(p for p in days[0].parts if p.type == "trade" and p.first_sequence > 200)


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (flip_a_byte, "its SHA-256 is not the manifest's"),
        (lambda path: path.write_bytes(path.read_bytes()[:-7]), "bytes, its manifest says"),
        (Path.unlink, "is not there"),
    ],
)
def test_a_damaged_part_is_named_and_not_read(
    root: Path, damage: Callable[[Path], object], told: str
) -> None:
    store = open_store(root.as_uri())
    part = part_of(store)
    damage(root / part.key)
    (problem,) = verify(store).problems
    assert problem.startswith(part.key)
    assert told in problem
    with pytest.raises(PartDamagedError, match="type=trade"):
        list(HistoryReader(store).read())


def test_a_part_that_no_manifest_names_is_a_stranger(root: Path) -> None:
    store = open_store(root.as_uri())
    part = root / part_of(store).key
    stranger = part.with_name(part.name.replace("part-0", "part-9"))
    stranger.write_bytes(part.read_bytes())
    (problem,) = verify(store).problems
    assert problem == f"{stranger.relative_to(root)}: no manifest names it"


def test_a_part_taken_out_of_its_manifest_leaves_its_events_missing(root: Path) -> None:
    store = open_store(root.as_uri())
    (day, *_) = HistoryReader(store).days()
    part = part_of(store)
    kept = [other for other in day.parts if other != part]
    store.put(day.key, manifests.encode(DayManifest.of(day.date, day.symbol, kept, ())))
    store.delete(part.key)
    problems = verify(store).problems
    assert len(problems) == part.rows
    assert problems[0] == f"events {part.first_sequence} to {part.first_sequence} are not there"


def test_a_part_under_two_names_is_found_twice(root: Path) -> None:
    store = open_store(root.as_uri())
    (day, *_) = HistoryReader(store).days()
    part = part_of(store)
    twice = DayManifest.of(day.date, day.symbol, [*day.parts, part], ())
    store.put(day.key, manifests.encode(twice))
    problems = verify(store).problems
    assert problems[0] == f"event {part.first_sequence} is there more than once"
    assert len(problems) == part.rows


def test_a_manifest_whose_sums_are_wrong_is_named(root: Path) -> None:
    store = open_store(root.as_uri())
    (day, *_) = HistoryReader(store).days()
    path = root / day.key
    path.write_text(path.read_text().replace(f'"trade": {day.counts["trade"]}', '"trade": 1'))
    assert verify(store).problems == [f"{day.key}: its sums are not those of its parts"]


def test_a_whole_store_tells_its_progress(root: Path) -> None:
    told: list[tuple[int, int]] = []
    verified = verify(open_store(root.as_uri()), lambda done, of: told.append((done, of)))
    assert verified.problems == []
    assert (verified.events, verified.first_sequence, verified.through_sequence) == (600, 1, 600)
    assert told[-1] == (verified.parts, verified.parts)
    assert told == sorted(told)
