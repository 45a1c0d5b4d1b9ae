"""Which commands are executed while not all of them can be: cancels for as long as possible.

Two things narrow what is taken. A journal that is `Short` of space takes what fits: first nothing
is entered or replaced any more, and the space that is kept for them goes to cancels; what is left
last is the clock's. And where the engine failed at the clock's own command, orders that are over
may still rest, so none may trade; cancels are taken, until an operator removes the note of it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from matching.link import Refusal, RefusalCode
from vocabulary import commands as c
from vocabulary.codec import LAYOUTS
from vocabulary.types import CLOCK_SESSION_ID

CANCELS: Final = frozenset(LAYOUTS[kind].kind for kind in (c.CancelOrder, c.CancelAllOrders))


class Short(NamedTuple):
    """A journal that may run full: how many bytes it takes, and how many of them are kept."""

    room: int
    kept_for_cancels: int
    kept_for_clock: int


class Admission:
    """Says what is taken. `failed` are the session and number of commands at which it failed."""

    def __init__(self, failed: frozenset[tuple[int, int]]) -> None:
        self._failed = failed
        self._clock_failed = any(session_id == CLOCK_SESSION_ID for session_id, _ in failed)
        self.short: Short | None = None

    def is_open(self) -> bool:
        """Say whether any order may be executed, whosever it is and however large its record."""
        return self.short is None and not self._failed

    @property
    def takes(self) -> str:
        """Say in a word what is taken: "everything", "cancels" or "nothing"."""
        short = self.short
        if short is not None and short.room < short.kept_for_clock:
            return "nothing"
        if self._clock_failed or (short is not None and short.room < short.kept_for_cancels):
            return "cancels"
        return "everything"

    def takes_clock(self) -> bool:
        return not self._clock_failed and self.takes != "nothing"

    def fits(self, size: int) -> bool:
        """Count a record that the journal will have to take; say whether it can."""
        if self.short is None:
            return True
        self.short = self.short._replace(room=self.short.room - size)
        return self.short.room >= 0

    def refusal(self, kind: int, session_id: int, number: int) -> Refusal | None:
        """Return why a command is not executed now, None if it is."""
        if (session_id, number) in self._failed:
            text = "the engine failed at this command before; it was not executed"
            return Refusal(RefusalCode.ENGINE_FAILED, session_id, number, text)
        if self.short is None and not self._clock_failed:
            return None
        takes = self.takes
        if takes == "everything" or (takes == "cancels" and kind in CANCELS):
            return None
        if takes == "cancels" and self._clock_failed:
            text = "only cancels are taken: the engine failed at the clock's command"
        elif takes == "cancels":
            text = "only cancels are taken: the journal's disk is full"
        else:
            text = "nothing is taken: the journal's disk is full"
        return Refusal(RefusalCode.NOT_NOW, session_id, number, text)
