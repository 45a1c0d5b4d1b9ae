"""The catalogue of bad input over FIX: thousands of variants, made from the dictionary and by rule.

Each is told how it must be answered, what it does to the sequence numbers, that nothing of it is
handed up (so that no engine's state can change), and that the session goes on or has ended cleanly.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from gateway.fix.codec import FixMessage, checksum, encode, encode_fields
from gateway.fix.events import LogonReceived
from gateway.fix.session import Session
from gateway.fix.states import State
from gateway.fix.timestamps import format_utc_timestamp
from tests.gateway.fix.field_faults import field_faults, message_faults
from tests.gateway.fix.message_specs import message_spec
from tests.gateway.fix.session_pair import SECOND_NS, START_NS, VENUE, order
from tests.gateway.fix.test_session import LOGON, acceptor, from_client, sent

CLIENTS_TYPES = "0 1 2 D F G H q E K M AF XLQ V x c e g AD AN".split()  # noqa: SIM905
GOOD_ORDER = from_client(b"D", 2, order(1))
NOW = format_utc_timestamp(START_NS)


def answers(session: Session) -> list[tuple[bytes, bytes | None, bytes | None]]:
    """Return MsgType(35), SessionRejectReason(373) and RefTagID(371) of what is sent."""
    return [(each.msg_type, each.get(373), each.get(371)) for each in sent(session)]


def is_alive(session: Session, number: int) -> bool:
    """Say whether a session takes a number next, and has handed nothing up."""
    handed_up = [each for each in session.events_received() if isinstance(each, FixMessage)]
    session.receive_data(from_client(b"1", number, b"112=there?\x01"), START_NS)
    replies = sent(session)
    return (
        not handed_up
        and session.state is State.IN_SESSION
        and [(each.msg_type, each.get(112)) for each in replies] == [(b"0", b"there?")]
    )


@pytest.mark.parametrize("msg_type", CLIENTS_TYPES)
def test_a_faulty_field_is_rejected_for_its_reason_and_uses_one_number(msg_type: str) -> None:
    spec = message_spec(msg_type)
    kind = msg_type.encode()
    good = acceptor()
    good.receive_data(from_client(kind, 2, encode_fields(spec.base())), START_NS)
    assert b"3" not in [each.msg_type for each in sent(good)], "the message without a fault"

    wrong = []
    for name, body, reason, tag in [*field_faults(spec), *message_faults(spec)]:
        session = acceptor()
        session.receive_data(from_client(kind, 2, encode_fields(body)), START_NS)
        told = answers(session)
        if told != [(b"3", b"%d" % reason, b"%d" % tag)] or not is_alive(session, 3):
            wrong.append((name, (reason, tag), told))
    assert not wrong


def test_the_catalogue_is_as_large_as_it_was() -> None:
    specs = [message_spec(msg_type) for msg_type in CLIENTS_TYPES]
    fields = sum(len([*field_faults(spec), *message_faults(spec)]) for spec in specs)
    assert fields >= 7_500
    assert len([*garbled()]) >= 450
    assert len([*ending()]) >= 150


def reframed(data: bytes, length: bytes) -> bytes:
    """Return a message with another BodyLength(9), its CheckSum(10) right for it."""
    head, _, rest = data.partition(b"\x019=")
    whole = head + b"\x019=" + length + rest[rest.index(b"\x01") : -7]
    return whole + b"10=%03d\x01" % (sum(whole + b"\x01") % 256)


def garbled() -> Iterator[tuple[str, bytes]]:
    """Yield what FIX 4.4 vol. 2, "Message Validation", calls garbled, and what is no message."""
    right = int(GOOD_ORDER[-4:-1])
    for total in range(256):
        if total != right:
            yield f"CheckSum {total}", GOOD_ORDER[:-4] + b"%03d\x01" % total
    for text in (
        b"",
        b"1",
        b"12",
        b"1234",
        b"abc",
        b" 12",
        b"-12",
        b"+12",
        b"1.0",
        b"\xff\xff\xff",
    ):
        yield f"CheckSum {text!r}", GOOD_ORDER[:-4] + text + b"\x01"
    length = int(GOOD_ORDER[GOOD_ORDER.index(b"\x019=") + 3 :].partition(b"\x01")[0])
    wrong = [length + off for off in (*range(-60, 0), *range(1, 20))]
    texts = [b"%d" % each for each in wrong]
    texts += [b"", b"0", b"-1", b"+5", b"1_0", b" 5", b"5 ", b"abc", b"1e2", b"1.0", b"0x50"]
    texts += [b"%d" % each for each in (16_385, 10**9, 2**31, 2**32 + length, 2**63, 2**64)]
    texts += [b"9" * 30, b"\xd9\xa1\xd9\xa2", b"\xff"]
    for text in texts:
        yield f"BodyLength {text!r}", reframed(GOOD_ORDER, text)
    fields = GOOD_ORDER.split(b"\x01")[:-1]
    for place in range(3):
        rest = [*fields[:place], *fields[place + 1 :]]
        yield f"without {fields[place]!r}", b"\x01".join(rest) + b"\x01"
    for first, second in ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3)):
        turned = list(fields)
        turned[first], turned[second] = turned[second], turned[first]
        yield f"field {first} for {second}", b"\x01".join(turned) + b"\x01"
    for place in range(len(GOOD_ORDER) - 1):
        if GOOD_ORDER[place] == 1:
            yield f"SOH at {place} missing", GOOD_ORDER[:place] + GOOD_ORDER[place + 1 :]
        elif place > len(b"8=FIX.4.4") and place % 2:  # before, it is noise or another BeginString
            yield f"NUL at {place}", GOOD_ORDER[:place] + b"\x00" + GOOD_ORDER[place:]
    for field in (
        b"",
        b"55",
        b"=x",
        b"a=x",
        b"054=1",
        b"+54=1",
        b"5_4=1",
        b"5 4=1",
        b"12345678901=x",
    ):
        body = b"35=D\x0149=C1\x0156=AGIO\x0134=2\x0152=" + NOW + b"\x01" + field + b"\x01"
        yield f"field {field!r}", encode(body)
    for noise in (
        b"x",
        b"8=",
        b"8=FI",
        b"\x00" * 100,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02",
    ):
        yield f"noise {noise!r}", noise
    yield "longer than the limit", encode(GOOD_ORDER[20:-7] + b"58=" + b"x" * 20_000 + b"\x01")


def test_what_is_garbled_is_ignored_and_uses_no_number() -> None:
    wrong = []
    for name, data in garbled():
        session = acceptor()
        session.receive_data(data, START_NS)
        # A BodyLength(9) too large may cost the message that follows, and no more than that.
        if answers(session) or not (is_alive(session, 2) or is_alive(session, 2)):
            wrong.append(name)
    assert not wrong


def test_garbage_before_a_message_costs_nothing() -> None:
    for noise in (b"x", b"8=", b"8=FIX", b"\x00" * 9, b"\x01", b"35=0\x01", b"10=000\x01"):
        session = acceptor()
        session.receive_data(noise + from_client(b"1", 2, b"112=x\x01"), START_NS)
        assert answers(session) == [(b"0", None, None)], noise


class Ending(NamedTuple):
    name: str
    data: bytes
    answers: list[tuple[bytes, bytes | None, bytes | None]]


def from_anyone(msg_type: str, **header: bytes) -> bytes:
    """Return a message of a type whose header has something else in it; `_` stands for no field."""
    fields = {"t35": msg_type.encode(), "t49": b"C1", "t56": b"AGIO", "t34": b"2", "t52": NOW}
    fields |= header
    body = b"".join(b"%b=%b\x01" % (tag[1:].encode(), fields[tag]) for tag in fields)
    return encode(body + encode_fields(message_spec(msg_type).base()))


def ending() -> Iterator[Ending]:
    """Yield headers over which the session is over, and what is said before."""
    stale = [format_utc_timestamp(START_NS + off * SECOND_NS) for off in (-3600, -121, 121, 86_400)]
    logout = (b"5", None, None)
    for kind in CLIENTS_TYPES:
        for number in (b"1", b"0", b"2147483648", b"9" * 30):
            yield Ending(f"{kind}: number {number!r}", from_anyone(kind, t34=number), [logout])
        comp_ids = {"t49": (b"C2", b"c1", b"C1 ", b"AGIO"), "t56": (b"agio", b"OTHER")}
        for tag, names in comp_ids.items():
            for name in names:
                data = from_anyone(kind, **{tag: name})
                yield Ending(f"{kind}: {tag} {name!r}", data, [(b"3", b"9", None), logout])
        for time in stale:
            data = from_anyone(kind, t52=time)
            yield Ending(f"{kind}: SendingTime {time!r}", data, [(b"3", b"10", None), logout])
        other = from_anyone(kind).replace(b"8=FIX.4.4", b"8=FIX.4.2", 1)[:-7]
        data = other + b"10=%03d\x01" % checksum(other)
        yield Ending(f"{kind}: FIX.4.2", data, [logout])
    yield Ending("a second Logon", from_client(b"A", 2, LOGON), [logout])
    reset = from_client(b"A", 2, LOGON + b"141=Y\x01")
    yield Ending("a second Logon with a reset", reset, [logout])


def test_a_header_of_somebody_else_ends_the_session() -> None:
    wrong = []
    for name, data, expected in ending():
        session = acceptor()
        session.receive_data(data, START_NS)
        told = answers(session)
        over = session.state in {State.LOGGING_OUT, State.CLOSED}
        handed_up = any(isinstance(each, FixMessage) for each in session.events_received())
        if told != expected or not over or handed_up:
            wrong.append((name, told, session.state))
    assert not wrong


@pytest.mark.parametrize("msg_type", CLIENTS_TYPES)
def test_before_a_logon_nothing_is_answered(msg_type: str) -> None:
    session = Session(VENUE, START_NS)
    session.receive_data(from_anyone(msg_type, t34=b"1"), START_NS)
    assert (sent(session), session.state) == ([], State.CLOSED)


@pytest.mark.parametrize(
    ("off_ms", "is_in_time"),
    [(120_000, True), (120_001, False), (119_999, True), (-120_000, True), (-120_001, False)],
)
def test_the_window_of_a_logon_s_time_ends_at_the_millisecond(
    off_ms: int, *, is_in_time: bool
) -> None:
    session = Session(VENUE, START_NS)
    at_ns = START_NS + off_ms * 1_000_000
    session.receive_data(from_client(b"A", 1, LOGON, at_ns), START_NS)
    asked = [each for each in session.events_received() if isinstance(each, LogonReceived)]
    assert bool(asked) == is_in_time


LOGON_FAULTS = [
    b"108=30\x01", b"98=0\x01", b"98=1\x01108=30\x01", b"98=x\x01108=30\x01", b"98=\x01108=30\x01",
    *[b"98=0\x01108=%b\x01" % text for text in (b"", b"0", b"-1", b"61", b"1000000000", b"9" * 30)],
    *[b"98=0\x01108=%b\x01" % text for text in (b"30.5", b"1e1", b"+5", b"3_0", b" 30", b"NaN")],
    *[LOGON + b"141=%b\x01" % text for text in (b"", b"y", b"1", b"YES", b"Y\x01141=Y")],
    *[LOGON + b"789=%b\x01" % text for text in (b"", b"-1", b"x", b"1.0", b"1\x01789=1")],
    LOGON + b"11=x\x01", LOGON + b"9999=x\x01", LOGON + b"34=1\x01", LOGON + b"108=30\x01",
    LOGON + b"384=2\x01372=D\x01385=R\x01", LOGON + b"464=maybe\x01",
]  # fmt: skip


@pytest.mark.parametrize("body", LOGON_FAULTS)
def test_a_logon_that_can_not_be_is_answered_once_and_asks_nobody(body: bytes) -> None:
    session = Session(VENUE, START_NS)
    session.receive_data(from_client(b"A", 1, body), START_NS)
    assert answers(session) in ([(b"5", None, None)], [])
    assert not any(isinstance(each, LogonReceived) for each in session.events_received())
    assert session.state in {State.LOGGING_OUT, State.CLOSED}
