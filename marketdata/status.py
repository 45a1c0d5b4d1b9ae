"""Status: an instrument's phase, and what its auction would come to."""

from __future__ import annotations

from vocabulary import events as e
from vocabulary.market_data import Status, StatusChanged, StatusSnapshot
from vocabulary.types import TradingPhase


class StatusSource:
    """One instrument's status."""

    def __init__(self) -> None:
        self._status = Status(TradingPhase.TRADING, 0, 0, 0)
        self._changed = False

    def apply(self, event: e.PhaseChanged | e.IndicativePriceChanged) -> None:
        if isinstance(event, e.PhaseChanged):
            self._status = Status(event.phase, 0, 0, 0)
        else:
            cross = (event.price_ticks, event.quantity_lots, event.surplus_lots)
            self._status = Status(self._status.phase, *cross)
        self._changed = True

    def take(
        self, sequence: int, previous_sequence: int, timestamp_ns: int
    ) -> StatusChanged | None:
        """Return the status if it changed since the last call."""
        if not self._changed:
            return None
        self._changed = False
        return StatusChanged(sequence, previous_sequence, timestamp_ns, self._status)

    def snapshot(self, sequence: int, timestamp_ns: int) -> StatusSnapshot:
        return StatusSnapshot(sequence, timestamp_ns, self._status)
