"""What a session tells its owner. An application message is its own event: `FixMessage`."""

from dataclasses import dataclass, field

from gateway.fix.codec import FixMessage


@dataclass(frozen=True, slots=True)
class LogonReceived:
    """The peer asks to log on (acceptor only): answer `accept_logon`, `refuse_logon` or `drop`.

    Everything but the CompIDs and the form of the message remains to be judged: who it is, and
    whether that session is connected already. Until then nothing of the session changes.
    """

    message: FixMessage
    sender_comp_id: bytes
    username: bytes | None
    password: bytes | None = field(repr=False)
    heartbeat_interval_s: int
    is_reset: bool


@dataclass(frozen=True, slots=True)
class LoggedOn:
    """Both sides are logged on: application messages may be sent from now on."""

    heartbeat_interval_s: int


@dataclass(frozen=True, slots=True)
class RejectReceived:
    """The peer refused one of our messages with a session-level Reject(3)."""

    message: FixMessage


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """We refused a message of the peer's with a Reject(3), for `text`; its number is used up."""

    message: FixMessage
    text: str


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The last event: send what `data_to_send` holds, then close the connection.

    `by_logout` is whether Logout(5) went both ways; `text` says why, for logs and people.
    """

    text: str
    by_logout: bool


Event = FixMessage | LogonReceived | LoggedOn | RejectReceived | MessageRefused | SessionClosed
