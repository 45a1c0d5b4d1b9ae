"""One session's orders over its connections: what is taken when, and what comes again."""

import pytest

from gateway.auth import Identity
from gateway.fix.codec import Decoder, FixMessage, encode
from gateway.fix.session import Session, SessionSettings
from gateway.fix.store import MemoryStore
from gateway.fix.timestamps import format_utc_timestamp
from gateway.fix_application import mass_status
from gateway.fix_application.order_flow import PENDING_MAX, OrderFlow
from matching.client import MatchingUnavailable
from tests.gateway.engine_room import ALICE, BOB, START_NS, EngineRoom
from tests.gateway.fix_messages import CANCEL, ORDER, STATUS, message
from vocabulary.codec import unpack_command
from vocabulary.commands import Command
from vocabulary.types import Contingency, OrderType, Side

SESSION_ID = 77
SETTINGS = SessionSettings(b"AGIO")
NOW_NS = START_NS


class Waiting:
    """The matching process, in place of which a flow keeps what is submitted."""

    def __init__(self, flow: "Flow") -> None:
        self._flow = flow

    @property
    def connected(self) -> bool:
        return self._flow.connected

    @property
    def room(self) -> int:
        return 0 if self._flow.is_full else self._flow.takes - len(self._flow.submitted)

    def submit(self, command: Command) -> None:
        if self.room <= 0:
            raise MatchingUnavailable
        self._flow.submitted.append(command)

    def submit_packed(self, session_id: int, commands: list[bytes]) -> None:
        assert len(commands) <= self.room
        for data in commands:
            command, _ = unpack_command(data)
            assert command.session_id == session_id
            self.submit(command)


class Flow:
    """A flow whose commands wait in `submitted` until the test lets the engine have them."""

    def __init__(self, rate_per_s: int = 1_000) -> None:
        self.room = EngineRoom()
        self.store = MemoryStore()
        self.connected = True
        self.is_full = False
        self.takes = 1_000
        self.submitted: list[Command] = []
        self.flow = OrderFlow(
            Identity(ALICE, b"C"),
            SESSION_ID,
            self.store,
            SETTINGS,
            order_entry=self.room.order_entry,
            orders=self.room.orders,
            matching=Waiting(self),
            rate_per_s=rate_per_s,
        )
        self.session: Session
        self._decoder = Decoder()

    def log_on(self, number: int = 1) -> None:
        self.session = Session(SETTINGS, NOW_NS)
        logon = message("A", "98=0|108=30|553=u|554=p", number).raw
        self.session.receive_data(at_now(logon), NOW_NS)
        assert self.session.accept_logon(self.store, NOW_NS)
        self.flow.attach(self.session, lambda: None)
        self.sent()

    def receive(self, msg_type: str, text: str, number: int) -> None:
        """Hand a message to the flow as the session does, in its turn."""
        self.session.receive_data(at_now(message(msg_type, text, number).raw), NOW_NS)
        events = self.session.events_received()
        self.flow.receive_all([e for e in events if isinstance(e, FixMessage)], NOW_NS)

    def receive_together(self, requests: list[tuple[str, str]]) -> None:
        """Hand messages to the flow that came with one read, from number 2 on."""
        numbered = enumerate(requests, 2)
        raws = [at_now(message(*request, number).raw) for number, request in numbered]
        self.session.receive_data(b"".join(raws), NOW_NS)
        messages = [e for e in self.session.events_received() if isinstance(e, FixMessage)]
        assert len(messages) == len(requests)
        self.flow.receive_all(messages, NOW_NS)

    def execute(self, count: int = 1) -> None:
        """Let the engine have the next commands, and the flow their reports."""
        for _ in range(count):
            command = self.submitted.pop(0)
            for report in self.room.apply(command):
                self.flow.deliver(report, NOW_NS)
            self.flow.acknowledge(command.session_number, NOW_NS)
        self.flow.flush()

    def sent(self) -> list[FixMessage]:
        return self._decoder.receive_data(self.session.data_to_send())

    @property
    def taken(self) -> int:
        self.session.data_to_send()
        return self.store.next_target_msg_seq_num - 1


def at_now(raw: bytes) -> bytes:
    """Return a message as if it had been sent just now."""
    start, stop = raw.index(b"35="), raw.rindex(b"10=")
    now = b"52=" + format_utc_timestamp(NOW_NS)
    return encode(raw[start:stop].replace(b"52=20240101-00:00:00", now))


@pytest.fixture
def flow() -> Flow:
    flow = Flow()
    flow.log_on()
    return flow


def test_a_request_is_taken_when_its_record_is_back(flow: Flow) -> None:
    flow.receive("D", ORDER, 2)
    assert flow.taken == 1
    [command] = flow.submitted
    assert (command.session_id, command.session_number) == (SESSION_ID, (1 << 32) | 2)
    flow.execute()
    [report] = flow.sent()
    assert report.get(150) == b"0"
    assert flow.taken == 2


