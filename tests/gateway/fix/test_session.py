"""Two sessions back to back: logon, gaps, resends, silence, and a wire that breaks anywhere."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.edge.sent_messages import SentMessages
from gateway.fix.codec import Decoder, FixMessage, encode, encode_fields
from gateway.fix.events import LoggedOn, LogonReceived, RejectReceived, SessionClosed
from gateway.fix.outbound import store_application
from gateway.fix.session import Session, SessionSettings
from gateway.fix.states import State
from gateway.fix.store import MemoryStore
from gateway.fix.timestamps import format_utc_timestamp
from tests.gateway.fix.session_pair import CLIENT, SECOND_NS, START_NS, VENUE, Pair, order, report

IN_SESSION = (State.IN_SESSION, State.IN_SESSION)
CLOSED = (State.CLOSED, State.CLOSED)


@pytest.fixture
def pair() -> Pair:
    pair = Pair()
    pair.connect()
    return pair


def from_client(
    msg_type: bytes, number: int, body: bytes = b"", now_ns: int = START_NS, more: bytes = b""
) -> bytes:
    head = b"35=%b\x0149=C1\x0156=AGIO\x0134=%d\x0152=%b\x01" % (
        msg_type, number, format_utc_timestamp(now_ns),
    )  # fmt: skip
    return encode(head + more + body)


LOGON = b"98=0\x01108=30\x01"


def acceptor(settings: SessionSettings = VENUE) -> Session:
    """Return a session with a client logged on."""
    session = Session(settings, START_NS)
    session.receive_data(from_client(b"A", 1, LOGON), START_NS)
    assert session.accept_logon(MemoryStore(), START_NS)
    session.events_received()
    session.data_to_send()
    return session


def sent(session: Session) -> list[FixMessage]:
    decoder = Decoder()
    messages = decoder.receive_data(session.data_to_send())
    while session.has_more_to_send:
        messages += decoder.receive_data(session.data_to_send())
    assert decoder.garbled_count == 0
    return messages


def test_both_sides_log_on(pair: Pair) -> None:
    assert pair.states == IN_SESSION
    assert pair.client.events == [LoggedOn(30)]
    logon, logged_on = pair.venue.events
    assert isinstance(logon, LogonReceived)
    assert (logon.sender_comp_id, logon.username, logon.password) == (b"C1", b"key", b"secret")
    assert not logon.is_reset
    assert logged_on == LoggedOn(30)


def test_what_is_logged_of_a_logon_holds_no_password(pair: Pair) -> None:
    assert "secret" not in repr(pair.venue.events)


def test_orders_go_one_way_and_reports_the_other(pair: Pair) -> None:
    for number in range(100):
        pair.send_order(number)
    pair.run()
    assert pair.venue.client_order_ids() == [b"A%d" % number for number in range(100)]
    assert pair.client.client_order_ids() == [b"A%d" % number for number in range(100)]


def test_idle_sides_keep_each_other_alive(pair: Pair) -> None:
    pair.pass_time(300)
    assert pair.states == IN_SESSION


def test_either_side_may_log_out(pair: Pair) -> None:
    pair.client.session.send_logout("good night", pair.now_ns)
    pair.run()
    assert pair.states == CLOSED
    assert pair.venue.events[-1] == SessionClosed("good night", by_logout=True)
    pair.connect()
    pair.venue.session.send_logout("closing time", pair.now_ns)
    pair.run()
    assert pair.client.events[-1] == SessionClosed("closing time", by_logout=True)


def test_a_client_that_resets_starts_both_numbers_at_1() -> None:
    pair = Pair(client=replace(CLIENT, reset_on_logon=True))
    for _ in range(3):
        pair.connect()
        pair.send_order(1)
        pair.run()
        assert pair.client.store.next_sender_msg_seq_num == 3
        assert pair.venue.store.next_target_msg_seq_num == 3
        pair.disconnect()
    assert pair.venue.store.epoch == 4


@pytest.mark.parametrize("number", [1, 7])
def test_a_reset_that_the_acceptor_answers_with_is_followed(number: int) -> None:
    store = MemoryStore()
    store.set_next_sender(number)
    client = Session.initiator(CLIENT, store, START_NS)
    client.send_logon(START_NS)
    head = b"35=A\x0149=AGIO\x0156=C1\x0134=1\x0152=%b\x01" % format_utc_timestamp(START_NS)
    client.receive_data(encode(head + LOGON + b"141=Y\x01"), START_NS)
    assert client.state is State.IN_SESSION
    assert client.send_application(b"D", order(1), START_NS) == 2


def test_a_refused_client_is_told_why() -> None:
    pair = Pair()
    pair.client.session = Session.initiator(CLIENT, pair.client.store, START_NS)
    pair.venue.session = Session(VENUE, START_NS)
    pair.client.session.send_logon(START_NS)
    pair.venue.session.receive_data(pair.client.session.data_to_send(), START_NS)
    pair.venue.session.refuse_logon("unknown API key", START_NS)
    pair.client.session.receive_data(pair.venue.session.data_to_send(), START_NS)
    assert pair.states == CLOSED
    assert pair.client.session.events_received() == [
        SessionClosed("unknown API key", by_logout=True)
    ]


def test_an_initiator_gives_up_on_an_acceptor_that_does_not_answer() -> None:
    client = Session.initiator(CLIENT, MemoryStore(), START_NS)
    client.send_logon(START_NS)
    client.tick(START_NS + 4 * SECOND_NS)
    assert client.state is State.AWAITING_LOGON
    client.tick(START_NS + 5 * SECOND_NS)
    assert client.events_received() == [SessionClosed("no Logon(A) in time", by_logout=False)]


def test_nothing_is_said_to_a_duplicate_that_is_dropped() -> None:
    session = Session(VENUE, START_NS)
    session.receive_data(from_client(b"A", 1, LOGON), START_NS)
    session.drop("logged on elsewhere")
    assert session.data_to_send() == b""
    assert session.events_received()[-1] == SessionClosed("logged on elsewhere", by_logout=False)
    store = MemoryStore()
    assert not session.accept_logon(store, START_NS)
    assert store.next_sender_msg_seq_num == 1


def test_a_connection_that_ends_while_the_logon_is_judged_changes_nothing() -> None:
    session = Session(VENUE, START_NS)
    session.receive_data(from_client(b"A", 1, LOGON + b"141=Y\x01"), START_NS)
    session.receive_eof(START_NS)
    store = MemoryStore()
    store.set_next_target(9)
    assert not session.accept_logon(store, START_NS)
    assert (store.epoch, store.next_target_msg_seq_num) == (1, 9)


def test_the_backlog_behind_a_logon_is_bounded() -> None:
    session = Session(replace(VENUE, backlog_bytes_max=1000), START_NS)
    session.receive_data(from_client(b"A", 1, LOGON), START_NS)
    for number in range(2, 40):
        session.receive_data(from_client(b"0", number), START_NS)
    closed = session.events_received()[-1]
    assert closed == SessionClosed("too much sent before Logon(A) was answered", by_logout=False)


def test_nothing_may_be_sent_before_somebody_has_logged_on() -> None:
    session = Session(VENUE, START_NS)
    with pytest.raises(AssertionError, match="nobody has logged on"):
        session.send_application(b"8", report(b"A"), START_NS)


def test_a_report_made_while_the_client_is_away_comes_with_its_next_logon(pair: Pair) -> None:
    pair.disconnect()
    store = pair.venue.store
    number = store_application(
        b"AGIO", b"C1", store, b"8", report(b"AWAY"), pair.now_ns, watermark=9
    )
    assert number == 2
    assert store.watermark == 9
    pair.connect()
    assert pair.states == IN_SESSION
    assert pair.client.client_order_ids() == [b"AWAY"]
    assert pair.client.applications[0].is_poss_dup


def test_messages_sent_during_a_resend_follow_it_in_order() -> None:
    session = acceptor(replace(VENUE, resend_chunk_bytes=1000))
    for number in range(100):
        session.send_application(b"8", report(b"A%d" % number), START_NS)
    sent(session)
    session.receive_data(from_client(b"2", 2, b"7=1\x0116=0\x01"), START_NS)
    first = session.data_to_send()
    assert 1000 <= len(first) < 1400
    assert session.has_more_to_send
    session.send_application(b"8", report(b"NEW"), START_NS)
    rest = sent(session)
    assert [message.msg_seq_num for message in rest][-3:] == [100, 101, 102]
    assert rest[-1].get(11) == b"NEW"
    assert not rest[-1].is_poss_dup


def test_one_resend_runs_at_a_time_and_the_newest_request_waits() -> None:
    session = acceptor(replace(VENUE, resend_chunk_bytes=1000))
    for number in range(100):
        session.send_application(b"8", report(b"A%d" % number), START_NS)
    sent(session)
    for number, begin in enumerate((1, 2, 90), 2):
        session.receive_data(from_client(b"2", number, b"7=%d\x0116=0\x01" % begin), START_NS)
    numbers = [message.msg_seq_num for message in sent(session)]
    assert numbers == [*range(1, 102), *range(90, 102)]


def test_a_resent_message_is_the_one_that_was_sent() -> None:
    session = acceptor()
    session.send_application(b"8", report(b"A"), START_NS)
    (original,) = sent(session)
    later_ns = START_NS + 5 * SECOND_NS
    session.receive_data(from_client(b"2", 2, b"7=2\x0116=2\x01", later_ns), later_ns)
    (again,) = sent(session)
    assert again.get(43) == b"Y"
    assert again.get(122) == original.get(52)
    assert again.get(52) == format_utc_timestamp(later_ns)
    added = {9, 10, 43, 52, 122}
    assert [f for f in again.fields if f[0] not in added] == [
        f for f in original.fields if f[0] not in added
    ]


def test_early_messages_are_kept_up_to_a_limit_and_none_is_lost() -> None:
    session = acceptor(replace(VENUE, early_messages_max=5))
    missing, *rest = [from_client(b"D", number, order(number)) for number in range(2, 22)]
    session.receive_data(b"".join(rest), START_NS)
    assert [message.get(7) for message in sent(session)] == [b"2"]
    session.receive_data(missing, START_NS)
    handed_up = [
        event.msg_seq_num for event in session.events_received() if isinstance(event, FixMessage)
    ]
    assert handed_up == [2, 3, 4, 5, 6, 7]
    session.receive_data(from_client(b"0", 22), START_NS)
    assert [message.get(7) for message in sent(session)] == [b"8"]


def test_early_messages_that_were_passed_over_make_room_for_others() -> None:
    session = acceptor(replace(VENUE, early_messages_max=3))
    for number in (4, 5, 6):
        session.receive_data(from_client(b"D", number, order(number)), START_NS)
    session.receive_data(from_client(b"4", 2, b"123=Y\x0136=10\x01"), START_NS)
    for number in (11, 12, 13, 10):
        session.receive_data(from_client(b"D", number, order(number)), START_NS)
    handed_up = [
        event.msg_seq_num for event in session.events_received() if isinstance(event, FixMessage)
    ]
    assert handed_up == [10, 11, 12, 13]


def test_a_number_is_on_disk_before_the_peer_can_have_seen_it(tmp_path: Path) -> None:
    session = Session(VENUE, START_NS)
    session.receive_data(from_client(b"A", 1, LOGON), START_NS)
    session.accept_logon(SentMessages(tmp_path / "store", START_NS), START_NS)
    session.send_application(b"8", report(b"A"), START_NS, watermark=7)
    assert session.data_to_send()
    shutil.copytree(tmp_path / "store", tmp_path / "as a killed process leaves it")
    store = SentMessages(tmp_path / "as a killed process leaves it", START_NS)
    assert (store.next_sender_msg_seq_num, store.next_target_msg_seq_num) == (3, 2)
    assert store.watermark == 7


def test_a_business_reject_names_what_it_refuses() -> None:
    session = acceptor()
    session.receive_data(from_client(b"R", 2, b"131=x\x01", more=b"115=DESK\x01"), START_NS)
    (message,) = session.events_received()
    assert isinstance(message, FixMessage)
    session.send_business_reject(message, b"3", "Unsupported Message Type", START_NS, ref_id=b"x")
    (answer,) = sent(session)
    assert list(answer.fields)[7:-1] == [
        (128, b"DESK"), (45, b"2"), (372, b"R"), (380, b"3"), (58, b"Unsupported Message Type"),
        (379, b"x"),
    ]  # fmt: skip


def test_a_reject_from_the_peer_is_handed_up() -> None:
    session = acceptor()
    session.receive_data(from_client(b"3", 2, b"45=1\x01"), START_NS)
    (event,) = session.events_received()
    assert isinstance(event, RejectReceived)
    assert event.message.get(45) == b"1"


def test_the_stored_number_waits_for_what_is_not_taken() -> None:
    session = Session(VENUE, START_NS)
    store = MemoryStore()
    session.receive_data(from_client(b"A", 1, LOGON), START_NS)
    session.accept_logon(store, START_NS)
    assert store.next_target_msg_seq_num == 2
    for number, kind in enumerate((b"0", b"D", b"0", b"D", b"D", b"0"), 2):
        session.receive_data(
            from_client(kind, number, order(number) if kind == b"D" else b""), START_NS
        )
    seen = [store.next_target_msg_seq_num]
    for number in (2, 3, 5, 5, 4, 6):
        session.taken(number)
        seen.append(store.next_target_msg_seq_num)
    assert seen == [3, 3, 5, 6, 6, 6, 8]
    session.receive_eof(START_NS)
    session.taken(100)
    assert store.next_target_msg_seq_num == 8


def test_garbled_messages_are_counted() -> None:
    session = acceptor()
    session.receive_data(from_client(b"0", 2)[:-2] + b"x\x01", START_NS)
    assert session.garbled_count == 1
    assert session.state is State.IN_SESSION


def test_a_peer_that_sends_only_garbage_is_silent() -> None:
    session = acceptor()
    for second in range(100):
        now_ns = START_NS + second * SECOND_NS
        session.receive_data(b"noise", now_ns)
        session.tick(now_ns)
    assert session.events_received()[-1] == SessionClosed(
        "no answer to TestRequest(1)", by_logout=False
    )


def test_nothing_happens_once_it_is_closed() -> None:
    session = acceptor()
    session.receive_eof(START_NS)
    assert session.events_received() == [SessionClosed("connection lost", by_logout=False)]
    session.receive_data(from_client(b"1", 2, b"112=x\x01"), START_NS)
    session.tick(START_NS + 1000 * SECOND_NS)
    session.receive_eof(START_NS)
    session.drop("again")
    session.send_logout("again", START_NS)
    assert session.events_received() == []
    assert session.data_to_send() == b""


@pytest.mark.parametrize("size", [1, 7, 100])
def test_messages_split_anywhere_are_the_same_session(size: int) -> None:
    whole, split = acceptor(), acceptor()
    stream = b"".join(
        from_client(kind, number, body)
        for number, (kind, body) in enumerate(
            [
                (b"1", b"112=a\x01"),
                (b"D", order(1)),
                (b"D", b"11=\x01"),
                (b"2", b"7=1\x0116=0\x01"),
            ],
            2,
        )
    )
    whole.receive_data(stream, START_NS)
    for place in range(0, len(stream), size):
        split.receive_data(stream[place : place + size], START_NS)
    assert [m.raw for m in sent(split)] == [m.raw for m in sent(whole)]
    assert len(split.events_received()) == len(whole.events_received()) == 2


def test_no_message_that_decodes_raises() -> None:
    """Random fields in random messages: the session answers or closes, and never breaks."""
    rng = random.Random(7)
    kinds = [
        b"0",
        b"1",
        b"2",
        b"3",
        b"4",
        b"5",
        b"A",
        b"D",
        b"F",
        b"G",
        b"H",
        b"8",
        b"j",
        b"ZZ",
        b"d",
    ]
    pieces = [
        b"",
        b"0",
        b"1",
        b"-1",
        b"Y",
        b"N",
        b"2",
        b"7",
        b"99999999999999999999",
        b"20260101-00:00:00",
    ]
    tags = [
        7,
        16,
        36,
        43,
        45,
        52,
        97,
        98,
        108,
        112,
        115,
        122,
        123,
        141,
        453,
        448,
        11,
        55,
        54,
        999,
        -1,
        0,
    ]
    for _ in range(3000):
        session = acceptor()
        for _ in range(4):
            body = encode_fields(
                [(rng.choice(tags), rng.choice(pieces)) for _ in range(rng.randrange(5))]
            )
            number = rng.choice([2, 2, 2, 3, 4, 9, 1, 0])
            session.receive_data(from_client(rng.choice(kinds), number, body), START_NS)
            sent(session)
        session.tick(START_NS + 40 * SECOND_NS)
        sent(session)
