"""The FIX door over real sockets, in front of a real matching process."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.edge import credentials, fix_acceptor, stored_sessions
from gateway.fix_application import order_flow as fix_order_flow
from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.fix_client import FixClient


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path, redis_url) as venue:
        yield venue


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def test_two_sessions_trade_and_see_the_same_fill(venue: SmallVenue) -> None:
    alice, bob = await venue.client("alice"), await venue.client("bob")
    alice.enter("a1", "buy", "0.5", "50000")
    new = await alice.expect("8")
    assert (new[150], new[39], new[151], new[14], new[6]) == ("0", "0", "0.50000", "0.00000", "0")
    assert (new[11], new[55], new[54], new[636]) == ("a1", "BTCUSDT", "1", "Y")

    bob.enter("b1", "sell", "0.2", "49000")
    assert (await bob.expect("8"))[150] == "0"
    sold, bought = await bob.expect("8"), await alice.expect("8")
    assert (sold[150], sold[39], sold[32], sold[31]) == ("F", "2", "0.20000", "50000.00")
    assert (bought[150], bought[39], bought[151], bought[14]) == ("F", "1", "0.30000", "0.20000")
    assert sold[527] == bought[527] == "1"
    assert (bought[851], bought[136], bought[137], bought[138]) == ("1", "1", "0.00020000", "BTC")
    assert (sold[851], sold[137], sold[138], sold[139]) == ("2", "20.00000000", "USDT", "4")
    assert sold[37] != bought[37]
    assert sold[17] != bought[17]


async def test_an_order_is_replaced_asked_for_and_canceled(venue: SmallVenue) -> None:
    client = await venue.client()
    client.enter("a1", "buy", "0.5", "50000")
    order_id = (await client.expect("8"))[37]
    client.replace("a2", "a1", "0.7", "50001")
    replaced = await client.expect("8")
    assert (replaced[150], replaced[39], replaced[11], replaced[41]) == ("5", "0", "a2", "a1")
    assert (replaced[37], replaced[38], replaced[44]) == (order_id, "0.70000", "50001.00")

    client.send("H", {11: "a2", 55: "BTCUSDT", 54: 1, 790: "ask-1"})
    status = await client.expect("8")
    assert (status[150], status[39], status[790], status[37]) == ("I", "0", "ask-1", order_id)
    client.send("H", {11: "nothing", 55: "BTCUSDT", 54: 1})
    unknown = await client.expect("8")
    assert (unknown[150], unknown[39], unknown[103], unknown[37]) == ("I", "8", "5", "NONE")

    client.cancel("x1", "a2")
    canceled = await client.expect("8")
    assert (canceled[150], canceled[39], canceled[11], canceled[41]) == ("4", "4", "x1", "a2")
    client.cancel("x2", "a2")
    late = await client.expect("9")
    assert (late[102], late[434], late[39], late[11], late[41]) == ("0", "1", "4", "x2", "a2")
    client.replace("a3", "no-such", "1", "50000")
    refused = await client.expect("9")
    assert (refused[102], refused[434], refused[39], refused[37]) == ("1", "2", "8", "NONE")


async def test_an_order_sent_again_is_told_as_it_stands(venue: SmallVenue) -> None:
    desk, other = await venue.client(comp_id="DESK"), await venue.client(comp_id="OTHER")
    when = "20240101-00:00:00"
    desk.enter("a1", "buy", "0.5", "50000", t60=when)
    order_id = (await desk.expect("8"))[37]
    other.enter("a1", "buy", "0.5", "50000", t60=when)
    again = await other.expect("8")
    assert (again[150], again[39], again[37], again[11]) == ("I", "0", order_id, "a1")
    desk.send("1", {112: "nothing else came"})
    assert (await desk.receive())[112] == "nothing else came"


async def test_a_cancel_by_another_session_reaches_both(venue: SmallVenue) -> None:
    desk, risk = await venue.client(comp_id="DESK"), await venue.client(comp_id="RISK")
    desk.enter("a1", "buy", "0.5", "50000")
    await desk.expect("8")
    risk.cancel("x1", "a1")
    asked, unsolicited = await risk.expect("8"), await desk.expect("8")
    assert (asked[150], asked[11], asked[41]) == ("4", "x1", "a1")
    assert (unsolicited[150], unsolicited[11], 41 in unsolicited) == ("4", "a1", False)
    assert unsolicited[49] == "AGIO"
    assert unsolicited[56] == "DESK"


@pytest.mark.parametrize(
    ("key", "password", "comp_id"),
    [
        ("alice", "wrong", "TRADER"),
        ("alice", "", "TRADER"),
        ("nobody", "secret-of-nobody", "TRADER"),
        ("bound", "secret-of-bound", "TRADER"),
        ("reader", "secret-of-reader", "TRADER"),
        ("alice", "secret-of-alice", "X" * 65),
    ],
)
async def test_a_refused_logon_says_why_and_touches_nothing(
    venue: SmallVenue, key: str, password: str, comp_id: str
) -> None:
    first = await venue.client()
    await first.log_out()

    intruder = await FixClient.connect(venue.gateway.fix.order_entry.port, comp_id)
    answer = await intruder.log_on(key, password or " ", is_reset=True)
    assert answer[35] == "5"
    assert answer[58]
    await intruder.expect_closed()

    again = await FixClient.connect(venue.gateway.fix.order_entry.port)
    again.next_number = first.next_number
    assert (await again.log_on("alice", "secret-of-alice"))[34] == "3"  # Logon, Logout, Logon


async def test_a_bound_key_may_use_its_comp_id(venue: SmallVenue) -> None:
    await venue.client("bound", "DESK1")


async def test_a_revoked_key_ends_its_sessions(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix_acceptor, "RECHECK_S", 0.05)
    monkeypatch.setattr(credentials, "FRESH_S", 0.0)
    async with small_venue(tmp_path, redis_url) as venue:
        alice, bob = await venue.client("alice"), await venue.client("bob")
        del venue.keys.keys["alice"]
        assert (await alice.expect("5"))[58] == "the API key is not valid any more"
        await venue.keys.stop()  # whom nobody can tell about may stay
        await asyncio.sleep(0.2)
        bob.enter("b1", "sell", "0.2", "50000")
        assert (await bob.expect("8"))[150] == "0"


async def test_a_second_logon_is_cut_off_and_the_first_goes_on(venue: SmallVenue) -> None:
    first = await venue.client()
    second = await FixClient.connect(venue.gateway.fix.order_entry.port)
    with pytest.raises(ConnectionError):
        await second.log_on("alice", "secret-of-alice", is_reset=True)
    first.enter("a1", "buy", "0.5", "50000")
    assert (await first.expect("8"))[34] == "2"


async def test_one_comp_id_of_two_accounts_is_two_sessions(venue: SmallVenue) -> None:
    await venue.client("alice", "SAME")
    await venue.client("bob", "SAME")


async def test_reports_made_while_away_come_with_the_next_logon(venue: SmallVenue) -> None:
    alice, bob = await venue.client("alice"), await venue.client("bob")
    alice.enter("a1", "buy", "0.5", "50000")
    assert (await alice.expect("8"))[34] == "2"
    await alice.close()
    for number in range(3):
        bob.enter(f"b{number}", "sell", "0.1", "50000")
        assert (await bob.expect("8"))[150] == "0"
        assert (await bob.expect("8"))[150] == "F"

    again = await FixClient.connect(venue.gateway.fix.order_entry.port)
    again.next_number = alice.next_number
    assert (await again.log_on("alice", "secret-of-alice"))[34] == "6"
    again.send("2", {7: 3, 16: 0})
    resent = [await again.receive() for _ in range(3)]
    assert [message[34] for message in resent] == ["3", "4", "5"]
    assert [message[43] for message in resent] == ["Y"] * 3
    assert [message[14] for message in resent] == ["0.10000", "0.20000", "0.30000"]


async def test_answers_keep_the_order_of_the_requests(venue: SmallVenue) -> None:
    client = await venue.client()
    for number in range(20):
        client.enter(f"a{number}", "buy", "0.01", "50000")
        client.enter(f"bad{number}", "buy", "0.01", "50000.001")
        client.send("H", {11: f"a{number}", 55: "BTCUSDT", 54: 1})
    for number in range(20):
        new, refused, status = [await client.expect("8") for _ in range(3)]
        assert (new[150], new[11]) == ("0", f"a{number}")
        assert (refused[150], refused[11]) == ("8", f"bad{number}")
        assert (status[150], status[11]) == ("I", f"a{number}")


async def test_bytes_may_come_one_at_a_time(venue: SmallVenue) -> None:
    client = await venue.client()
    fields = {11: "a1", 55: "BTCUSDT", 54: 1, 60: "20240101-00:00:00", 38: 1, 40: 2, 44: 50000}
    for byte in client.encode("D", dict(fields), number=2, is_poss_dup=False):
        client.send_bytes(bytes([byte]))
        await asyncio.sleep(0)
    assert (await client.expect("8"))[150] == "0"


async def test_silence_before_the_logon_is_cut_off(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.edge.fix_door.LOGON_TIMEOUT_NS", 300_000_000)
    async with small_venue(tmp_path, redis_url) as venue:
        silent = await FixClient.connect(venue.gateway.fix.order_entry.port)
        await silent.expect_closed()


async def test_a_slow_reader_is_cut_off_and_others_are_not(
    venue: SmallVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix_acceptor, "UNSENT_BYTES_MAX", 200_000)
    slow, other = await venue.client(comp_id="SLOW"), await venue.client(comp_id="OTHER")
    for number in range(30_000):
        slow.enter(f"s{number}", "buy", "0.0001", "50000")
        if number % 100 == 0:
            await asyncio.sleep(0)
        if venue.gateway.fix.order_entry.logged_on != 2:
            break
    assert venue.gateway.fix.order_entry.logged_on == 1
    other.enter("o1", "buy", "0.1", "50000")
    assert (await other.expect("8"))[150] == "0"


async def test_who_leaves_without_reading_the_rest_is_cut_off(
    venue: SmallVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix_acceptor, "CLOSE_GRACE_S", 0.2)
    client = await venue.client()
    [connection] = venue.gateway.fix.order_entry.connections
    number = 0
    while connection._transport.get_write_buffer_size() < 100_000:
        for _ in range(100):
            client.enter(f"s{number}", "buy", "0.0001", "50000")
            number += 1
        await asyncio.sleep(0)
    client.send("5", {})
    await until(lambda: not venue.gateway.fix.order_entry.connections)


async def test_a_session_is_read_no_faster_than_it_is_answered(
    venue: SmallVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix_order_flow, "PENDING_MAX", 20)
    client = await venue.client()
    for number in range(2_000):
        client.enter(f"a{number}", "buy", "0.001", "50000")
    for number in range(2_000):
        assert (await client.expect("8"))[11] == f"a{number}"


async def test_connections_are_limited(venue: SmallVenue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fix_acceptor, "CONNECTIONS_MAX", 2)
    await venue.client(comp_id="ONE")
    await venue.client(comp_id="TWO")
    third = await FixClient.connect(venue.gateway.fix.order_entry.port, "THREE")
    await third.expect_closed()


async def test_sessions_of_an_account_are_limited(
    venue: SmallVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_sessions, "SESSIONS_PER_ACCOUNT_MAX", 1)
    await venue.client("alice", "ONE")
    await venue.client("bob", "ONE")
    another = await FixClient.connect(venue.gateway.fix.order_entry.port, "TWO")
    assert (await another.log_on("alice", "secret-of-alice"))[58] == "too many sessions"


async def test_without_the_accounts_service_unknown_keys_are_told_so(venue: SmallVenue) -> None:
    await venue.keys.stop()
    client = await FixClient.connect(venue.gateway.fix.order_entry.port)
    assert "can't be checked now" in (await client.log_on("alice", "secret-of-alice"))[58]


async def test_what_can_not_be_stored_ends_the_process(tmp_path: Path, redis_url: str) -> None:
    ended: list[str] = []
    async with small_venue(tmp_path, redis_url, on_failure=lambda: ended.append("now")) as venue:
        client = await venue.client()
        store = next(iter(venue.gateway.fix.sessions._sessions._stores.values()))
        file = store._file
        store._file = os.open(os.devnull, os.O_RDONLY)
        client.enter("a1", "buy", "0.5", "50000")
        await until(lambda: bool(ended))
        store._file = file


async def test_orders_above_the_rate_are_refused_and_cancels_are_not(
    tmp_path: Path, redis_url: str
) -> None:
    async with small_venue(tmp_path, redis_url, fix_orders_per_s_max=2) as venue:
        client = await venue.client()
        for number in range(3):
            client.enter(f"a{number}", "buy", "0.01", "50000")
        assert [(await client.expect("8"))[150] for _ in range(2)] == ["0", "0"]
        refused = await client.expect("8")
        assert (refused[150], refused[103]) == ("8", "3")
        assert "more than 2 orders a second" in refused[58]
        client.replace("r1", "a0", "0.02", "50000")
        assert (await client.expect("9"))[102] == "99"
        client.cancel("x1", "a0")
        assert (await client.expect("8"))[150] == "4"


async def test_without_the_matching_process_orders_are_refused_at_once(venue: SmallVenue) -> None:
    client = await venue.client()
    await venue.matching.stop()
    await until(lambda: not venue.gateway.matching.connected)
    client.enter("a1", "buy", "0.5", "50000")
    refused = await client.expect("j")
    assert (refused[380], refused[372], refused[45], refused[379]) == ("4", "D", "2", "a1")
    assert venue.gateway.health()["ready"] is False

    await venue.restart_matching()
    await until(lambda: venue.gateway.matching.connected)
    client.enter("a1", "buy", "0.5", "50000")
    assert (await client.expect("8"))[150] == "0"


async def test_closing_says_goodbye(venue: SmallVenue) -> None:
    client = await venue.client()
    stopping = asyncio.create_task(venue.gateway.stop())
    goodbye = await client.expect("5")
    assert goodbye[58] == "the venue closes"
    client.send("5", {})
    await client.expect_closed()
    await stopping
    venue.gateway = venue.make_gateway()
    await venue.gateway.start()


async def test_an_unknown_application_message_is_answered(venue: SmallVenue) -> None:
    client = await venue.client()
    client.send("B", {148: "news", 33: 1, 58: "text"})
    refused = await client.expect("j")
    assert (refused[372], refused[380]) == ("B", "3")


GARBLED = [
    b"",
    b"\x00" * 100,
    b"8=FIX.4.4\x019=5\x0135=D\x01",
    b"8=FIX.4.4\x019=999999\x0135=D\x0110=000\x01",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
]


async def test_bad_input_is_refused_in_its_protocol_and_changes_nothing(venue: SmallVenue) -> None:
    client = await venue.client()
    client.enter("a1", "buy", "0.5", "50000")
    await client.expect("8")
    before = venue.state_hash()

    # Each with the reply's MsgType(35) and its reason: 103 of an 8, 373 of a 3.
    refusals: list[tuple[Callable[[], int], str, str | None]] = [
        (lambda: client.enter("n1", "buy", "0.5", "50000", t55="NOPE"), "8", "1"),
        (lambda: client.enter("n2", "buy", "0.5", "50000.001"), "8", "99"),
        (lambda: client.enter("n3", "buy", "0.5", "0"), "8", "99"),
        (lambda: client.enter("n4", "buy", "0", "50000"), "8", "13"),
        (lambda: client.enter("n5", "buy", "-1", "50000"), "8", "13"),
        (lambda: client.enter("n6", "buy", "1" * 30, "50000"), "8", "13"),
        (lambda: client.enter("n7", "buy", "0.000001", "50000"), "8", "13"),
        (lambda: client.enter("n8", "buy", "0.5", "5" * 30), "8", "99"),
        (lambda: client.enter("n9", "buy", "21", "50000"), "8", "3"),
        (lambda: client.enter("a1", "buy", "0.6", "50000"), "8", "6"),
        (lambda: client.enter("n" * 37, "buy", "0.5", "50000"), "8", "99"),
        (lambda: client.enter("n10", "buy", "0.5", "50000", t59=2), "8", "11"),
        (lambda: client.enter("n11", "buy", "0.5", "50000", t40=3, t99=1), "8", "11"),
        (lambda: client.enter("n12", "buy", "0.5", "50000", t111=1), "8", "13"),
        (lambda: client.enter("n13", "buy", None, "50000"), "8", "13"),  # type: ignore[arg-type]
        (lambda: client.enter("n14", "buy", "1_000", "50000"), "3", "6"),
        (lambda: client.enter("n15", "buy", "1e3", "50000"), "3", "6"),
        (lambda: client.enter("n16", "buy", "0.5", "50000", t54="Z"), "3", "5"),
        (lambda: client.enter("n17", "buy", "0.5", "50000", t40=None), "3", "1"),
        (lambda: client.enter("n18", "buy", "0.5", "50000", t9999=1), "3", None),
    ]
    for send, msg_type, reason in refusals:
        number = send()
        answer = await client.receive()
        assert answer[35] == msg_type, (number, answer)
        given = answer.get(103 if msg_type == "8" else 373)
        assert reason in {None, given}, answer
        assert answer[58]
        if msg_type == "8":
            assert (answer[150], answer[39], answer[151]) == ("8", "8", "0")

    # Garbled messages are ignored; FIX asks for them again by their missing number.
    fields = {11: "g1", 55: "BTCUSDT", 54: 1, 60: "20240101-00:00:00", 38: 1, 40: 2, 44: 50000}
    good = client.encode("D", dict(fields), number=99_999, is_poss_dup=False)
    for data in (*GARBLED, good[:-4] + b"999\x01", good.replace(b"34=", b"3X=")):
        client.send_bytes(data)
    client.send_bytes(b"8=FIX.4.4\x019=20000\x0135=D\x0158=" + b"x" * 20_000 + b"\x0110=000\x01")
    client.send("1", {112: "still there"})
    assert (await client.expect("0"))[112] == "still there"
    assert venue.state_hash() == before


async def test_a_stale_sending_time_ends_the_session(venue: SmallVenue) -> None:
    client = await venue.client()
    old = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y%m%d-%H:%M:%S")
    data = client.encode("0", {}, number=2, is_poss_dup=False)
    start = data.index(b"\x0152=") + 4
    stop = data.index(b"\x01", start)
    body = data[data.index(b"35=") : start] + old.encode() + data[stop:-7]
    message = b"8=FIX.4.4\x019=%d\x01%b" % (len(body), body)
    client.send_bytes(message + b"10=%03d\x01" % (sum(message) % 256))
    assert (await client.receive())[373] == "10"
    assert (await client.receive())[35] == "5"
