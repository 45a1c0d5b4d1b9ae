"""Orders that pass the dictionary and make no sense: refused each on its own, nothing changed.

With the real engine behind a session: what is refused leaves its state as it was, has one answer
that says why, and uses one number. What is taken of all the values that fields list, is accepted.
"""

from collections.abc import Iterator

import pytest

from gateway.fix.codec import FixMessage
from tests.gateway.engine_room import BOB, EngineRoom
from tests.gateway.fix.message_specs import message_spec
from tests.gateway.fix_application.test_order_flow import Flow
from tests.gateway.fix_messages import CANCEL, ORDER, REPLACE
from vocabulary.types import Side

NOT_POSITIVE = ["0", "-0", "0.0", "000", "-1", "-0.5", "-0.00000"]
TOO_LARGE = ["9" * 15, "9" * 18, "9" * 19, "9" * 30, "1" + "0" * 40, "9223372036854775808"]
TOO_FINE = ["0.000001", "0.1234567", "1.000000000001", "0." + "0" * 30 + "1"]
OFF_TICK = ["50000.001", "50000.015", "49999.999999999"]


@pytest.fixture
def flow() -> Flow:
    """Return a session with a1 resting, a2 filled, a3 canceled; another's order is b1."""
    flow = Flow()
    flow.log_on()
    flow.receive("D", f"{ORDER}|44=40000", 2)
    flow.receive("D", f"{ORDER}|11=a2|38=0.1", 3)
    flow.receive("D", f"{ORDER}|11=a3|44=30000", 4)
    flow.receive("F", f"{CANCEL}|11=x3|41=a3", 5)
    flow.execute(4)
    flow.room.enter(b"b2", Side.SELL, "0.1", "50000", account_id=BOB)
    flow.room.enter(b"b1", Side.SELL, "1", "70000", account_id=BOB)
    flow.sent()
    return flow


def state_hash(room: EngineRoom) -> str:
    """Return the engine's own, but for when its last command came: a refused one comes, too."""
    state = room.engine.state
    sequence, timestamp_ns = state.sequence, state.timestamp_ns
    state.sequence = state.timestamp_ns = 0
    try:
        return state.state_hash()
    finally:
        state.sequence, state.timestamp_ns = sequence, timestamp_ns


def asked(flow: Flow, msg_type: str, text: str) -> tuple[list[FixMessage], bool]:
    """Return what a request is answered, and whether the engine's state is another; in sequence."""
    before, number = state_hash(flow.room), flow.taken + 1
    flow.receive(msg_type, text, number)
    flow.execute(len(flow.submitted))
    answers = flow.sent()
    assert flow.taken == number, text
    return answers, state_hash(flow.room) != before


def is_refusal(message: FixMessage) -> bool:
    """Say whether it is a refusal in its form, with its reason in words."""
    reason = {b"8": 103, b"9": 102, b"3": 373, b"j": 380}.get(message.msg_type, 0)
    is_rejected = message.msg_type != b"8" or (message.get(150), message.get(39)) == (b"8", b"8")
    return is_rejected and reason in message and bool(message.get(58))


def nonsense() -> Iterator[tuple[str, str]]:
    fresh = f"{ORDER}|11=n1"
    for text in (*NOT_POSITIVE, *TOO_LARGE, *TOO_FINE):
        yield "D", f"{fresh}|38={text}"
        yield "D", f"{fresh}|40=1|44=|38={text}"
        yield "G", f"{REPLACE}|38={text}"
        yield (
            "D",
            f"{fresh}|40=1|44=|38=|152={text}" if text not in TOO_FINE[:2] else fresh + "|38=",
        )
    for text in (*NOT_POSITIVE, *TOO_LARGE, *OFF_TICK):
        yield "D", f"{fresh}|44={text}"
        yield "G", f"{REPLACE}|44={text}"
        yield "D", f"{fresh}|40=4|99={text}"
        yield "D", f"{fresh}|40=3|44=|99={text}"
    for text in ("50000000000", "18014398509481984", "92233720368547758.07"):
        for quantity in ("1000000", "90071992547", "92233720368547"):
            yield "D", f"{fresh}|38={quantity}|44={text}"  # quantity times price overflows
    for name in ("a1", "a2", "a3", "n" * 37, "n 1", "\u00e9"):
        yield "D", f"{ORDER}|11={name}|38=0.2"
    for original in ("b1", "b2", "a2", "a3", "x3", "no-such", "n" * 37):
        yield "F", f"{CANCEL}|11=x9|41={original}"
        yield "G", f"{REPLACE}|11=r9|41={original}"
    for symbol in ("NOPE", "btcusdt", "BTC/USDT", "BTCUSDT ", "*", "%", "B" * 100):
        yield "D", f"{fresh}|55={symbol}"
        yield "F", f"{CANCEL}|55={symbol}"
        yield "G", f"{REPLACE}|55={symbol}"
    for more in (
        "44=",
        "38=",
        "40=1",
        "40=3",
        "40=4",
        "59=6",
        "99=1",
        "432=20990101",
        "111=1|59=3",
    ):
        yield "D", f"{fresh}|{more}"
    for when in ("20231114-22:13:20", "20000101-00:00:00", "19700101-00:00:01"):
        yield "D", f"{fresh}|59=6|126={when}"


def test_what_makes_no_sense_is_refused_and_changes_nothing(flow: Flow) -> None:
    wrong = []
    for msg_type, text in nonsense():
        answers, is_changed = asked(flow, msg_type, text)
        if len(answers) != 1 or not is_refusal(answers[0]) or is_changed:
            wrong.append((msg_type, text, [str(each) for each in answers], is_changed))
    assert not wrong
    assert len([*nonsense()]) >= 180


LISTED = [
    (msg_type, each.tag, value.decode())
    for msg_type in ("D", "F", "G")
    for each in message_spec(msg_type).fields
    for value in each.values
    if not each.group
]


def test_every_value_that_a_field_lists_is_taken_whole_or_refused_whole(flow: Flow) -> None:
    wrong = []
    bodies = {"D": ORDER, "F": CANCEL, "G": REPLACE}
    for place, (msg_type, tag, value) in enumerate(LISTED):
        text = f"{bodies[msg_type]}|11=v{place}|38=0.001|44=1000"
        text = text if msg_type != "F" else f"{CANCEL}|11=v{place}|41=no-such"
        answers, is_changed = asked(flow, msg_type, f"{text}|{tag}={value}")
        refusals = [each for each in answers if is_refusal(each)]
        if not answers or (refusals and (is_changed or len(answers) > 1)):
            wrong.append((msg_type, tag, value, [str(each) for each in answers]))
    assert not wrong
    assert len(LISTED) >= 300
