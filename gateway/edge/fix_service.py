"""What a FIX service is to the acceptor: who may have a session, and what takes its messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from gateway.auth import Identity
from gateway.fix.codec import FixMessage
from gateway.fix.events import LogonReceived
from gateway.fix.session import Session
from gateway.fix.store import SessionStore
from gateway.session_rules import SessionRule


class NoSessionError(Exception):
    """This one can't have a session here; the text is fit for the peer's eyes."""


class Flow(Protocol):
    """A session over all its connections. Times are UTC nanoseconds."""

    @property
    def identity(self) -> Identity: ...

    @property
    def store(self) -> SessionStore: ...

    @property
    def session(self) -> Session | None:
        """The connection's session; None while nobody is logged on."""

    @property
    def is_full(self) -> bool:
        """Whether it is to be read no further for now."""

    @property
    def is_telling(self) -> bool:
        """Whether an answer goes on, slice by slice."""

    def tell_more(self, now_ns: int) -> None:
        """Tell the next slice of it."""

    def attach(self, session: Session, flush: Callable[[], None]) -> None: ...

    def detach(self) -> None: ...

    def flush(self) -> None:
        """Write what the connection's session has to send, or to the store alone."""

    def receive_all(self, messages: list[FixMessage], now_ns: int) -> None:
        """Take in what one read brought, in order."""


class Service(Protocol):
    """All sessions of one service. `permission` is what an API key needs for it."""

    name: str
    permission: str

    def __len__(self) -> int: ...

    def flows(self) -> Iterable[Flow]:
        """Return every session there is, logged on or not."""

    def apply(self, rule: SessionRule) -> None:
        """Let what the desk has laid down for a session count, if there is that session."""

    def check(self, logon: LogonReceived) -> None:
        """Raise `NoSessionError` if this service takes no such Logon(A)."""

    def admitted(self, identity: Identity, logon: LogonReceived, rule: SessionRule | None) -> None:
        """Note what a Logon(A) that was let in asks for, or the desk for it. Raises `OSError`."""

    def tick(self, now_ns: int) -> None:
        """Do what time asks for."""

    def open(self, identity: Identity, now_ns: int) -> Flow:
        """Return the session that logs on; make it if it is new.

        Raises `NoSessionError`, and `OSError` where it has files.
        """
