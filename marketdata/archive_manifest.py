"""What the archive says of itself, as JSON: where it stands, and what each cut added.

    market/v1/_state.json                                        how far, and the cut under way
    market/v1/_manifests/date=2026-11-22/cut-<first>-<last>.json counts, ends, hashes of its parts
    market/v1/date=2026-11-22/symbol=BTCUSDT/type=trade/cut-<first>-<last>.parquet

A cut is a range of the journal's sequences, each the one behind the cut before. A date is the UTC
day of the record, a candle's that of its opening; a cut's manifest lies under the day of its last
record. What is of no one instrument has the symbol `_`.

History
-------
1   The first version.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

import msgspec

from objects import manifests
from objects.manifests import Entry
from vocabulary.market_data import Candle

VERSION = 1
ROOT = "market/v1/"
STATE_KEY = f"{ROOT}_state.json"
MANIFESTS = f"{ROOT}_manifests/"
PARTS = f"{ROOT}date="
NO_SYMBOL = "_"
DAY_NS = 86_400_000_000_000


class Part(Entry, frozen=True, kw_only=True):
    """One Parquet object of a cut: rows of one date, symbol and type, in rising sequence."""

    date: str
    symbol: str
    type: str
    rows: int
    first_sequence: int
    """Of its rows; the name has those of the cut."""
    last_sequence: int
    size_bytes: int
    sha256: str


class CutManifest(Entry, frozen=True, kw_only=True):
    """All that a cut added. It is in the archive once the state has come to its end."""

    version: int = VERSION
    first_sequence: int
    last_sequence: int
    last_ns: int
    counts: dict[str, int]
    """Rows by type."""
    parts: tuple[Part, ...]

    @property
    def key(self) -> str:
        name = f"cut-{self.first_sequence:020}-{self.last_sequence:020}.json"
        return f"{MANIFESTS}date={date_of(self.last_ns)}/{name}"

    def part_key(self, part: Part) -> str:
        return part_key(part.date, part.symbol, part.type, self.first_sequence, self.last_sequence)

    @classmethod
    def of(
        cls, first_sequence: int, last_sequence: int, last_ns: int, parts: tuple[Part, ...]
    ) -> CutManifest:
        counts: Counter[str] = Counter()
        for part in parts:
            counts[part.type] += part.rows
        return cls(
            first_sequence=first_sequence,
            last_sequence=last_sequence,
            last_ns=last_ns,
            counts=dict(sorted(counts.items())),
            parts=parts,
        )


class OpenCandle(Entry, frozen=True, kw_only=True):
    """A candle that has not closed yet, to go on with."""

    symbol: str
    interval: str
    sequence: int
    """Of its last trade."""
    candle: Candle


class ArchiveState(Entry, frozen=True, kw_only=True):
    """How far the archive is. Replacing this object is what commits a cut."""

    version: int = VERSION
    writers: int = 0
    """How often the archive was opened for writing."""
    through_sequence: int = 0
    through_ns: int = 0
    planned_sequence: int = 0
    """The end of the cut that is being written; 0: none is. It is made again with this end."""
    listings: tuple[bytes, ...] = ()
    """The packed events by which ids have names."""
    candles: tuple[OpenCandle, ...] = ()

    def opened(self) -> ArchiveState:
        return msgspec.structs.replace(self, writers=self.writers + 1)

    def plan(self, last_sequence: int) -> ArchiveState:
        return msgspec.structs.replace(self, planned_sequence=last_sequence)


Document = TypeVar("Document", ArchiveState, CutManifest)


def part_key(date: str, symbol: str, kind: str, first_sequence: int, last_sequence: int) -> str:
    return (
        f"{ROOT}date={date}/symbol={quote(symbol, safe='')}/type={kind}/"
        f"cut-{first_sequence:020}-{last_sequence:020}.parquet"
    )


def date_of(time_ns: int) -> str:
    """Return the UTC date, as YYYY-MM-DD."""
    return datetime.fromtimestamp(time_ns // DAY_NS * 86_400, UTC).date().isoformat()


def decode(key: str, data: bytes, kind: type[Document]) -> Document:
    """Return the document. Raises `ManifestError`."""
    return manifests.decode(key, data, kind, VERSION)
