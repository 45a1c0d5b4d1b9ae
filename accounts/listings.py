"""What is listed, from two sources: the settled journal, and the desk's commands ahead of it."""

from __future__ import annotations

from accounts.settlement import Listing
from vocabulary import events as e
from vocabulary.catalogue import Catalogue


class Listings:
    """A catalogue that each change reaches once, from whichever source is first."""

    def __init__(self) -> None:
        self.catalogue = Catalogue()
        self._last_sequences: dict[tuple[str, int], int] = {}

    def apply(self, sequence: int, event: Listing) -> None:
        """Take in a change that the record `sequence` made, unless a later one is in already."""
        if isinstance(event, e.AssetListed):
            changed = ("asset", event.asset_id)
        elif isinstance(event, e.FeeTierAssigned):
            changed = ("account", event.account_id)
        elif isinstance(event, e.TierFeesSet | e.TierFeesCleared):
            changed = (f"fees of tier {event.fee_tier}", event.instrument_id)
        else:
            changed = ("instrument", event.instrument_id)
        if self._last_sequences.get(changed, 0) <= sequence:
            self._last_sequences[changed] = sequence
            self.catalogue.apply(event)
