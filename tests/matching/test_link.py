import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import link
from matching.link import ErrorCode, FrameDecoder, FrameKind, LinkError
from tests.matching.samples import listing, make_records
from vocabulary.codec import pack

CLIENT_BYTES = b"".join(
    [
        link.pack_hello(link.Hello(link.VERSION, 42, "gateway-1", patience_ms=50)),
        link.pack_commands([pack(command) for command in listing()]),
        link.pack_funds_request(link.FundsRequest(9, 0)),
    ]
)
SERVER_BYTES = b"".join(
    [
        link.pack_welcome(link.Welcome(link.VERSION, 1, 41)),
        link.pack_records(b"".join(make_records(9))),
        link.pack_records(b"".join(make_records(2)), FrameKind.REPEATED),
        link.pack_refused(link.Refusal(link.RefusalCode.NUMBER_FORGOTTEN, 2**63 + 5, 6, "no")),
        link.pack_funds(9, 41, [(1, 2, 10**17, 5), (2, 1, 0, 0)]),
        link.pack_error(LinkError(ErrorCode.STOPPING, "the matching process stops")),
    ]
)
SIDES = [(CLIENT_BYTES, link.FROM_CLIENT), (SERVER_BYTES, link.FROM_SERVER)]


@pytest.mark.parametrize(("data", "accepted"), SIDES)
def test_every_split_gives_the_same_frames(data: bytes, accepted: frozenset[FrameKind]) -> None:
    whole = FrameDecoder(accepted).receive_data(data)
    assert {kind for kind, _ in whole} == accepted

    for cut in range(len(data) + 1):
        decoder = FrameDecoder(accepted)
        frames = decoder.receive_data(data[:cut])
        assert whole[: len(frames)] == frames
        assert frames + decoder.receive_data(data[cut:]) == whole


@pytest.mark.parametrize(("data", "accepted"), SIDES)
def test_byte_at_a_time_gives_the_same_frames(data: bytes, accepted: frozenset[FrameKind]) -> None:
    decoder = FrameDecoder(accepted)
    frames = [frame for byte in data for frame in decoder.receive_data(bytes([byte]))]
    assert frames == FrameDecoder(accepted).receive_data(data)


def test_payloads_survive_the_link() -> None:
    hello, _, request = FrameDecoder(link.FROM_CLIENT).receive_data(CLIENT_BYTES)
    welcome, _, _, refused, funds, error = FrameDecoder(link.FROM_SERVER).receive_data(SERVER_BYTES)

    assert link.unpack_hello(hello[1]) == (1, 42, "gateway-1", 50)
    assert link.unpack_funds_request(request[1]) == (9, 0)
    assert link.unpack_welcome(welcome[1]) == (1, 1, 41)
    assert link.unpack_refused(refused[1]) == (2, 2**63 + 5, 6, "no")
    assert link.unpack_funds(funds[1]) == (
        9,
        (41, [(1, 2, 10**17, 5), (2, 1, 0, 0)]),
    )
    assert link.unpack_error(error[1]).code is ErrorCode.STOPPING


def test_hello_without_a_stream_names_no_sequence() -> None:
    frames = FrameDecoder(link.FROM_CLIENT).receive_data(
        link.pack_hello(link.Hello(link.VERSION, None, "ops"))
    )
    assert link.unpack_hello(frames[0][1]).from_sequence is None


def test_many_commands_travel_in_frames_of_bounded_size() -> None:
    commands = [pack(listing()[0])] * 30_000
    frames = FrameDecoder(link.FROM_CLIENT).receive_data(link.pack_commands(commands))
    assert len(frames) > 1
    assert max(len(frame[1]) for frame in frames) <= link.COMMANDS_BYTES_MAX
    assert b"".join(frame[1] for frame in frames) == b"".join(commands)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x63\0\0\0\x10\0\0\0", "frame kind 99 unexpected"),
        (b"\x04\0\0\0\x10\0\0\0", "frame kind 4 unexpected"),  # RECORDS, from a client
        (b"\x03\0\x01\0\x10\0\0\0", "frame kind 3 unexpected"),  # not zero where zero must be
        (b"\x03\0\0\0\x07\0\0\0", "COMMANDS of 7 bytes impossible"),
        (b"\x03\0\0\0\xff\xff\xff\x7f", "COMMANDS of 2147483647 bytes impossible"),
        (b"\x01\0\0\0\x18\0\0\0", "HELLO of 24 bytes impossible"),  # no name
    ],
)
def test_impossible_frames_are_refused_by_their_header(data: bytes, text: str) -> None:
    with pytest.raises(LinkError, match=text) as refused:
        FrameDecoder(link.FROM_CLIENT).receive_data(data)
    assert refused.value.code is ErrorCode.MALFORMED


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        (link.Hello(2, None, "x"), ErrorCode.VERSION_UNSUPPORTED),
        (link.Hello(1, -1, "x"), ErrorCode.MALFORMED),
        (link.Hello(1, 1, "x\n"), ErrorCode.MALFORMED),
    ],
)
def test_hello_that_no_client_of_ours_sends_is_refused(hello: link.Hello, code: ErrorCode) -> None:
    (frame,) = FrameDecoder(link.FROM_CLIENT).receive_data(link.pack_hello(hello))
    with pytest.raises(LinkError) as refused:
        link.unpack_hello(frame[1])
    assert refused.value.code is code


UNPACK = {
    FrameKind.HELLO: link.unpack_hello,
    FrameKind.WELCOME: link.unpack_welcome,
    FrameKind.REFUSED: link.unpack_refused,
    FrameKind.FUNDS_REQUEST: link.unpack_funds_request,
    FrameKind.FUNDS: link.unpack_funds,
    FrameKind.ERROR: link.unpack_error,
}


@given(st.sampled_from(SIDES), st.data())
def test_damaged_bytes_raise_link_errors_only(
    side: tuple[bytes, frozenset[FrameKind]], data: st.DataObject
) -> None:
    good, accepted = side
    damaged = bytearray(good)
    for at in data.draw(st.lists(st.integers(0, len(good) - 1), max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    damaged += data.draw(st.binary(max_size=64))
    try:
        for kind, payload in FrameDecoder(accepted).receive_data(bytes(damaged)):
            UNPACK.get(kind, bytes)(payload)
    except LinkError:
        pass


@pytest.mark.parametrize(
    ("address", "parsed"),
    [
        ("unix:///run/agio/matching.sock", link.UnixAddress("/run/agio/matching.sock")),
        ("tcp://127.0.0.1:9000", link.TcpAddress("127.0.0.1", 9000)),
        ("tcp://[::1]:0", link.TcpAddress("::1", 0)),
    ],
)
def test_addresses(address: str, parsed: object) -> None:
    assert link.parse_address(address) == parsed


@pytest.mark.parametrize("address", ["", "matching.sock", "unix://host/x", "tcp://h", "http://h:1"])
def test_other_addresses_are_refused_by_name(address: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(address))):
        link.parse_address(address)
