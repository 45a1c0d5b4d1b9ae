from random import Random

import pytest

from matching.command_check import ORDERS, CommandRefused, check_command
from matching.sequencer import Sequencer
from tests.matching.samples import listing, order
from vocabulary import commands as c
from vocabulary.codec import VERSIONS, CodecError, pack
from vocabulary.types import Contingency, OrderFlags, Sides


def test_every_command_of_ours_passes_the_check() -> None:
    commands: list[c.Command] = [
        *listing(),
        order(7, 1),
        c.ReplaceOrder(7, 2, 1, 1, 0, 5, 5, b"new", b"old"),
        c.CancelOrder(7, 3, 1, 1, 12, b"", b""),
        c.CancelAllOrders(2**64 - 1, 4, 1, 0, b"x" * 36),
    ]
    packed = b"".join(pack(command) for command in commands)
    at = 0
    for command in commands:
        session_id, number, at = check_command(packed, at)
        assert (session_id, number) == (command.session_id, command.session_number)
    assert at == len(packed)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"side": 3}, "side 3 unknown"),
        ({"order_type": 0}, "order_type 0 unknown"),
        ({"time_in_force": 2}, "time_in_force 2 unknown"),
        ({"flags": 4}, "flags 4 unknown"),
        ({"client_order_id": b"x" * 37}, "text of 37 bytes, at most 36"),
        ({"client_order_id": b"a\0b"}, "not printable ASCII"),
        ({"client_order_id": "é".encode()}, "not printable ASCII"),
        ({"session_number": 0}, "session_number 0 is not positive"),
        ({"session_number": -5}, "session_number -5 is not positive"),
    ],
)
def test_a_command_with_an_impossible_value_is_refused_and_the_next_one_found(
    changes: dict[str, object], text: str
) -> None:
    number = changes.pop("session_number", 5)
    assert isinstance(number, int)
    data = pack(order(7, number, **changes))
    with pytest.raises(CommandRefused, match=text) as refused:
        check_command(data, 0)
    assert refused.value.refusal[1:3] == (7, number)
    assert refused.value.end == len(data)


def test_hidden_bytes_are_refused() -> None:
    data = bytearray(pack(order(7, 1, client_order_id=b"short")))
    data[-9] = 1
    with pytest.raises(CommandRefused, match="not zero"):
        check_command(bytes(data), 0)
    data[-9] = 0
    data[-48] = 255  # the length of a text of at most 39 bytes
    with pytest.raises(CommandRefused, match="at most 36"):
        check_command(bytes(data), 0)


@pytest.mark.parametrize("at", range(8))
def test_a_damaged_header_loses_what_follows(at: int) -> None:
    data = bytearray(pack(order(7, 1)))
    data[at] ^= 0x80
    with pytest.raises(CodecError):
        check_command(bytes(data), 0)


def test_every_prefix_is_no_command() -> None:
    data = pack(order(7, 1))
    for size in range(len(data)):
        with pytest.raises(CodecError):
            check_command(data[:size], 0)


ONE = (1, 1, 1, 0, 100, 5, b"first", 9, 1, 90, 5, 2)
OTHER = (2, 2, 3, 1, 101, 6, b"", 0, 0, 0, 0, 0)
SOUND: list[c.Command] = [
    order(7, 1),
    order(2**64 - 1, 2**63 - 1, client_order_id=b" ~" * 18),
    order(7, 3, self_trade_prevention=1),
    order(7, 4, trigger_price_ticks=7),
    order(7, 5, quote_units=10**9),
    order(7, 6, display_lots=3),
    c.ReplaceOrder(7, 2, 1, 1, -1, 5, 5, b"new-name", b"old"),
    c.CancelOrder(7, 3, 1, 1, 12, b"", b"1234567"),
    c.CancelAllOrders(7, 4, 1, 0, b"x" * 36),
    c.CancelAllOrders(7, 5, 1, 0, b"x", Sides.BUY),
    c.CancelAllOrders(7, 6, 1, 0, b"", Sides.SELL, 2**64 - 1),
    c.CancelAllOrders(7, 8, 1, 0, b"", Sides.BOTH, 7, OrderFlags(2)),
    c.EnterOrderList(7, 7, 1, 1, Contingency(1), b"list", *ONE, *OTHER),  # type: ignore[arg-type]
    c.EnterOrderList(7, 9, 1, 1, Contingency(2), b"", *ONE, *OTHER, *ONE),  # type: ignore[arg-type]
]
BYTES = (0, 1, 2, 3, 4, 5, 8, 9, 31, 32, 36, 37, 39, 40, 65, 126, 127, 128, 255)


def is_sound(data: bytes) -> bool:
    """Say what `check_command` says."""
    try:
        return check_command(data, 0)[2] == len(data)
    except (CommandRefused, CodecError):
        return False


def is_taken(data: bytes) -> bool:
    """Say whether it passes as an order by its words alone."""
    return Sequencer().take_orders(data, 0) == len(data)


def test_every_version_of_every_order_passes_by_its_words_alone() -> None:
    passed = {tuple(pack(command)[:4]) for command in SOUND if is_taken(pack(command))}
    assert len(passed) == sum(len(VERSIONS[message_type]) for message_type in ORDERS)
    assert not is_taken(pack(listing()[0]))  # sound, but no order: taken apart field by field


@pytest.mark.parametrize("command", SOUND, ids=lambda command: type(command).__name__)
def test_a_look_at_the_words_says_what_a_look_at_the_fields_does(command: c.Command) -> None:
    sound = pack(command)
    random = Random(command.session_number)
    for at in range(1, len(sound)):  # of this kind
        for byte in BYTES:
            data = bytearray(sound)
            data[at] = byte
            assert is_taken(bytes(data)) == is_sound(bytes(data)), (at, byte)
            data[random.randrange(8, len(data))] = random.choice(BYTES)
            assert is_taken(bytes(data)) == is_sound(bytes(data)), data


def test_what_a_version_appends_says_something() -> None:
    """Else the same order would have two forms, and be another content under its name."""
    data = bytearray(pack(order(7, 3, self_trade_prevention=1)))
    data[-8] = 0
    assert not is_taken(bytes(data))
    with pytest.raises(CommandRefused, match="says nothing that version 1 does not"):
        check_command(bytes(data), 0)


def test_orders_are_taken_up_to_the_first_that_is_not_new_and_sound() -> None:
    commands = Sequencer()
    one, two, three = (pack(order(7, number)) for number in (1, 2, 3))
    other = pack(order(8, 1))
    assert commands.take_orders(one + other + two, 0) == len(one + other + two)
    assert [commands.find(7, 1), commands.find(8, 1), commands.find(7, 2)] == [1, 2, 3]
    assert commands.take_orders(one + three, 0) == 0  # sent before
    assert commands.take_orders(one + three, len(one)) == len(one + three)
    assert commands.take_orders(pack(order(9, 1)) + b"nonsense", 0) == len(one)
    assert commands.take_orders(pack(order(9, 2))[:-8], 0) == 0
    assert commands.last_sequence == 5
