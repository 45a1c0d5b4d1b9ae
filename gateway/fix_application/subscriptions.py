"""Requests that are answered once, or again whenever the answer changes: SubscriptionRequestType.

What SecurityStatusRequest(e), SecurityDefinitionRequest(c) and TradingSessionStatusRequest(g) have
in common. FIX 4.4 vol. 3.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum, auto
from typing import Protocol

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage

SUBSCRIPTIONS_MAX = 1_000
"""How many subscriptions of one kind a session may have open."""

_WANTED = values.SubscriptionRequestType


class Client(Protocol):
    """A session. Times are UTC nanoseconds."""

    def send(self, msg_type: bytes, body: bytes, now_ns: int) -> None:
        """Send a message; `flush` lets it go."""

    def refuse(
        self, message: FixMessage, reason: bytes, text: str, now_ns: int, ref_id: bytes
    ) -> None:
        """Answer with BusinessMessageReject(j); `ref_id` is what the request calls itself."""

    def flush(self) -> None: ...


class Problem(Enum):
    """Why a request is not met."""

    UNKNOWN_TOPIC = auto()
    """What it is about does not exist."""
    UNKNOWN_ID = auto()
    """What is to end never began."""
    DUPLICATE_ID = auto()
    TOO_MANY = auto()
    NOT_KNOWN_YET = auto()
    UNSUPPORTED = auto()


class Refused(Exception):
    """A request that is not met."""

    def __init__(self, problem: Problem, text: str) -> None:
        super().__init__(text)
        self.problem = problem
        self.text = text


class Subscriptions(ABC):
    """All sessions' requests of one kind, each about a topic: a symbol, or `""` for all there is.

    What a change says gathers until `flush`; answers leave with the session's own next write.
    """

    id_tag: int
    id_name: str

    def __init__(self) -> None:
        self._topics: dict[Client, dict[bytes, str]] = {}
        self._subscribers: dict[str, dict[tuple[Client, bytes], None]] = {}
        self._touched: set[Client] = set()

    @property
    def has_news(self) -> bool:
        return bool(self._touched)

    def receive(self, client: Client, message: FixMessage, now_ns: int) -> None:
        """Do what a request asks for."""
        try:
            self._receive(client, message, now_ns)
        except Refused as refused:
            self.refuse(client, message, refused, now_ns)

    def forget(self, client: Client) -> None:
        """End all that a session has subscribed to."""
        for request_id in list(self._topics.get(client, ())):
            self._unsubscribe(client, request_id)
        self._touched.discard(client)

    def flush(self) -> None:
        """Let go of what was told since the last call."""
        for client in self._touched:
            client.flush()
        self._touched.clear()

    @abstractmethod
    def topic(self, message: FixMessage) -> str:
        """Return what a request is about. Raises `Refused`."""

    @abstractmethod
    def answer(self, client: Client, request_id: bytes, topic: str, now_ns: int) -> None:
        """Say how things stand."""

    @abstractmethod
    def refuse(
        self, client: Client, message: FixMessage, refused: Refused, now_ns: int
    ) -> None: ...

    def subscribers(self, topic: str) -> list[tuple[Client, bytes]]:
        """Return who is to be told of a topic, and under which request's id."""
        return list(self._subscribers.get(topic, ()))

    def tell(self, client: Client, msg_type: bytes, body: bytes, now_ns: int) -> None:
        """Send what nobody asked for just now."""
        client.send(msg_type, body, now_ns)
        self._touched.add(client)

    def _receive(self, client: Client, message: FixMessage, now_ns: int) -> None:
        request_id = message.get(self.id_tag) or b""
        wanted = message.get(tags.SubscriptionRequestType) or _WANTED.SNAPSHOT
        topics = self._topics.get(client, {})
        if wanted == _WANTED.DISABLE_PREVIOUS:
            if request_id not in topics:
                text = f"{self.id_name} is not that of an open subscription"
                raise Refused(Problem.UNKNOWN_ID, text)
            self._unsubscribe(client, request_id)
            return
        if request_id in topics:
            raise Refused(Problem.DUPLICATE_ID, f"{self.id_name} is in use")
        topic = self.topic(message)
        is_lasting = wanted == _WANTED.SNAPSHOT_PLUS_UPDATES
        if is_lasting and len(topics) >= SUBSCRIPTIONS_MAX:
            raise Refused(Problem.TOO_MANY, f"more than {SUBSCRIPTIONS_MAX} subscriptions")
        # Past this line nothing can fail.
        if is_lasting:
            self._topics.setdefault(client, {})[request_id] = topic
            self._subscribers.setdefault(topic, {})[client, request_id] = None
        self.answer(client, request_id, topic, now_ns)

    def _unsubscribe(self, client: Client, request_id: bytes) -> None:
        topics = self._topics[client]
        topic = topics.pop(request_id)
        if not topics:
            del self._topics[client]
        subscribers = self._subscribers[topic]
        del subscribers[client, request_id]
        if not subscribers:
            del self._subscribers[topic]
