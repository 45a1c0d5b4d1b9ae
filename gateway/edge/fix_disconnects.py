"""Cancel on disconnect: who asked for it has its orders canceled when its session is gone.

Also where we were gone first: a session's terms are in `CANCEL_FILE` beside its messages, `S 1000`
in the first line, and in the second when they were laid down, in nanoseconds UTC.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from itertools import count
from pathlib import Path

import structlog

from gateway.cancel_on_disconnect import Terms, Watch
from gateway.fix_application.order_flow import Matching, OrderFlow
from gateway.order_tracker import Orders
from matching.client import MatchingUnavailable
from vocabulary.commands import CancelAllOrders
from vocabulary.types import OrderFlags

CANCEL_FILE = "cancel_on_disconnect"

log = structlog.get_logger("gateway")


class FixDisconnects:
    """Watches the sessions in `watches`. Times are UTC nanoseconds."""

    def __init__(
        self, orders: Orders, matching: Matching, directory_of: Callable[[OrderFlow], Path]
    ) -> None:
        self.watches: dict[OrderFlow, Watch] = {}
        self._orders = orders
        self._matching = matching
        self._directory_of = directory_of
        self._read: dict[OrderFlow, tuple[int, int]] = {}  # inode and time of change
        self._laid_down_ns: dict[OrderFlow, int] = {}
        self._own_session_id = secrets.randbits(63)
        self._own_numbers = count(1)

    def lay_down(self, flow: OrderFlow, terms: Terms, now_ns: int) -> None:
        """Note what a session that has logged on wants. Raises `OSError`."""
        file = self._directory_of(flow) / CANCEL_FILE
        unfinished = file.with_suffix(".new")
        unfinished.write_text(f"{terms.text()}\n{now_ns}\n")
        unfinished.replace(file)  # whole or as it was: a start must be able to read it
        self.read(flow)

    def read(self, flow: OrderFlow) -> None:
        """Go by what is laid down for a session, if it has changed. Raises `OSError`."""
        file = self._directory_of(flow) / CANCEL_FILE
        try:
            found = file.stat()
        except FileNotFoundError:
            return
        version = found.st_ino, found.st_mtime_ns
        if self._read.get(flow) == version:
            return
        terms, _, laid_down_ns = file.read_text().partition("\n")
        self._read[flow] = version
        self._laid_down_ns[flow] = int(laid_down_ns or 0)
        self.watches[flow] = Watch(Terms.parse(terms), flow.session_id, flow.identity.account_id)

    def is_here(self, flow: OrderFlow) -> None:
        """Note that somebody is logged on."""
        if flow in self.watches:
            self.watches[flow].back()

    def is_gone(self, flow: OrderFlow, now_ns: int) -> None:
        """Note that nobody is, and cancel what is due. Raises `MatchingUnavailable`."""
        if flow in self.watches:
            self.watches[flow].gone(self._orders, now_ns, partial(self._cancel, flow))

    def tick(self, now_ns: int) -> None:
        """Cancel the orders of who is gone, of sessions that are nowhere but here."""
        for flow in self.watches:
            if flow.session is not None:
                self.is_here(flow)
                continue
            try:
                self.is_gone(flow, now_ns)
            except MatchingUnavailable:
                return  # nobody trades now; tried again with the next tick

    def _cancel(self, flow: OrderFlow, account_id: int, session_id: int, flags: OrderFlags) -> None:
        """Submit the cancel of what a session has entered, or (0) an account; of some flags."""
        log.info("orders canceled, their session is gone", account_id=account_id)
        sender = self._own_session_id, next(self._own_numbers)
        if not session_id and self._laid_down_ns[flow]:
            # Of an account once for each logon: another gateway may come to it later, when the
            # account has entered others.
            sender = _canceler_of(flow), self._laid_down_ns[flow]
        chosen = CancelAllOrders(*sender, account_id, 0, b"", entered_by=session_id, flags=flags)
        self._matching.submit(chosen)


def _canceler_of(flow: OrderFlow) -> int:
    """Return the session, in the matching process, in which a session's account is canceled."""
    name = b"gone|%d" % flow.session_id
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "little") >> 1
