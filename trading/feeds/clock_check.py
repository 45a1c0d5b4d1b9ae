"""Whether the times that a source states can be true."""

from __future__ import annotations

from enum import StrEnum

from trading.feeds.rejects import RejectedError, RejectReason

FUTURE_NS_MAX = 1_000_000_000
"""How far a source's clock may be ahead of ours unremarked."""
AGE_NS_MAX = 5_000_000_000
"""How old a message may be unremarked."""
ABSURD_NS = 3_600_000_000_000
"""Off by more than this, a time is no matter of clocks or delays: the message is wrong."""


class ClockFault(StrEnum):
    """What is remarkable about a time, and yet possible. Counted; the message goes on."""

    FUTURE = "future"
    BACKWARDS = "backwards"
    OLD = "old"


def refuse_absurd(exchange_ns: int, received_ns: int) -> None:
    """Raise `RejectedError` for a time that can't be."""
    off_ns = exchange_ns - received_ns
    if abs(off_ns) > ABSURD_NS:
        raise RejectedError(
            RejectReason.CLOCK, f"the source's time is {off_ns / 1e9:+.0f} s off from ours"
        )


class ClockCheck:
    """The times of one channel, message by message in order."""

    def __init__(self) -> None:
        self.newest_ns = 0

    def check(self, exchange_ns: int, received_ns: int) -> ClockFault | None:
        is_backwards = exchange_ns < self.newest_ns
        self.newest_ns = max(self.newest_ns, exchange_ns)
        if exchange_ns - received_ns > FUTURE_NS_MAX:
            return ClockFault.FUTURE
        if is_backwards:
            return ClockFault.BACKWARDS
        if received_ns - exchange_ns > AGE_NS_MAX:
            return ClockFault.OLD
        return None
