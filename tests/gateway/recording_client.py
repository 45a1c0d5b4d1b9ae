"""A session over FIX without a connection."""

from gateway.fix.codec import FixMessage


class RecordingClient:
    """A session that keeps what it is told."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.refused: list[tuple[bytes, str]] = []
        self.flushes = 0

    def send(self, msg_type: bytes, body: bytes, now_ns: int) -> None:
        self.bodies.append(body)
        pairs = (field.partition("=") for field in body.decode().split("\x01") if field)
        self.sent.append((msg_type, {tag: value for tag, _, value in pairs}))

    def refuse(
        self, message: FixMessage, reason: bytes, text: str, now_ns: int, ref_id: bytes
    ) -> None:
        self.refused.append((reason, text))

    def flush(self) -> None:
        self.flushes += 1
