"""What becomes of a session's orders once it is gone: canceled, where it or they asked for it.

CancelOnDisconnect(8013) is `S` for the orders of the session, `Y` for all of its account, `N` for
those of the session that ask for it themselves, with ExecInst(18)=o. CODTimeoutWindow(35003) is how
many milliseconds it may take to come back. However the connection ended counts, a Logout(5), too.
What was on its way then, and is accepted later, is canceled as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple, Protocol

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage, parse_number
from gateway.orders import Order
from vocabulary.types import OrderFlags

GRACE_MS_MAX = 60_000
_MILLISECOND_NS = 1_000_000


class Scope(Enum):
    """Which orders they are."""

    ORDER = "N"
    SESSION = "S"
    ACCOUNT = "Y"


class Terms(NamedTuple):
    """What a session wants done when it is gone for longer than `grace_ms`."""

    scope: Scope
    grace_ms: int

    def text(self) -> str:
        """Return it as one line, as `parse` reads it."""
        return f"{self.scope.value} {self.grace_ms}"

    @classmethod
    def parse(cls, text: str) -> Terms:
        """Return what `text` has written. Raises `ValueError`."""
        scope, _, grace_ms = text.strip().partition(" ")
        return cls(Scope(scope), int(grace_ms))


def terms_of(logon: FixMessage) -> Terms:
    """Return what a Logon(A) asks for. Raises `ValueError`."""
    wanted = logon.get(tags.CancelOnDisconnect) or values.CancelOnDisconnect.NONE
    window = logon.get(tags.CODTimeoutWindow) or b"0"
    grace_ms = parse_number(window)
    if window.startswith(b"-") or grace_ms > GRACE_MS_MAX:
        raise ValueError(
            f"CODTimeoutWindow(35003) must be 0 to {GRACE_MS_MAX}, received {window.decode()}"
        )
    return Terms(Scope(wanted.decode()), grace_ms)


class OpenOrders(Protocol):
    """What is needed of `gateway.order_tracker.Orders`."""

    def open_orders(self, account_id: int) -> Iterable[Order]: ...


class Watch:
    """One session's orders, from its logon until they are canceled. Times are UTC nanoseconds.

    `cancel` submits the cancel of all that an account has open or, given a session's id, of what
    that one has entered, with some flags or any; what it raises is for the owner, and is tried
    again.
    """

    def __init__(self, terms: Terms, session_id: int, account_id: int) -> None:
        self.terms = terms
        self._session_id = session_id
        self._account_id = account_id
        self._due_ns: int | None = None
        self._has_canceled_account = False
        self._must_look = True
        asks_itself = terms.scope is Scope.ORDER
        self._flags = OrderFlags.CANCEL_WITH_SESSION if asks_itself else OrderFlags.NONE

    def back(self) -> None:
        """Note that somebody is logged on."""
        if self._due_ns is not None:
            self._due_ns = None
            self._has_canceled_account = False
            self._must_look = True

    def look_again(self) -> None:
        """Note that something has become of an order while nobody was there."""
        self._must_look = True

    def gone(
        self, orders: OpenOrders, now_ns: int, cancel: Callable[[int, int, OrderFlags], None]
    ) -> None:
        """Note that nobody is logged on, and cancel what is due."""
        if self._due_ns is None:
            self._due_ns = now_ns + self.terms.grace_ms * _MILLISECOND_NS
        if now_ns < self._due_ns or not self._must_look:
            return
        if self.terms.scope is Scope.ACCOUNT and not self._has_canceled_account:
            cancel(self._account_id, 0, OrderFlags.NONE)
            self._has_canceled_account = True
        elif any(map(self._ends, orders.open_orders(self._account_id))):
            cancel(self._account_id, self._session_id, self._flags)
        self._must_look = False

    def _ends(self, order: Order) -> bool:
        return order.session_id == self._session_id and self._flags in order.flags
