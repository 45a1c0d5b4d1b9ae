"""A crash at every single operation on the store, before it and after it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from objects.store import (
    ConflictError,
    ObjectStore,
    Stored,
    StoreFailedError,
    open_store,
)
from tests.trading.history.sample_events import NOON_NS, SYMBOLS
from trading.events import AnyEvent, TradePrinted
from trading.history.edge.reader import HistoryReader
from trading.history.edge.verification import verify
from trading.history.edge.writer import HistoryWriter

EVENTS: list[AnyEvent] = [
    TradePrinted(number, SYMBOLS[number % 2], number, NOON_NS, NOON_NS + number, number, 1, 1, True)
    for number in range(1, 61)
]


pytestmark = pytest.mark.usefixtures("no_sync")


class Crash(BaseException):
    """The process ends here."""


class StoreThatCrashes:
    """Does so many operations, and ends before the next one, or right behind it."""

    def __init__(self, store: ObjectStore, operations: int, *, behind: bool) -> None:
        self._store = store
        self._left = operations
        self._behind = behind

    def get(self, key: str) -> Stored | None:
        stored: Stored | None = self._do(self._store.get, key)
        return stored

    def put(self, key: str, data: bytes) -> None:
        self._do(self._store.put, key, data)

    def put_if(self, key: str, data: bytes, version: str | None) -> str:
        return str(self._do(self._store.put_if, key, data, version))

    def keys(self, prefix: str) -> Iterator[str]:
        return self._store.keys(prefix)

    def delete(self, key: str) -> None:
        self._do(self._store.delete, key)

    def _do(self, operation: Callable[..., Any], *arguments: object) -> Any:
        self._left -= 1
        if self._left < 0 and not self._behind:
            raise Crash
        done = operation(*arguments)
        if self._left < 0:
            raise Crash
        return done


def carry(store: ObjectStore, cut_size: int) -> None:
    """Write all events from where the store stands, as a service does that begins anew."""
    writer = HistoryWriter(store)
    writer.open()
    rest = [event for event in EVENTS if event.stream_sequence > writer.state.through_sequence]
    for start in range(0, len(rest), cut_size):
        cut = rest[start : start + cut_size]
        writer.write(cut, str(cut[-1].stream_sequence))


def check_whole(store: ObjectStore) -> None:
    verified = verify(store)
    assert verified.problems == []
    assert verified.gaps == []
    reader = HistoryReader(store)
    assert list(reader.read()) == EVENTS
    assert reader.state.queue_position == "60"


@pytest.mark.parametrize("behind", [False, True])
def test_a_crash_anywhere_loses_nothing_and_doubles_nothing(tmp_path: Path, behind: bool) -> None:
    for operations in range(1000):
        store = open_store((tmp_path / str(operations)).as_uri())
        try:
            carry(StoreThatCrashes(store, operations, behind=behind), 40)
        except Crash:
            assert verify(store).problems == []
            carry(store, 25)  # cuts at other places than before
            check_whole(store)
        else:
            assert operations > 15  # as many as two cuts take
            check_whole(store)
            return
    raise AssertionError


def test_a_second_crash_while_the_first_is_mended_does_no_harm(tmp_path: Path) -> None:
    for first in range(3, 15, 3):
        for second in range(9):
            store = open_store((tmp_path / f"{first}-{second}").as_uri())
            for operations in (first, second):
                with pytest.raises(Crash):
                    carry(StoreThatCrashes(store, operations, behind=True), 20)
            carry(store, 30)
            check_whole(store)


def test_a_planned_cut_that_was_uploaded_needs_no_queue(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    operations = 5  # opening, the plan, two parts
    with pytest.raises(Crash):
        carry(StoreThatCrashes(store, operations, behind=False), 60)
    assert HistoryReader(store).state.through_sequence == 0
    HistoryWriter(store).open()
    check_whole(store)


def test_of_two_writers_the_older_is_told(store_url: str) -> None:
    store = open_store(store_url)
    older, newer = HistoryWriter(store), HistoryWriter(store)
    older.open()
    newer.open()
    with pytest.raises(ConflictError, match="_stream"):
        older.write(EVENTS[:30], "30")
    newer.write(EVENTS[:30], "30")
    carry(store, 30)
    check_whole(store)


def test_a_part_that_is_there_with_other_bytes_is_never_replaced(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    writer = HistoryWriter(store)
    writer.open()
    key = writer.write(EVENTS[:30], "30").cut.parts[0].key
    (tmp_path / "events/v1/_stream.json").unlink()
    (tmp_path / key).write_bytes(b"another's")
    writer = HistoryWriter(store)
    writer.open()
    with pytest.raises(ConflictError, match=r"part-.*\.parquet"):
        writer.write(EVENTS[:30], "30")


def test_a_store_that_fails_for_a_while_is_gone_on_with(tmp_path: Path) -> None:
    class Failing(StoreThatCrashes):
        def _do(self, operation: Callable[..., Any], *arguments: object) -> Any:
            try:
                return super()._do(operation, *arguments)
            except Crash:
                raise StoreFailedError("down") from None

    store = open_store(tmp_path.as_uri())
    failing = Failing(store, 6, behind=True)
    writer = HistoryWriter(failing)
    writer.open()
    with pytest.raises(StoreFailedError):
        writer.write(EVENTS, "60")
    failing._left = 1000
    writer.open()
    rest = [event for event in EVENTS if event.stream_sequence > writer.state.through_sequence]
    if rest:
        writer.write(rest, "60")
    check_whole(store)