def order(name: str, more: str = "") -> tuple[str, str]:
    return "D", f"{ORDER}|11={name}{more}"


def test_what_one_read_brings_is_done_and_answered_in_its_order(flow: Flow) -> None:
    icebergs = "|111=0.1"  # not plain
    bad = "|44=0.001"
    requests = [order("a1"), order("a2", bad), order("a3", icebergs), order("a4"), ("F", CANCEL)]
    flow.receive_together([*requests, ("H", STATUS), order("a5")])
    numbers = [command.session_number & 0xFF for command in flow.submitted]
    assert numbers == [2, 4, 5, 6, 8]
    assert flow.taken == 1
    flow.execute(5)
    told = [(report.get(11), report.get(150)) for report in flow.sent()]
    assert told == [
        (b"a1", b"0"),
        (b"a2", b"8"),
        (b"a3", b"0"),
        (b"a4", b"0"),
        (b"x1", b"4"),
        (b"a1", b"I"),
        (b"a5", b"0"),
    ]
    assert flow.taken == 8


def test_a_read_with_more_than_its_rate_allows_is_refused_from_there_on() -> None:
    flow = Flow(rate_per_s=2)
    flow.log_on()
    flow.receive_together([order("a1"), order("a2"), order("a3"), ("F", CANCEL), order("a4")])
    assert [command.session_number & 0xFF for command in flow.submitted] == [2, 3, 5]
    flow.execute(3)
    told = [(report.get(11), report.get(150)) for report in flow.sent()]
    new, rejected = b"0", b"8"
    expected = [(b"a1", new), (b"a2", new), (b"a3", rejected), (b"x1", b"4"), (b"a4", rejected)]
    assert told == expected


def test_a_read_with_more_than_matching_takes_is_answered_so_from_there_on(flow: Flow) -> None:
    flow.takes = 2
    flow.receive_together([order("a1"), order("a2"), order("a3"), order("a4")])
    assert len(flow.submitted) == 2
    flow.execute(2)
    told = [(report.get(35), report.get(11), report.get(380)) for report in flow.sent()]
    assert told == [
        (b"8", b"a1", None),
        (b"8", b"a2", None),
        (b"j", None, b"4"),
        (b"j", None, b"4"),
    ]
    assert flow.taken == 5


def test_what_is_answered_here_waits_its_turn(flow: Flow) -> None:
    flow.receive("D", ORDER, 2)
    flow.receive("D", f"{ORDER}|44=0.001", 3)
    flow.receive("H", STATUS, 4)
    flow.receive("B", "148=x|33=1|58=y", 5)
    flow.receive("D", f"{ORDER}|11=a2", 6)
    assert flow.sent() == []
    flow.execute()
    sent = [(each.msg_type, each.get(150)) for each in flow.sent()]
    assert sent == [(b"8", b"0"), (b"8", b"8"), (b"8", b"I"), (b"j", None)]
    assert flow.taken == 5
    flow.execute()
    assert flow.taken == 6


def test_without_a_connection_reports_are_kept_and_numbered(flow: Flow) -> None:
    flow.receive("D", ORDER, 2)
    flow.execute()
    flow.sent()
    flow.flow.detach()
    reports = flow.room.enter(b"b1", Side.SELL, "0.1", "50000", account_id=BOB)
    for report in reports:
        if report.order is not None and report.order.account_id == ALICE:
            flow.flow.deliver(report, NOW_NS)
            flow.flow.deliver(report, NOW_NS)  # as after a restart: the record comes again
    assert [number for number, _ in flow.store.messages(1, 99)] == [2, 3]
    assert flow.store.next_sender_msg_seq_num == 4


def test_what_was_under_way_when_the_connection_ended_is_not_done_twice(flow: Flow) -> None:
    flow.receive("D", ORDER, 2)
    flow.receive("D", f"{ORDER}|44=0.001|11=bad", 3)
    flow.flow.detach()
    flow.execute()
    # 2 was done meanwhile, and counts; 3 was not answered, so it is asked for again.
    assert flow.store.next_target_msg_seq_num == 3
    flow.log_on(number=4)
    flow.receive("D", f"{ORDER}|44=0.001|11=bad|43=Y|122=20230101-00:00:00", 3)
    [refused] = flow.sent()
    assert (refused.get(11), refused.get(150)) == (b"bad", b"8")
    assert flow.submitted == []


def test_a_resent_request_is_left_to_the_matching_process(flow: Flow) -> None:
    flow.receive("D", ORDER, 2)
    flow.flow.detach()
    flow.connected = False
    flow.log_on(number=3)
    flow.receive("D", f"{ORDER}|43=Y|122=20230101-00:00:00", 2)
    # It may have been done: whether it was, only the record of its number can tell.
    assert len(flow.submitted) == 2
    assert flow.submitted[0] == flow.submitted[1]
    assert flow.sent() == []


