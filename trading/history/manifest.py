"""What the store says of itself, as JSON: where its stream stands, and what each day holds.

    events/v1/_stream.json                                   how far, which holes, the cut under way
    events/v1/_manifests/date=2026-11-22/symbol=BTCUSDT.json counts, ends and hashes of its parts
    events/v1/date=2026-11-22/symbol=BTCUSDT/type=trade/part-<first>-<last>.parquet

A date is the UTC day of `received_ns`. A part that no manifest names is not in the store.

History
-------
1   The first version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote

import msgspec

from objects import manifests
from objects.manifests import Entry

VERSION = 1
ROOT = "events/v1/"
STREAM_KEY = f"{ROOT}_stream.json"
MANIFESTS = f"{ROOT}_manifests/"


class Part(Entry, frozen=True, kw_only=True):
    """One Parquet object: rows of one type, symbol and date, in rising stream_sequence."""

    date: str
    symbol: str
    type: str
    first_sequence: int
    last_sequence: int
    first_ns: int
    """The least `received_ns`, which a clock that was set back may put anywhere in the part."""
    last_ns: int
    rows: int
    size_bytes: int
    sha256: str

    @property
    def key(self) -> str:
        return (
            f"{ROOT}date={self.date}/symbol={quote(self.symbol, safe='')}/type={self.type}/"
            f"part-{self.first_sequence:020}-{self.last_sequence:020}.parquet"
        )


class Hole(Entry, frozen=True, kw_only=True):
    """Events of unknown symbols that never reached the store: first to last stream_sequence."""

    first_sequence: int
    last_sequence: int
    from_ns: int
    """`received_ns` of the event before."""
    to_ns: int
    """`received_ns` of the event behind."""

    def __str__(self) -> str:
        return f"events {self.first_sequence} to {self.last_sequence} are missing"


class Loss(Entry, frozen=True, kw_only=True):
    """A `FeedLost`: the feed itself missed events of the symbol, until its next `BookReset`."""

    date: str
    symbol: str
    stream_sequence: int
    received_ns: int
    reason: str

    def __str__(self) -> str:
        return f"{self.symbol} lost its feed at event {self.stream_sequence}: {self.reason}"


class Cut(Entry, frozen=True, kw_only=True):
    """What is added to the store at once: all of it, or nothing."""

    first_sequence: int
    last_sequence: int
    last_ns: int
    queue_position: str
    parts: tuple[Part, ...]
    holes: tuple[Hole, ...]
    losses: tuple[Loss, ...]


class StreamState(Entry, frozen=True, kw_only=True):
    """How far the store has the stream. Replacing this object is what commits a cut."""

    version: int = VERSION
    writers: int = 0
    """How often the store was opened for writing."""
    first_sequence: int = 0
    """0: nothing was stored yet."""
    through_sequence: int = 0
    through_ns: int = 0
    """`received_ns` of the event `through_sequence`."""
    queue_position: str = ""
    holes: tuple[Hole, ...] = ()
    planned: Cut | None = None
    """The cut whose parts are being written; not yet in the store."""
    committed: Cut | None = None
    """The newest cut; its parts may not be in the manifests yet."""

    def opened(self) -> StreamState:
        return msgspec.structs.replace(self, writers=self.writers + 1)

    def plan(self, cut: Cut) -> StreamState:
        return msgspec.structs.replace(self, planned=cut)

    def commit(self, cut: Cut) -> StreamState:
        return StreamState(
            writers=self.writers,
            first_sequence=self.first_sequence or cut.first_sequence,
            through_sequence=cut.last_sequence,
            through_ns=cut.last_ns,
            queue_position=cut.queue_position,
            holes=self.holes + cut.holes,
            committed=cut,
        )


class DayManifest(Entry, frozen=True, kw_only=True):
    """All that the store has of a symbol's date."""

    version: int = VERSION
    date: str
    symbol: str
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    """Rows by type."""
    first_sequence: int = 0
    last_sequence: int = 0
    size_bytes: int = 0
    losses: tuple[Loss, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def key(self) -> str:
        return f"{MANIFESTS}date={self.date}/symbol={quote(self.symbol, safe='')}.json"

    @classmethod
    def of(
        cls, date: str, symbol: str, parts: Sequence[Part], losses: Sequence[Loss]
    ) -> DayManifest:
        counts: Counter[str] = Counter()
        for part in parts:
            counts[part.type] += part.rows
        return cls(
            date=date,
            symbol=symbol,
            counts=dict(sorted(counts.items())),
            first_sequence=min((part.first_sequence for part in parts), default=0),
            last_sequence=max((part.last_sequence for part in parts), default=0),
            size_bytes=sum(part.size_bytes for part in parts),
            losses=tuple(losses),
            parts=tuple(parts),
        )

    def add(self, cut: Cut) -> DayManifest:
        """Return the manifest with the cut's parts of this day; the same if it has them."""
        place = (self.date, self.symbol)
        parts = [part for part in cut.parts if (part.date, part.symbol) == place]
        if not parts or cut.first_sequence <= self.last_sequence:
            return self
        losses = [loss for loss in cut.losses if (loss.date, loss.symbol) == place]
        return self.of(*place, (*self.parts, *parts), (*self.losses, *losses))


def days_of(parts: Sequence[Part]) -> list[DayManifest]:
    """Return an empty manifest for each date and symbol of the parts."""
    places = dict.fromkeys((part.date, part.symbol) for part in parts)
    return [DayManifest(date=date, symbol=symbol) for date, symbol in places]


Document = TypeVar("Document", StreamState, DayManifest)


def decode(key: str, data: bytes, kind: type[Document]) -> Document:
    """Return the document. Raises `ManifestError`."""
    return manifests.decode(key, data, kind, VERSION)
