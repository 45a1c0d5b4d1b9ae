"""What a protocol's strategies have done so far."""

import time
from collections import deque
from dataclasses import dataclass, field

from agio.standings import Counts

RATE_WINDOW_S = 5.0


@dataclass
class Tally:
    """Counts of one protocol, by what its strategies were told."""

    protocol: str
    orders: int = 0
    rejects: int = 0
    fills: int = 0
    _marks: deque[tuple[float, int, int]] = field(default_factory=deque)

    def update(self, counts: Counts) -> None:
        """Take over how it stands."""
        self.orders, self.fills, self.rejects = counts

    def rates(self) -> tuple[float, float]:
        """Return orders and fills a second, over the last seconds; call it at each refresh."""
        now = time.monotonic()
        self._marks.append((now, self.orders, self.fills))
        while len(self._marks) > 1 and now - self._marks[0][0] > RATE_WINDOW_S:
            self._marks.popleft()
        since, orders, fills = self._marks[0]
        elapsed = max(now - since, 0.001)
        return (self.orders - orders) / elapsed, (self.fills - fills) / elapsed
