"""What is in the archive, and whether it is what the manifests say."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from marketdata.archive_manifest import (
    MANIFESTS,
    ROOT,
    STATE_KEY,
    ArchiveState,
    CutManifest,
    Part,
    decode,
)
from marketdata.archive_rows import SCHEMAS
from objects.store import ObjectStore

Progress = Callable[[int, int], None]
"""Told how many parts were read, of how many."""


class Day(msgspec.Struct, kw_only=True):
    """All that the archive has of a date and symbol."""

    date: str
    symbol: str
    counts: Counter[str] = msgspec.field(default_factory=Counter)
    parts: int = 0
    size_bytes: int = 0


class Verified(msgspec.Struct, kw_only=True):
    cuts: int = 0
    parts: int = 0
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    size_bytes: int = 0
    first_sequence: int = 0
    through_sequence: int = 0
    problems: list[str] = msgspec.field(default_factory=list)


def read_state(store: ObjectStore) -> ArchiveState:
    """Return how far the archive is. Raises `StoreFailedError` and `ManifestError`."""
    stored = store.get(STATE_KEY)
    return ArchiveState() if stored is None else decode(STATE_KEY, stored.data, ArchiveState)


def cuts(store: ObjectStore) -> list[CutManifest]:
    """Return the cuts that are in, in order. Raises `StoreFailedError` and `ManifestError`."""
    through_sequence = read_state(store).through_sequence
    found = [
        decode(key, stored.data, CutManifest)
        for key in store.keys(MANIFESTS)
        if (stored := store.get(key)) is not None
    ]
    found = [cut for cut in found if cut.last_sequence <= through_sequence]
    return sorted(found, key=attrgetter("first_sequence"))


def days(found: Sequence[CutManifest]) -> list[Day]:
    by_place: dict[tuple[str, str], Day] = {}
    for part in (part for cut in found for part in cut.parts):
        place = part.date, part.symbol
        day = by_place.setdefault(place, Day(date=part.date, symbol=part.symbol))
        day.counts[part.type] += part.rows
        day.parts += 1
        day.size_bytes += part.size_bytes
    return [by_place[place] for place in sorted(by_place)]


def verify(store: ObjectStore, progress: Progress = lambda _done, _all: None) -> Verified:
    """Check every part's bytes, schema and order, and that no sequence and no trade is missing.

    Cuts must follow each other; what a retention has deleted in front of the oldest is no problem.
    Raises `StoreFailedError` and `ManifestError`.
    """
    keys = list(store.keys(ROOT))  # first: what is written meanwhile is none's business
    state, found = read_state(store), cuts(store)
    result = Verified(cuts=len(found), through_sequence=state.through_sequence)
    result.first_sequence = found[0].first_sequence if found else 0
    result.problems += _chain_problems(found, state)
    count = sum(len(cut.parts) for cut in found)
    rows: Counter[str] = Counter()
    trade_ids: dict[str, int] = {}
    for cut in found:
        for part in cut.parts:
            result.problems += _part_problems(store, cut, part, trade_ids)
            result.parts += 1
            result.size_bytes += part.size_bytes
            rows[part.type] += part.rows
            progress(result.parts, count)
    result.rows = dict(sorted(rows.items()))
    result.problems += _strangers(keys, found, state)
    return result


def _chain_problems(found: Sequence[CutManifest], state: ArchiveState) -> Iterator[str]:
    expected = found[0].first_sequence if found else state.through_sequence + 1
    for cut in found:
        if cut.first_sequence != expected:
            yield f"records {expected} to {cut.first_sequence - 1} are in no cut"
        if CutManifest.of(*_ends(cut), cut.parts) != cut:
            yield f"{cut.key}: its counts are not those of its parts"
        expected = cut.last_sequence + 1
    if expected != state.through_sequence + 1:
        yield f"records {expected} to {state.through_sequence} are in no cut"


def _ends(cut: CutManifest) -> tuple[int, int, int]:
    return cut.first_sequence, cut.last_sequence, cut.last_ns


def _part_problems(
    store: ObjectStore, cut: CutManifest, part: Part, trade_ids: dict[str, int]
) -> Iterator[str]:
    key = cut.part_key(part)
    stored = store.get(key)
    if stored is None:
        yield f"{key}: is not there"
        return
    if hashlib.sha256(stored.data).hexdigest() != part.sha256:
        yield f"{key}: its SHA-256 is not the manifest's"
        return
    try:
        table = pq.read_table(pa.BufferReader(stored.data), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        yield f"{key}: {error}"
        return
    if not table.schema.equals(SCHEMAS[part.type]):
        yield f"{key}: not the {part.type} table of this version"
        return
    sequences = table.column("sequence").to_numpy()
    if (len(sequences), int(sequences[0]), int(sequences[-1])) != (
        part.rows,
        part.first_sequence,
        part.last_sequence,
    ):
        yield f"{key}: its rows are not those that the manifest tells of"
    if part.type != "candle" and not (
        cut.first_sequence <= sequences[0] and sequences[-1] <= cut.last_sequence
    ):
        yield f"{key}: has rows of another cut"
    if (sequences[1:] < sequences[:-1]).any():
        yield f"{key}: its rows are not in order"
    if part.type == "trade":
        yield from _trade_problems(key, part.symbol, table, trade_ids)


def _trade_problems(
    key: str, symbol: str, table: pa.Table, trade_ids: dict[str, int]
) -> Iterator[str]:
    """Yield where the trade ids of an instrument, which have no hole, have one."""
    numbers = table.column("trade_id").to_pylist()
    first = trade_ids.get(symbol, numbers[0] - 1) + 1
    if numbers != list(range(first, first + len(numbers))):
        yield f"{key}: trades are missing, or there more than once, from {first} on"
    trade_ids[symbol] = int(pc.max(table.column("trade_id")).as_py())


def _strangers(
    keys: Sequence[str], found: Sequence[CutManifest], state: ArchiveState
) -> Iterator[str]:
    """Yield what no manifest names, but for what is of the cut that is being written."""
    known = {STATE_KEY, *(cut.key for cut in found)}
    known |= {cut.part_key(part) for cut in found for part in cut.parts}
    under_way = f"/cut-{state.through_sequence + 1:020}-{state.planned_sequence:020}."
    for key in sorted(keys):
        if key not in known and under_way not in key:
            yield f"{key}: no manifest names it"
