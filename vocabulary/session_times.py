"""When a FIX session's numbers begin anew, and when it may be logged on: times in UTC.

A time is `HH:MM[:SS]` each day, or on one day a week: `sunday 21:00`. Hours are two of one kind,
the second left out: `08:00-17:30` is daily and may go over midnight, `sunday 17:00-friday 17:00`
weekly, as QuickFIX's StartDay and EndDay have it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SECOND_NS = 1_000_000_000
DAY_S = 86_400
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FIRST_WEEKDAY = 3  # 1 January 1970 was a Thursday

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


class RecurringTime(NamedTuple):
    """A second of each day, or of that `weekday` (0 is Monday) alone."""

    weekday: int | None
    second: int

    @classmethod
    def parse(cls, text: str) -> RecurringTime:
        """Return what `text` has written. Raises `ValueError`."""
        day, _, time = text.rpartition(" ")
        if day and day not in WEEKDAYS:
            raise ValueError(f"{text!r} is not [WEEKDAY ]HH:MM[:SS]")
        return cls(WEEKDAYS.index(day) if day else None, _second(time))

    def last_ns(self, now_ns: int) -> int:
        """Return when it last was, now at the latest; UTC nanoseconds, like `now_ns`."""
        day, second = divmod(now_ns // SECOND_NS, DAY_S)
        day -= second < self.second
        if self.weekday is not None:
            day -= (day + _FIRST_WEEKDAY - self.weekday) % 7
        return (day * DAY_S + self.second) * SECOND_NS

    def next_ns(self, now_ns: int) -> int:
        """Return when it will be next, after now."""
        period_s = DAY_S if self.weekday is None else 7 * DAY_S
        return self.last_ns(now_ns) + period_s * SECOND_NS


class Hours(NamedTuple):
    """A part of each day, or of each week, from `begin` until before `end`."""

    begin: RecurringTime
    end: RecurringTime

    @classmethod
    def parse(cls, text: str) -> Hours:
        """Return what `text` has written. Raises `ValueError`."""
        begin, _, end = text.partition("-")
        hours = cls(RecurringTime.parse(begin), RecurringTime.parse(end))
        is_daily = [time.weekday is None for time in hours]
        if is_daily[0] != is_daily[1] or hours.begin == hours.end:
            raise ValueError(f"{text!r} is not two different times, both of the day or the week")
        return hours

    def contain(self, now_ns: int) -> bool:
        """Say whether a moment, in UTC nanoseconds, is one of them."""
        return self.begin.last_ns(now_ns) > self.end.last_ns(now_ns)

    def next_end_ns(self, now_ns: int) -> int:
        """Return when they will end next, after now."""
        return self.end.next_ns(now_ns)


def _second(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a time of the day, HH:MM[:SS]")
    hour, minute, second = found.groups(default="0")
    return int(hour) * 3600 + int(minute) * 60 + int(second)
