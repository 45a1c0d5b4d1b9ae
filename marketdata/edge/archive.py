"""Keeps the archive of trades, events and candles: the service behind `agio archive`."""

from __future__ import annotations

import time
from collections.abc import Sequence

from prometheus_client import Counter

from marketdata.archive_cut import ARCHIVED_EVENTS, Cutter
from marketdata.archive_manifest import STATE_KEY, ArchiveState, decode
from marketdata.edge.store_reader import StoreReader, reader_metrics
from objects.manifests import encode
from objects.store import ObjectStore, StoreFailedError, open_store
from vocabulary.excerpt import Excerpt

REST_S = 0.5

METRICS = reader_metrics("archive", "trades, events and candles")
CUTS = Counter("agio_archive_cuts", "Cuts written to the archive")
ROWS = Counter("agio_archive_rows", "Rows written to the archive", ["type"])
PART_BYTES = Counter("agio_archive_part_bytes", "Bytes of the parts written to the archive")


class ArchiveWriter:
    """Adds cuts so that a crash at any point leaves each wholly in or wholly out.

    1. The end of the cut goes into the state.
    2. The parts are written, then the manifest that names them.
    3. The state is replaced: the cut is in.

    After a crash between 1 and 3 the same records are read again and cut at the same end: the parts
    and the manifest have the same names and bytes, and replace themselves. Raises
    `StoreFailedError`, upon which `open` must follow, `ManifestError`, and `ConflictError` when
    another writer has opened the archive since.
    """

    def __init__(self, store: ObjectStore, flush_seconds: float, flush_events: int) -> None:
        self.sequence = 0
        self._store = store
        self._flush_seconds = flush_seconds
        self._flush_events = flush_events
        self._state = ArchiveState()
        self._version: str | None = None
        self._cutter = Cutter(self._state)
        self._records: list[Excerpt] = []
        self._events = 0
        self._due_s = 0.0

    def open(self) -> int:
        stored = self._store.get(STATE_KEY)
        self._state, self._version = ArchiveState(), None
        if stored is not None:
            self._state = decode(STATE_KEY, stored.data, ArchiveState)
            self._version = stored.version
        self._replace_state(self._state.opened())  # whoever wrote here before can commit no more
        self._cutter = Cutter(self._state)
        self._records, self._events = [], 0
        self.sequence = self._state.through_sequence
        return self.sequence

    def write(self, records: Sequence[Excerpt]) -> None:
        """Take records; they are in the archive once they are many, or have waited."""
        if not self._records:
            self._due_s = time.monotonic() + self._flush_seconds
        self._records += records
        self._events += sum(len(record.events) for record in records)
        planned = self._state.planned_sequence
        if planned and self._records[-1].sequence >= planned:
            self._cut(planned - self._records[0].sequence + 1)
        if self._events >= self._flush_events:
            self._flush()
        self.rest()

    def rest(self) -> None:
        if self._records and time.monotonic() >= self._due_s:
            self._flush()

    def stop(self) -> None:
        """Nothing here waits for longer than the store does."""

    def _flush(self) -> None:
        if self._state.planned_sequence:
            return  # what a crash cut short goes first, and has its end
        self._replace_state(self._state.plan(self._records[-1].sequence))
        self._cut(len(self._records))

    def _cut(self, count: int) -> None:
        """Write the first records as a cut whose end is in the state."""
        prepared = self._cutter.cut(self._records[:count])
        for key, data in prepared.data.items():
            self._store.put(key, data)
        manifest = prepared.manifest
        self._store.put(manifest.key, encode(manifest))
        self._replace_state(prepared.state)
        self._records = self._records[count:]
        self._events = sum(len(record.events) for record in self._records)
        self.sequence = manifest.last_sequence
        CUTS.inc()
        for kind, number in manifest.counts.items():
            ROWS.labels(kind).inc(number)
        PART_BYTES.inc(sum(part.size_bytes for part in manifest.parts))

    def _replace_state(self, state: ArchiveState) -> None:
        self._version = self._store.put_if(STATE_KEY, encode(state), self._version)
        self._state = state


class ArchiveService(StoreReader):
    """Cuts every `flush_events` events, or after `flush_seconds`; a restart goes on in between."""

    def __init__(
        self, *, matching_address: str, store_url: str, flush_seconds: float, flush_events: int
    ) -> None:
        super().__init__(
            "archive",
            ArchiveWriter(open_store(store_url), flush_seconds, flush_events),
            matching_address=matching_address,
            event_types=ARCHIVED_EVENTS,
            failures=StoreFailedError,
            metrics=METRICS,
            rest_s=min(REST_S, flush_seconds),
        )
