"""Whether the stream tells of a strategy what the venue does: its fills, and what it owns.

The two are never at the same point: a fill takes a moment from the venue into the stream. So fills
are compared up to the last one that the stream has, later ones only by their age, and balances only
while both stand still. What is off must be found again before it counts: see `edge.auditor`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from trading.execution.holdings import Holdings
from trading.execution.venue import Traded
from vocabulary.instrument import Instrument

LATE_NS = 5_000_000_000
"""After so long a fill must stand in the stream."""


class Sums(NamedTuple):
    """What fills up to `last_trade_id` come to, after so many `amendments`."""

    amendments: int
    trades: int
    lots: int
    base_units: int
    quote_units: int
    last_trade_id: int

    @classmethod
    def of(cls, holdings: Holdings) -> Sums:
        return cls(
            holdings.amendments,
            holdings.trades,
            holdings.lots,
            holdings.base_units,
            holdings.quote_units,
            holdings.last_trade_id,
        )


class FillAudit:
    """The venue's fills of a strategy in one symbol since the run began, page by page.

    They are as they stand after the `amendments` that the stream has: with the next one an audit
    must begin anew.
    """

    def __init__(self, instrument: Instrument, amendments: int) -> None:
        self.amendments = amendments
        self._instrument = instrument
        self._fills: deque[Traded] = deque()
        self._checked = Holdings(instrument)
        self.next_trade_id = 0
        """Of the first fill to ask for."""

    def receive(self, fills: Iterable[Traded]) -> None:
        """Take a page that begins at `next_trade_id`, whole: no fill of its last id is missing."""
        for each in fills:
            self.next_trade_id = each.trade_id + 1
            if each.lots:  # else it was undone
                self._fills.append(each)

    def difference(self, sums: Sums, now_ns: int) -> str:
        """Return how the venue's fills differ from what the stream had, "" if they don't."""
        while self._fills and self._fills[0].trade_id <= sums.last_trade_id:
            fill = self._fills.popleft()
            self._checked.trade(
                fill.side, fill.price_ticks, fill.lots, fill.fee_units, fill.trade_id
            )
        venue = Sums.of(self._checked)
        if venue[1:-1] != sums[1:-1]:
            return (
                f"{self._instrument.symbol}: the venue has {venue.trades} fills, {venue.lots} lots "
                f"in all, the stream {sums.trades} and {sums.lots}, up to {sums.last_trade_id}"
            )
        late = [each for each in self._fills if now_ns - each.time_ns > LATE_NS]
        if late:
            return (
                f"{self._instrument.symbol}: {len(late)} fills of the venue, from "
                f"{late[0].trade_id} on, are not in the stream"
            )
        return ""


def changes(holdings: Iterable[Holdings]) -> dict[str, int]:
    """Return what trading has changed, in smallest units by asset."""
    found: dict[str, int] = {}
    for each in holdings:
        base, quote = each.instrument.base.name, each.instrument.quote.name
        found[base] = found.get(base, 0) + each.base_units
        found[quote] = found.get(quote, 0) + each.quote_units
    return found


def balance_differences(
    opening: Mapping[str, int], changed: Mapping[str, int], balances: Mapping[str, int]
) -> dict[str, int]:
    """Return by how much the venue's balances are off, by asset; all in smallest units."""
    off = {
        asset: balances.get(asset, 0) - opening[asset] - units for asset, units in changed.items()
    }
    return {asset: units for asset, units in off.items() if units}
