"""Plays a written dialogue against an acceptor's session: no sockets, no waiting.

A line is one step:

    # text            comment
    i CONNECT         the client connects               i DISCONNECT   ... and goes
    I 35=0|34=2       the client sends this message
    E 35=3|34=2|45=2  the next message from the acceptor must be this one
    e DISCONNECT      the acceptor must have closed the connection
    T 30              so many seconds pass, tick by tick
    A TAKEN 3         the owner has taken everything up to 3
    A SEND 35=8|37=1  the owner sends an application message
    A LOGOUT text     the owner logs the client out
    A HOLD            from now on the owner takes its time over a Logon(A)
    A ACCEPT          ... and accepts it

In a sent message 8, 9, 49, 56, 52 and 10 are filled in unless the line has them. In a received one
they are checked for what they must be and need not be written; 122=* is any UTCTimestamp. Nothing
may come from the acceptor that the dialogue does not expect.
"""

from pathlib import Path

from gateway.fix.codec import Decoder, FixMessage, encode
from gateway.fix.events import LogonReceived
from gateway.fix.session import Session, SessionSettings
from gateway.fix.states import State
from gateway.fix.store import MemoryStore
from gateway.fix.timestamps import format_utc_timestamp, parse_utc_timestamp

START_NS = 1_767_225_600_000_000_000  # 2026-01-01 00:00:00
SECOND_NS = 1_000_000_000
SETTINGS = SessionSettings(sender_comp_id=b"AGIO")
FILLED_IN = {8, 9, 10, 49, 52, 56}


class Dialogue:
    def __init__(self) -> None:
        self.now_ns = START_NS
        self.store = MemoryStore(START_NS)
        self.handed_up: list[FixMessage] = []
        self.is_holding = False
        self.received: list[FixMessage] = []

    def play(self, path: Path) -> None:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line and not line.startswith("#"):
                try:
                    self.step(line)
                except AssertionError as error:
                    error.add_note(f"{path.name}:{number}: {line}")
                    raise
        assert not self.received

    def step(self, line: str) -> None:
        kind, _, rest = line.partition(" ")
        if kind != "E":
            assert not self.received, "unexpected message"
        match kind:
            case "i":
                self.connect() if rest == "CONNECT" else self.session.receive_eof(self.now_ns)
            case "I":
                self.session.receive_data(self.message(rest), self.now_ns)
            case "E":
                self.expect(rest)
            case "e":
                assert self.session.state is State.CLOSED
            case "T":
                self.pass_time(int(rest))
            case "A":
                self.act(rest)
            case _:
                raise ValueError(line)
        self.serve()

    def connect(self) -> None:
        self.session = Session(SETTINGS, self.now_ns)
        self.decoder = Decoder()

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds * 10):
            self.now_ns += SECOND_NS // 10
            self.session.tick(self.now_ns)

    def act(self, action: str) -> None:
        verb, _, rest = action.partition(" ")
        match verb:
            case "TAKEN":
                self.session.taken(int(rest))
            case "SEND":
                msg_type, _, body = rest.removeprefix("35=").partition("|")
                self.session.send_application(msg_type.encode(), wire(body), self.now_ns)
            case "LOGOUT":
                self.session.send_logout(rest, self.now_ns)
            case "HOLD":
                self.is_holding = True
            case "ACCEPT":
                self.session.accept_logon(self.store, self.now_ns)
            case _:
                raise ValueError(action)

    def serve(self) -> None:
        """Do what an owner does after each call."""
        for event in self.session.events_received():
            if isinstance(event, LogonReceived) and not self.is_holding:
                if event.password == b"secret":
                    self.session.accept_logon(self.store, self.now_ns)
                else:
                    self.session.refuse_logon("wrong password", self.now_ns)
            elif isinstance(event, FixMessage):
                self.handed_up.append(event)
        while data := self.session.data_to_send():
            self.received += self.decoder.receive_data(data)

    def message(self, line: str) -> bytes:
        fields = dict(part.split("=", 1) for part in line.split("|"))
        begin, length, checksum = (fields.pop(tag, None) for tag in ("8", "9", "10"))
        if fields["35"] == "A":
            fields.setdefault("554", "secret")
        header = {"35": fields.pop("35"), "49": "C1", "56": "AGIO", "52": self.time()}
        header |= {tag: fields.pop(tag) for tag in ("49", "56", "52") if tag in fields}
        body = "|".join(
            f"{tag}={value}" for tag, value in (header | fields).items() if value != "-"
        )
        data = encode(wire(body))
        if begin:
            data = reframed(data.replace(b"8=FIX.4.4", b"8=" + begin.encode(), 1))
        if length:
            data = reframed(data.replace(b"9=%d" % len(wire(body)), b"9=" + length.encode(), 1))
        return data if checksum is None else data[:-4] + checksum.encode() + b"\x01"

    def expect(self, line: str) -> None:
        assert self.received, "nothing came"
        message = self.received.pop(0)
        assert message.get(8) == b"FIX.4.4"
        assert (message.get(49), message.get(56)) == (b"AGIO", b"C1")
        assert message.get(52) == self.time().encode()
        if "122=*" in line:
            assert parse_utc_timestamp(message.get(122) or b"") > 0
        shown = "|".join(
            f"{tag}={'*' if tag == 122 and '122=*' in line else value.decode()}"
            for tag, value in message.fields
            if tag not in FILLED_IN
        )
        assert shown == line

    def time(self) -> str:
        return format_utc_timestamp(self.now_ns).decode()


def wire(text: str) -> bytes:
    return text.replace("|", "\x01").encode() + b"\x01" if text else b""


def reframed(data: bytes) -> bytes:
    """Give changed bytes the CheckSum(10) that fits them."""
    return data[:-7] + b"10=%03d\x01" % (sum(data[:-7]) % 256)
