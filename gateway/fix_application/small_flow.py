"""What the flows of a drop copy and of market data share: a connection's session, and no slices."""

from __future__ import annotations

from collections.abc import Callable

from gateway.auth import Identity
from gateway.fix.codec import FixMessage
from gateway.fix.session import Session
from gateway.fix.store import SessionStore


class SmallFlow:
    """One FIX session over its connections; what it is asked it answers at once.

    `session` is None while there is no connection.
    """

    is_full = False
    is_telling = False

    def __init__(self, identity: Identity, store: SessionStore) -> None:
        self.identity = identity
        self.store = store
        self.session: Session | None = None
        self._flush = store.flush

    def attach(self, session: Session, flush: Callable[[], None]) -> None:
        """Use a connection's session, which has the store; `flush` writes what it has to send."""
        self.session = session
        self._flush = flush

    def detach(self) -> None:
        """Forget the connection."""
        self.session = None
        self._flush = self.store.flush

    def flush(self) -> None:
        """Let go of what has gathered: to the peer, or to the store alone."""
        self._flush()

    def tell_more(self, now_ns: int) -> None:
        """Nothing is told in slices here."""

    def receive_all(self, messages: list[FixMessage], now_ns: int) -> None:
        for message in messages:
            if self.session is not None:  # the message before may have ended it
                self._receive(self.session, message, now_ns)
                self.session.taken(message.msg_seq_num)

    def _receive(self, session: Session, message: FixMessage, now_ns: int) -> None:
        """Answer a message."""
        raise NotImplementedError
