"""RptSeq(83) of each FIX connection's books, as the chain of updates that arbitration wants."""

from __future__ import annotations

from trading.feeds.fix_schema import BookChange, FullRefresh
from trading.feeds.schema import DepthUpdate


class FixBooks:
    """Knows for each connection and symbol how far it has told.

    A change whose RptSeq(83) is the next goes on from the update before it. Where the number is
    another, changes are missing that nobody sends again: it then goes on from something unknown,
    just before itself, and is a gap like one of any other source.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[int, str], tuple[int, int]] = {}
        """RptSeq(83) and update id."""

    def refresh(self, source: int, refresh: FullRefresh) -> None:
        self._told[source, refresh.symbol] = refresh.rpt_seq, refresh.book.last_update_id

    def change(self, source: int, change: BookChange) -> DepthUpdate:
        """Return a change as an update that says what it goes on from."""
        key = source, change.symbol
        rpt_seq, update_id = self._told.get(key, (0, 0))
        previous = update_id if change.rpt_seq == rpt_seq + 1 else change.update_id - 1
        self._told[key] = change.rpt_seq, change.update_id
        return DepthUpdate(
            change.time_ms,
            change.symbol,
            previous + 1,
            change.update_id,
            change.bids,
            change.asks,
            previous,
        )

    def forget(self, source: int) -> None:
        """Forget a connection that is lost: the next one begins with a refresh."""
        self._told = {key: told for key, told in self._told.items() if key[0] != source}