def test_a_list_is_canceled_once_however_often_its_cancel_comes(flow: Flow) -> None:
    entry = flow.room.order_entry
    first, second = (
        entry.enter_order(
            SESSION_ID,
            1,
            ALICE,
            symbol="BTCUSDT",
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            price=price,
            quantity="0.1",
            client_order_id=name,
        )
        for name, price in ((b"a1", "50000"), (b"a2", "40000"))
    )
    flow.room.apply(entry.order_list(Contingency.ONE_TRIGGERS_OTHER, b"l", first, second))
    flow.receive("K", "25015=l", 2)
    [command] = flow.submitted
    flow.room.apply(command)
    assert flow.room.orders.open_orders(ALICE) == []
    flow.flow.detach()
    flow.log_on(number=3)
    flow.receive("K", "25015=l|43=Y|122=20230101-00:00:00", 2)
    # The matching process knows it by its number, and answers with the record of the first.
    assert [each.session_number for each in flow.submitted] == [(1 << 32) | 2] * 2
    assert flow.sent() == []


def test_a_long_answer_is_told_in_slices_and_what_is_behind_it_waits(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mass_status, "SLICE", 2)
    for number in (2, 3, 4):
        flow.receive("D", f"{ORDER}|11=a{number}", number)
    flow.receive("AF", "584=s|585=7", 5)
    flow.receive("H", STATUS.replace("a1", "a2"), 6)
    flow.receive("D", f"{ORDER}|11=a7", 7)
    flow.execute(3)
    assert [each.get(11) for each in flow.sent()] == [b"a2", b"a3", b"a4", b"a2", b"a3"]
    assert (flow.taken, flow.flow.is_telling) == (4, True)
    flow.execute()
    assert [each.get(11) for each in flow.sent()] == [b"a7"]
    assert flow.taken == 4
    flow.flow.tell_more(NOW_NS)
    assert [(each.get(11), each.get(912)) for each in flow.sent()] == [(b"a4", b"Y"), (b"a2", None)]
    assert (flow.taken, flow.flow.is_telling) == (7, False)


def test_a_long_answer_that_was_cut_off_is_given_again(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mass_status, "SLICE", 1)
    flow.receive("D", ORDER, 2)
    flow.execute()
    flow.receive("AF", "584=s|585=7", 3)
    flow.flow.detach()
    flow.flow.tell_more(NOW_NS)
    flow.log_on(number=4)
    assert (flow.taken, flow.flow.is_telling) == (2, False)
    flow.receive("AF", "584=s|585=7|43=Y|122=20230101-00:00:00", 3)
    flow.flow.tell_more(NOW_NS)
    assert flow.sent()[-1].get(912) == b"Y"
    assert flow.taken == 4


def test_requests_are_refused_while_the_matching_process_is_away(flow: Flow) -> None:
    flow.connected = False
    flow.receive("D", ORDER, 2)
    [reject] = flow.sent()
    assert (reject.msg_type, reject.get(380), reject.get(45)) == (b"j", b"4", b"2")
    flow.connected, flow.is_full = True, True
    flow.receive("F", CANCEL, 3)
    [reject] = flow.sent()
    assert (reject.msg_type, reject.get(380), reject.get(372)) == (b"j", b"4", b"F")
    assert flow.taken == 3


def test_a_request_that_the_matching_process_refuses_is_answered(flow: Flow) -> None:
    flow.receive("D", ORDER, 2)
    [command] = flow.submitted
    flow.flow.refuse(command.session_number, "its number is forgotten", NOW_NS)
    [reject] = flow.sent()
    assert (reject.msg_type, reject.get(380)) == (b"j", b"0")
    assert reject.get(58) == b"its number is forgotten"
    assert flow.taken == 2


def test_a_reset_begins_new_numbers_for_the_matching_process(flow: Flow) -> None:
    flow.receive("D", ORDER, 2)
    before = flow.submitted[0].session_number
    flow.flow.detach()
    flow.store.reset(NOW_NS)
    flow.flow.acknowledge(before, NOW_NS)  # of the numbers before the reset: nothing to take
    assert flow.store.next_target_msg_seq_num == 1
    flow.log_on()
    flow.receive("D", f"{ORDER}|11=a2", 2)
    assert flow.submitted[1].session_number > before


def test_a_session_is_full_before_the_matching_process_forgets() -> None:
    flow = Flow(rate_per_s=1_000_000)
    flow.log_on()
    for number in range(2, PENDING_MAX + 2):
        assert not flow.flow.is_full
        flow.receive("D", f"{ORDER}|11=a{number}", number)
    assert flow.flow.is_full
    flow.execute()
    assert not flow.flow.is_full
