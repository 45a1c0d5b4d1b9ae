"""The space on the journal's disk: what it allows to be taken, and who is told when it runs out."""

from __future__ import annotations

import structlog
from prometheus_client import Enum, Gauge

from matching.admission import Admission, Short
from matching.edge.journal import Journal

FREE_BYTES = Gauge("agio_matching_disk_free_bytes", "What is free on the journal's disk")
STATES = ["everything", "cancels", "nothing"]
TAKES = Enum(
    "agio_matching_takes",
    "What is executed at present",
    states=["everything", "cancels", "nothing"],
)

log = structlog.get_logger("matching")


class DiskWatch:
    """Tells `admission` where the disk is full, and lets the journal go on where it no longer is.

    The journal has a segment ahead of it, so there is space left when the disk is full. Of the last
    segment, half is kept for cancels and an eighth for the clock's commands; that eighth also
    bounds what the last cancel of all may write.
    """

    def __init__(self, journal: Journal, admission: Admission, segment_bytes: int) -> None:
        self._journal = journal
        self._admission = admission
        self._kept_for_cancels = segment_bytes // 2
        self._kept_for_clock = segment_bytes // 8
        self._told = ("everything", False)

    def look(self) -> None:
        """Learn what the journal takes now; to be called before each batch."""
        self._look(self._kept_for_cancels)

    def tick(self) -> None:
        """Look for space, and tell operators what changed; to be called a few times a second."""
        self._journal.look_for_space()
        self._look(0)
        free_bytes = self._journal.free_bytes()
        FREE_BYTES.set(free_bytes)
        TAKES.state(self._admission.takes)
        short = self._admission.short
        state = self._admission.takes, short is not None
        if state != self._told:
            self._told = state
            log.warning(
                "what is taken has changed",
                takes=self._admission.takes,
                disk_full=short is not None,
                room_bytes=short.room if short is not None else None,
                free_bytes=free_bytes,
            )

    def _look(self, enough: int) -> None:
        room = self._journal.room(enough)
        self._admission.short = (
            Short(room, self._kept_for_cancels, self._kept_for_clock) if room is not None else None
        )
