"""A maintenance that the ops desk has announced: the countdown to it, and who may still log on.

It is told when it becomes known and once 10, 5 and 1 minutes are left, as News(B) and as
`serverShutdown`. At its time all FIX sessions are logged out, and until the desk ends it nobody
logs on. Times are UTC nanoseconds.
"""

from __future__ import annotations

import msgspec

from gateway.fix import tags, values
from gateway.fix.codec import encode_fields
from gateway.fix.timestamps import format_utc_timestamp

MINUTE_NS = 60 * 1_000_000_000
COUNTDOWN_MINUTES = (10, 5, 1)


class Maintenance(msgspec.Struct, frozen=True):
    """What is announced: from when on, and what it is about."""

    at_ns: int
    text: str


class MaintenanceWatch:
    """Follows what the desk says of maintenance. `tick` is to be called several times a second."""

    def __init__(self) -> None:
        self.announced: Maintenance | None = None
        self._told_left: float = 0.0  # the minutes of the last announcement
        self._is_over_due = False

    def hear(self, maintenance: Maintenance | None) -> None:
        """Take in what the desk says now; None: there is no maintenance, or it has ended."""
        if maintenance != self.announced:
            self.announced = maintenance
            self._told_left = float("inf")
            self._is_over_due = False

    def tick(self, now_ns: int) -> str:
        """Return what is to be announced now, "" if nothing is."""
        if self.announced is None or now_ns >= self.announced.at_ns:
            return ""
        left = (self.announced.at_ns - now_ns) / MINUTE_NS
        passed = [minutes for minutes in COUNTDOWN_MINUTES if left <= minutes < self._told_left]
        is_new = self._told_left == float("inf")
        if not passed and not is_new:
            return ""
        self._told_left = min([left, *passed])
        return self.text(now_ns)

    def begins(self, now_ns: int) -> bool:
        """Say, once, that it is time: everybody is to be logged out."""
        if self._is_over_due or not self.refusal(now_ns):
            return False
        self._is_over_due = True
        return True

    def refusal(self, now_ns: int) -> str:
        """Return why nobody may log on now, "" if they may."""
        if self.announced is None or now_ns < self.announced.at_ns:
            return ""
        return f"maintenance: {self.announced.text}"

    def text(self, now_ns: int) -> str:
        """Return what who is there, or logs on, is to know, "" if nothing is announced."""
        if self.announced is None:
            return ""
        left_s = max(self.announced.at_ns - now_ns, 0) // 1_000_000_000
        when = format_utc_timestamp(self.announced.at_ns).decode()
        minutes = f"{left_s // 60} min {left_s % 60} s"
        return f"maintenance at {when} UTC, in {minutes}: {self.announced.text}"


def news(headline: str, text: str, now_ns: int) -> bytes:
    """Return the body of a News(B). FIX 4.4 vol. 3, "News"."""
    return encode_fields(
        [
            (tags.OrigTime, format_utc_timestamp(now_ns)),
            (tags.Urgency, values.Urgency.FLASH),
            (tags.Headline, headline.encode()),
            (tags.LinesOfText, b"1"),
            (tags.Text, text.encode()),
        ]
    )
