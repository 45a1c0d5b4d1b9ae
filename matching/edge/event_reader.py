"""Clients that only read: of every record the events that they want, or all of it undecoded."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from matching.edge.link_client import LinkClient
from vocabulary.events import Event
from vocabulary.excerpt import Excerpt, event_kinds, unpack_excerpts
from vocabulary.slices import SlicedRecord, unpack_slices

STORE_PATIENCE_MS: Final = 50
"""The patience of who fills a store.

Nobody waits for a store as for an answer. While orders come one by one, some 200 of them share
what waking the reader costs, so that it is not seen in the 99th percentile of their times.
"""


class EventReader(LinkClient):
    """Follows every record from a sequence on, but of its events only those of some types.

    An excerpt comes for each record, so a reader knows how far it is; most of them are empty, and
    cost a fraction of what decoding the whole record does.
    """

    def __init__(
        self,
        address: str,
        name: str,
        *,
        from_sequence: int,
        event_types: Collection[type[Event]],
        on_records: Callable[[list[Excerpt]], None],
        on_caught_up: Callable[[], None] | None = None,
        patience_ms: int = 0,
    ) -> None:
        super().__init__(
            address,
            name,
            from_sequence=from_sequence,
            unpack=partial(unpack_excerpts, kinds=event_kinds(event_types)),
            on_records=on_records,
            on_caught_up=on_caught_up,
            patience_ms=patience_ms,
        )


class SliceReader(LinkClient):
    """Follows every record from a sequence on, cut by instrument and undecoded."""

    def __init__(
        self,
        address: str,
        name: str,
        *,
        from_sequence: int,
        on_records: Callable[[list[SlicedRecord]], None],
        patience_ms: int = 0,
    ) -> None:
        super().__init__(
            address,
            name,
            from_sequence=from_sequence,
            unpack=unpack_slices,
            on_records=on_records,
            on_caught_up=None,
            patience_ms=patience_ms,
        )
