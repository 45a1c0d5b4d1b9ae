"""Two sessions wired back to back: an initiator and an acceptor, and a wire that may break."""

from dataclasses import dataclass, field

from gateway.fix.codec import FixMessage, encode_fields
from gateway.fix.events import Event, LogonReceived
from gateway.fix.session import Session, SessionSettings
from gateway.fix.states import State
from gateway.fix.store import MemoryStore, SessionStore

SECOND_NS = 1_000_000_000
START_NS = 1_767_225_600 * SECOND_NS
UNLIMITED = 1 << 60

CLIENT = SessionSettings(
    sender_comp_id=b"C1", target_comp_id=b"AGIO", username=b"key", password=b"secret"
)
VENUE = SessionSettings(sender_comp_id=b"AGIO")


def order(number: int) -> bytes:
    return encode_fields(
        [
            (11, b"A%d" % number), (55, b"BTCUSDT"), (54, b"1"), (38, b"1"), (40, b"1"),
            (60, b"20260101-00:00:00"),
        ]
    )  # fmt: skip


def report(client_order_id: bytes) -> bytes:
    return encode_fields(
        [
            (37, b"1"), (11, client_order_id), (17, client_order_id), (150, b"0"), (39, b"0"),
            (55, b"BTCUSDT"), (54, b"1"), (151, b"1"), (14, b"0"), (6, b"0"),
        ]
    )  # fmt: skip


@dataclass
class Side:
    """One end with the events that its owner has seen."""

    store: SessionStore = field(default_factory=MemoryStore)
    events: list[Event] = field(default_factory=list)
    session: Session = field(init=False)

    @property
    def applications(self) -> list[FixMessage]:
        return [event for event in self.events if isinstance(event, FixMessage)]

    def client_order_ids(self) -> list[bytes]:
        return [message.get(11) or b"" for message in self.applications]


class Pair:
    """The venue takes each order when it comes and reports it; `wire_bytes` may break the wire."""

    def __init__(self, client: SessionSettings = CLIENT, venue: SessionSettings = VENUE) -> None:
        self.client_settings, self.venue_settings = client, venue
        self.client, self.venue = Side(), Side()
        self.now_ns = START_NS
        self.wire_bytes = UNLIMITED
        self.carried_bytes = 0

    def connect(self) -> None:
        self.client.session = Session.initiator(
            self.client_settings, self.client.store, self.now_ns
        )
        self.venue.session = Session(self.venue_settings, self.now_ns)
        self.client.session.send_logon(self.now_ns)
        self.run()

    def disconnect(self) -> None:
        for side in (self.client, self.venue):
            side.session.receive_eof(self.now_ns)
            self.serve(side)

    def run(self) -> None:
        """Carry bytes both ways until nothing moves, or the wire breaks."""
        moved = True
        while moved:
            moved = False
            for near, far in ((self.client, self.venue), (self.venue, self.client)):
                data = near.session.data_to_send()
                carried = data[: self.wire_bytes]
                self.wire_bytes -= len(carried)
                self.carried_bytes += len(carried)
                if carried:
                    moved = True
                    far.session.receive_data(carried, self.now_ns)
                    self.serve(far)
                if len(carried) < len(data):
                    self.disconnect()
                    return

    def serve(self, side: Side) -> None:
        for event in side.session.events_received():
            side.events.append(event)
            if isinstance(event, LogonReceived):
                side.session.accept_logon(side.store, self.now_ns)
                self.serve(side)
            elif isinstance(event, FixMessage):
                if side is self.venue:
                    self.venue.session.send_application(
                        b"8", report(event.get(11) or b""), self.now_ns
                    )
                side.session.taken(event.msg_seq_num)

    def send_order(self, number: int) -> None:
        self.client.session.send_application(b"D", order(number), self.now_ns)

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now_ns += SECOND_NS // 10
            for side in (self.client, self.venue):
                side.session.tick(self.now_ns)
                self.serve(side)
            self.run()

    @property
    def states(self) -> tuple[State, State]:
        return self.client.session.state, self.venue.session.state
