"""Whatever bytes come, each parser takes them or raises one of its own listed errors, and no other.

`make fuzz` gives each parser a minute; `make test` gives each a moment. A failure names its seed:
AGIO_FUZZ_SEED=that seed runs it again.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from random import Random

import pytest

from gateway.fix.codec import Decoder
from gateway.fix.session import Session
from gateway.fix.store import MemoryStore
from gateway.json_api.envelopes import decode_api_request, decode_stream_request, request_id
from gateway.json_api.errors import ApiError
from matching.command_check import CommandRefused, check_command
from matching.journal_format import pack_segment_header, scan_segment, whole_records
from matching.link import (
    FROM_CLIENT,
    FROM_SERVER,
    FrameDecoder,
    LinkError,
    pack_commands,
    pack_records,
)
from matching.snapshot_format import SnapshotUnusableError, pack_body, unpack_snapshot
from tests.fuzz.mutation import mutate, pieces
from tests.gateway.fix.session_pair import CLIENT, START_NS, VENUE, Pair
from tests.matching.samples import listing, make_records, order
from tests.matching.test_snapshot_format import packed
from tests.matching.test_snapshot_format import state as small_state
from vocabulary.codec import CodecError, pack, pack_record
from vocabulary.events import AssetListed, FundsCredited
from vocabulary.excerpt import event_kinds, unpack_excerpts
from vocabulary.packed_records import unpack_records

SECONDS = float(os.environ.get("AGIO_FUZZ_SECONDS", "0.5"))
SEED = os.environ.get("AGIO_FUZZ_SEED")


def fuzz(
    samples: list[bytes], feed: Callable[[Random, bytes], None], *errors: type[Exception]
) -> None:
    """Feed broken samples until the time is over. Any error but the listed ones fails."""
    end = time.monotonic() + SECONDS
    executions = 0
    for seed in [int(SEED)] if SEED else _seeds():
        if time.monotonic() > end:
            break
        chance = Random(seed)
        try:
            feed(chance, mutate(chance, samples))
        except errors:
            pass
        except Exception as error:  # noqa: BLE001 (whatever it is, it is a finding)
            pytest.fail(f"AGIO_FUZZ_SEED={seed}: {type(error).__name__}: {error}")
        executions += 1
    assert executions
    sys.stderr.write(f"{executions:,} executions\n")


def _seeds() -> Iterator[int]:
    """Yield seeds without end, others in each run."""
    seed = time.time_ns()
    while True:
        yield seed
        seed += 1


COMMANDS = [pack(command) for command in (*listing(), order(5, 1), order(5, 2))]
RECORDS = [pack_record(number, 1, command, b"") for number, command in enumerate(COMMANDS, 1)]


def test_command_reader() -> None:
    def feed(_chance: Random, data: bytes) -> None:
        at = 0
        while at < len(data):
            _, _, at = check_command(data, at)

    fuzz(COMMANDS, feed, CodecError, CommandRefused)


def test_record_reader() -> None:
    def feed(_chance: Random, data: bytes) -> None:
        for record in unpack_records(data):
            assert record.command is not None
            assert record.events is not None

    fuzz(RECORDS, feed, CodecError)


def test_excerpt_reader() -> None:
    kinds = event_kinds({AssetListed, FundsCredited})

    def feed(_chance: Random, data: bytes) -> None:
        unpack_excerpts(data, kinds)

    fuzz([*make_records(20)], feed, CodecError)


def test_link_frames() -> None:
    samples = [pack_commands(COMMANDS), pack_records(b"".join(RECORDS))]

    def feed(chance: Random, data: bytes) -> None:
        decoder = FrameDecoder(chance.choice((FROM_CLIENT, FROM_SERVER)))
        for piece in pieces(chance, data):
            decoder.receive_data(piece)

    fuzz(samples, feed, LinkError)


def test_journal_segments() -> None:
    header = pack_segment_header(1)  # read and checked before

    def feed(_chance: Random, data: bytes) -> None:
        scan = scan_segment(header + data, 1)
        whole_records(data[: scan.end - len(header)], 1)

    fuzz([b"".join(RECORDS) + bytes(256)], feed)


def test_snapshots() -> None:
    """Of a damaged file, and of one whose checksum is right but whose rows are not."""
    engine, sequencer = small_state()
    body = b"".join(pack_body(engine, sequencer))

    def feed(chance: Random, data: bytes) -> None:
        is_sealed = chance.random() < 0.8
        unpack_snapshot(packed(engine, sequencer, data) if is_sealed else data)

    fuzz([body], feed, SnapshotUnusableError)


def test_fix_session() -> None:
    def feed(chance: Random, data: bytes) -> None:
        pair = Pair()
        if chance.random() < 0.7:
            pair.connect()
        else:
            pair.venue.session = Session(VENUE, START_NS)
        if chance.random() < 0.7:
            data = resealed(data)
        for piece in pieces(chance, data):
            pair.venue.session.receive_data(piece, START_NS)
            pair.serve(pair.venue)
        answers = Decoder(1 << 20)
        answers.receive_data(pair.venue.session.data_to_send())
        assert answers.garbled_count == 0

    fuzz(fix_samples(), feed)


def fix_samples() -> list[bytes]:
    """Return what a FIX client says in a session, message by message."""
    pair = Pair()
    pair.connect()
    client = pair.client.session
    samples = []
    for number in range(3):
        pair.send_order(number)
        samples.append(client.data_to_send())
    logon = Session.initiator(CLIENT, MemoryStore(), START_NS)
    logon.send_logon(START_NS)
    samples.append(logon.data_to_send())
    for msg_type, fields in (
        (b"2", b"7=1\x0116=0\x01"),
        (b"4", b"123=Y\x0136=9\x01"),
        (b"1", b"112=hello\x01"),
        (b"5", b"58=bye\x01"),
    ):
        samples.append(samples[0].replace(b"35=D", b"35=" + msg_type).replace(b"11=A0\x01", fields))
    return samples


def resealed(data: bytes) -> bytes:
    """Give a broken message the right BodyLength(9) and CheckSum(10), so that it is read on."""
    body = data.partition(b"35=")[2].rpartition(b"10=")[0]
    head = b"8=FIX.4.4\x019=%d\x01" % (3 + len(body))
    whole = head + b"35=" + body
    return whole + b"10=%03d\x01" % (sum(whole) % 256)


def test_json_envelopes() -> None:
    samples = [
        b'{"id":1,"method":"order.place","params":{"symbol":"BTCUSDT","price":"1.0","a":1}}',
        b'{"id":"x","method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@depth"]}',
        b'{"id":null,"method":"ping"}',
    ]

    def feed(chance: Random, data: bytes) -> None:
        request_id(data)
        chance.choice((decode_api_request, decode_stream_request))(data)

    fuzz(samples, feed, ApiError)
