"""Adds cuts to the store so that a crash at any point leaves each wholly in or wholly out.

1. The plan of the cut goes into the stream's state: its parts' names and hashes.
2. The parts are written.
3. The stream's state is replaced: the cut is in, and the state says from where the queue goes on.
4. The manifests of the days are brought up to it.

After a crash, a planned cut whose parts all lie there is taken in, with no need of the queue; else
those that do are deleted, and the queue is read again from behind the last cut. Manifests that
step 4 missed are made good. Of two writers only the one that opened the store last can do 1 and 3:
the other is told, and stops.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from objects import manifests
from objects.store import ConflictError, ObjectStore
from trading.events import AnyEvent
from trading.history import manifest
from trading.history.manifest import STREAM_KEY, Cut, DayManifest, StreamState
from trading.history.parts import PreparedCut, prepare


class HistoryWriter:
    """The one writer of a store.

    All methods raise `StoreFailedError`, `ManifestError`, and `ConflictError` when another writes
    to the store, too.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._version: str | None = None
        self._days: dict[str, DayManifest] = {}
        self.state = StreamState()

    def open(self) -> None:
        """Find where the store stands, and finish or undo what a crash cut short."""
        stored = self._store.get(STREAM_KEY)
        self._days.clear()
        self.state, self._version = StreamState(), None
        if stored is not None:
            self.state = manifest.decode(STREAM_KEY, stored.data, StreamState)
            self._version = stored.version
        self._replace_state(self.state.opened())  # whoever wrote here before can commit no more
        planned = self.state.planned
        if planned is not None:
            if self._has_parts_of(planned):
                self._replace_state(self.state.commit(planned))
            else:
                for part in planned.parts:
                    self._store.delete(part.key)
        if self.state.committed is not None:
            self._publish(self.state.committed)

    def write(self, events: Sequence[AnyEvent], queue_position: str) -> PreparedCut:
        """Add events in rising stream_sequence, all behind `state.through_sequence`.

        When this has returned they are in the store; when it raises, `open` again before more.
        """
        prepared = prepare(events, self.state, queue_position)
        self._replace_state(self.state.plan(prepared.cut))
        for key, data in prepared.data.items():
            self._put_part(key, data)
        self._replace_state(self.state.commit(prepared.cut))
        self._publish(prepared.cut)
        return prepared

    def _put_part(self, key: str, data: bytes) -> None:
        try:
            self._store.put_if(key, data, None)
        except ConflictError:
            # An upload that the store took, though we were told that it failed, repeats itself.
            present = self._store.get(key)
            if present is None or present.data != data:
                raise

    def _replace_state(self, state: StreamState) -> None:
        self._version = self._store.put_if(STREAM_KEY, manifests.encode(state), self._version)
        self.state = state

    def _has_parts_of(self, cut: Cut) -> bool:
        for part in cut.parts:
            stored = self._store.get(part.key)
            if stored is None or hashlib.sha256(stored.data).hexdigest() != part.sha256:
                return False
        return True

    def _publish(self, cut: Cut) -> None:
        for empty in manifest.days_of(cut.parts):
            day = self._days.get(empty.key)
            if day is None:
                stored = self._store.get(empty.key)
                day = manifest.decode(empty.key, stored.data, DayManifest) if stored else empty
            grown = day.add(cut)
            if grown is not day:
                self._store.put(empty.key, manifests.encode(grown))
            self._days[empty.key] = grown
