"""The sessions of a FIX service that remember their messages, logged on or not, and their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import quote, unquote_to_bytes

from gateway.auth import Identity
from gateway.edge.fix_service import NoSessionError
from gateway.edge.sent_messages import SentMessages
from gateway.edge.shared_counter import SharedCounter

SESSIONS_MAX = 4_000
SESSIONS_PER_ACCOUNT_MAX = 100
COMP_ID_BYTES_MAX = 64
F = TypeVar("F")


class StoredSessions(Generic[F]):
    """Keeps one flow for each session; `make` makes it of its identity, its number and its store.

    A session's files are in a directory of its own, named by account and SenderCompID(49), so that
    after a restart reports find the sessions that have not logged on again yet. Where `is_shared`,
    other gateways have the same directory.
    """

    def __init__(
        self,
        directory: Path,
        service: str,
        make: Callable[[Identity, int, SentMessages], F],
        *,
        is_shared: bool = False,
    ) -> None:
        self.flows: dict[int, F] = {}
        self._directory = directory / service
        self._service = service
        self._make = make
        self._is_shared = is_shared
        self._stores: dict[F, SentMessages] = {}
        self._sessions_of: Counter[int] = Counter()
        self._names: set[str] = set()
        self._made: SharedCounter | None = None  # raised with each that is new
        self._seen = 0

    def open_known(self, now_ns: int) -> None:
        """Open every session that ever logged on."""
        self._directory.mkdir(parents=True, exist_ok=True)
        if self._is_shared:
            self._made = SharedCounter(self._directory.with_suffix(".made"))
            self._seen = self._made.value
        self._open_rest(now_ns)

    def open_new(self, now_ns: int) -> bool:
        """Open those, too, that other gateways have made meanwhile; say whether there were any."""
        if self._made is None or self._made.value == self._seen:
            return False
        self._seen = self._made.value
        return self._open_rest(now_ns)

    def _open_rest(self, now_ns: int) -> bool:
        known = len(self.flows)
        for path in sorted(self._directory.iterdir()):
            if path.name not in self._names:
                account, _, comp_id = path.name.partition("-")
                self._open(Identity(int(account), unquote_to_bytes(comp_id)), now_ns)
        return len(self.flows) > known

    def open(self, identity: Identity, now_ns: int) -> F:
        """Return a session; make it if it is new. Raises `NoSessionError`."""
        flow = self.flows.get(session_id_of(identity, self._service))
        if flow is not None:
            return flow
        if not 0 < len(identity.sender_comp_id) <= COMP_ID_BYTES_MAX:
            raise NoSessionError(f"SenderCompID(49) is longer than {COMP_ID_BYTES_MAX}")
        if (
            len(self.flows) >= SESSIONS_MAX
            or self._sessions_of[identity.account_id] >= SESSIONS_PER_ACCOUNT_MAX
        ):
            raise NoSessionError("too many sessions")
        flow = self._open(identity, now_ns)
        if self._made is not None:
            self._made.add_one()
        return flow

    def close(self) -> None:
        for store in self._stores.values():
            store.close()

    def store_of(self, flow: F) -> SentMessages:
        return self._stores[flow]

    def directory_of(self, identity: Identity) -> Path:
        """Return where a session's files are."""
        return self._directory / _name_of(identity)

    def _open(self, identity: Identity, now_ns: int) -> F:
        store = SentMessages(self.directory_of(identity), now_ns, is_shared=self._is_shared)
        session_id = session_id_of(identity, self._service)
        flow = self._make(identity, session_id, store)
        self._stores[flow] = store
        self.flows[session_id] = flow
        self._sessions_of[identity.account_id] += 1
        self._names.add(_name_of(identity))
        return flow


def _name_of(identity: Identity) -> str:
    return f"{identity.account_id}-{quote(identity.sender_comp_id, safe='')}"


def session_id_of(identity: Identity, service: str) -> int:
    """Return the number, below 2 ** 63, by which the matching process knows a session."""
    name = b"fix|%d|%b|%b" % (identity.account_id, identity.sender_comp_id, service.encode())
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "little") >> 1
