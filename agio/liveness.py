"""Whether a child that runs can still do its work, by its own word.

Asked from the main thread, which alone starts children: a thread beside it could hold a lock when a
child is forked.
"""

from typing import Any

from agio import venue

ASK_INTERVAL_S = 5.0
ASK_TIMEOUT_S = 2.0
SILENT_S_MAX = 30.0
"""A service that has answered, and no more does for so long, hangs: a cluster judges as late."""


class Liveness:
    """Asks one service for its `/health`, every 5 s. Times are `time.monotonic()`'s."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ask_at_s = 0.0
        self._answered_at_s: float | None = None

    def begin(self) -> None:
        """Begin with a new process, which may take its time until its first answer."""
        self._answered_at_s = None

    def is_ready(self, pid: int) -> bool:
        """Ask at once whether process `pid` does its work."""
        state = venue.health(self._url)
        return state["ready"] is True and state.get("pid") == pid

    def problem(self, pid: int, now_s: float) -> dict[str, Any] | None:
        """Return why process `pid` must be started anew, to be logged; None while it lives."""
        if now_s < self._ask_at_s:
            return None
        self._ask_at_s = now_s + ASK_INTERVAL_S
        state = venue.health(self._url, ASK_TIMEOUT_S)
        if state.get("pid") == pid:
            self._answered_at_s = now_s
            # As `/live` has it: what waits for a store or for matching has not failed.
            has_failed = bool(state.get("failed"))
            return {"reason": "it says that it failed", "health": state} if has_failed else None
        if self._answered_at_s is None or now_s - self._answered_at_s < SILENT_S_MAX:
            return None
        return {"reason": f"no answer for {SILENT_S_MAX:g} s", "health": state}
