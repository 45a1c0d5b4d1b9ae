"""What a FIX service is to the acceptor: who may have a session, and what takes its messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.auth import Identity
from gateway.fix.codec import FixMessage
from gateway.fix.events import LogonReceived
from gateway.fix.session import Session
from gateway.fix.store import SessionStore


class NoSessionError(Exception):
    """This one can't have a session here; the text is fit for the peer's eyes."""


class Flow(Protocol):
    """A session over all its connections. Times are UTC nanoseconds."""

    @property
    def store(self) -> SessionStore: ...

    @property
    def session(self) -> Session | None:
        """The connection's session; None while nobody is logged on."""

    @property
    def is_full(self) -> bool:
        """Whether it is to be read no further for now."""

    def attach(self, session: Session, flush: Callable[[], None]) -> None: ...

    def detach(self) -> None: ...

    def receive(self, message: FixMessage, now_ns: int) -> None: ...


class Service(Protocol):
    """All sessions of one service. `permission` is what an API key needs for it."""

    name: str
    permission: str

    def __len__(self) -> int: ...

    def check(self, logon: LogonReceived) -> None:
        """Raise `NoSessionError` if this service takes no such Logon(A)."""

    def admitted(self, identity: Identity, logon: LogonReceived) -> None:
        """Note what a Logon(A) that was let in asks for. Raises `OSError`."""

    def tick(self, now_ns: int) -> None:
        """Do what time asks for."""

    def open(self, identity: Identity, now_ns: int) -> Flow:
        """Return the session that logs on; make it if it is new.

        Raises `NoSessionError`, and `OSError` where it has files.
        """
