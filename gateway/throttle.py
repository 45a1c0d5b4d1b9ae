"""How much one session or key may ask for.

Orders and cancels have buckets of their own, so that whoever is throttled can still get out.
Who fails to log on waits longer for each answer, and who succeeds never waits.
"""

from __future__ import annotations

_SECOND_NS = 1_000_000_000

CANCELS_PER_ORDER = 10
"""How much larger the bucket of the cancels is: it stops a runaway loop, never a way out."""


FAILURE_DELAY_NS_MIN = 100_000_000
FAILURE_DELAY_NS_MAX = 8_000_000_000
FAILURES_FORGOTTEN_NS = 60_000_000_000
FAILURE_SOURCES_MAX = 10_000


class Throttled(Exception):
    """Too much, too fast. Nothing happened; `retry_after_ns` says when there is room again."""

    def __init__(self, text: str, retry_after_ns: int) -> None:
        super().__init__(text)
        self.text = text
        self.retry_after_ns = retry_after_ns


class TokenBucket:
    """Lets `rate_per_s` through in the long run and `burst` at once.

    It keeps the moment at which it will be full, so that nothing has to be refilled.
    """

    def __init__(self, rate_per_s: int, burst: int) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._interval_ns = _SECOND_NS // rate_per_s
        self._burst_ns = self._interval_ns * burst
        self._full_at_ns = 0

    def take(self, now_ns: int, count: int = 1) -> int:
        """Take tokens: return 0, or the nanoseconds to wait where there are not so many."""
        full_at_ns = max(self._full_at_ns, now_ns) + self._interval_ns * count
        wait_ns = full_at_ns - now_ns - self._burst_ns
        if wait_ns > 0:
            return wait_ns
        self._full_at_ns = full_at_ns
        return 0

    def used(self, now_ns: int) -> int:
        """Return how many tokens are missing until it is full."""
        missing_ns = max(self._full_at_ns - now_ns, 0)
        return (missing_ns + self._interval_ns - 1) // self._interval_ns


class Throttle:
    """The limits of one session or key: `rate_per_s` orders and replaces, ten times the cancels."""

    def __init__(self, rate_per_s: int) -> None:
        self.orders = TokenBucket(rate_per_s, rate_per_s)
        self.cancels = TokenBucket(rate_per_s * CANCELS_PER_ORDER, rate_per_s * CANCELS_PER_ORDER)

    def take_order(self, now_ns: int) -> None:
        """Count a new order or a replace. Raises `Throttled`."""
        _take(self.orders, now_ns, 1, "orders")

    def take_orders(self, now_ns: int, count: int) -> None:
        """Count what weighs as much as so many orders, at most as all of a second's."""
        _take(self.orders, now_ns, min(count, self.orders.burst), "orders")

    def take_cancel(self, now_ns: int) -> None:
        """Count a cancel. Raises `Throttled`."""
        _take(self.cancels, now_ns, 1, "cancels")


def _take(bucket: TokenBucket, now_ns: int, count: int, what: str) -> None:
    wait_ns = bucket.take(now_ns, count)
    if wait_ns:
        wait_ms = (wait_ns + 999_999) // 1_000_000
        raise Throttled(
            f"more than {bucket.rate_per_s} {what} a second, retry in {wait_ms} ms", wait_ns
        )


class FailureDelays:
    """How long the answer to a failed logon is held back: twice as long with each failure.

    A source is an address, or an API key with an address: strangers who guess at a key slow down
    themselves, not its owner. Failures are forgotten after a minute without another.
    """

    def __init__(self) -> None:
        self._sources: dict[str, tuple[int, int]] = {}  # failures, and when the last one was

    def failed(self, source: str, now_ns: int) -> int:
        """Count a failure; return the nanoseconds to hold the answer back."""
        failures, last_ns = self._sources.pop(source, (0, now_ns))
        failures = failures + 1 if now_ns - last_ns < FAILURES_FORGOTTEN_NS else 1
        self._sources[source] = failures, now_ns
        if len(self._sources) > FAILURE_SOURCES_MAX:
            del self._sources[next(iter(self._sources))]  # the one that failed longest ago
        return min(FAILURE_DELAY_NS_MIN << min(failures - 1, 10), FAILURE_DELAY_NS_MAX)
