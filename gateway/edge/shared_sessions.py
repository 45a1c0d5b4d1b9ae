"""FIX sessions that several gateways of a machine have in common.

Their files are in one directory. While a session is logged on, its gateway holds them; the others
defer what records bring for it, and forget that as they see it written. Of a session that is away
whoever looks first holds the files for a moment, and writes down what is missing. So a session may
log on at any gateway, and of one that is killed the others have all that it had not written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

from gateway.edge.background import end_process
from gateway.edge.fix_service import Flow
from gateway.edge.stored_sessions import StoredSessions

LOOKED_AT_MAX = 250
"""How many sessions are looked at in one tick; a second has four."""

F = TypeVar("F", bound=Flow)

log = structlog.get_logger("gateway")


class SharedSessions(Generic[F]):
    """Looks after those of `sessions` that are not logged on here.

    `while_away` is called with each that is logged on nowhere, and with the time in UTC
    nanoseconds, while no other gateway can have it; `elsewhere` with each that another one has.
    """

    def __init__(
        self,
        sessions: StoredSessions[F],
        while_away: Callable[[F, int], None] = lambda _flow, _now_ns: None,
        elsewhere: Callable[[F], None] = lambda _flow: None,
    ) -> None:
        self._sessions = sessions
        self._while_away = while_away
        self._elsewhere = elsewhere
        self._to_look_at: list[F] = []

    def tick(self, now_ns: int) -> None:
        """Look at the next ones, and at what other gateways have made."""
        try:
            self._sessions.open_new(now_ns)
            for flow in self._next():
                if flow.session is None:
                    self._look_at(flow, now_ns)
        except OSError as error:
            # What half of it did can't be taken back: the next process begins with what is written.
            log.critical("FIX sessions' files failed", reason=str(error))
            end_process()

    def _next(self) -> list[F]:
        if not self._to_look_at:
            self._to_look_at = list(self._sessions.flows.values())
        following = self._to_look_at[:LOOKED_AT_MAX]
        del self._to_look_at[:LOOKED_AT_MAX]
        return following

    def _look_at(self, flow: F, now_ns: int) -> None:
        store = self._sessions.store_of(flow)
        if not store.claim():
            store.follow()
            self._elsewhere(flow)
            return
        try:
            store.carry_out(now_ns)
            self._while_away(flow, now_ns)
        finally:
            store.release()
