"""FIX messages alone: decode and validate a NewOrderSingle(D), encode an ExecutionReport(8).

The encoding begins with a report of the order tracker's and ends with a numbered message, its store
left out. simplefix reads and writes the same bytes in the same runs, without a dictionary. What is
measured is processor time, and of each run the best of some rounds, since the machine is shared.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import simplefix

from bench.figures import Figure, figure
from gateway.fix.codec import Decoder, encode
from gateway.fix.dictionary import fix44
from gateway.fix.message_buffer import MessageBuffer
from gateway.fix.outbound import Outbound
from gateway.fix.store import LiveStore
from gateway.fix_application.reports import put_message
from gateway.order_tracker import Orders
from gateway.orders import Report
from matching.core.engine import Engine
from vocabulary import codec
from vocabulary import commands as c
from vocabulary.catalogue import Catalogue
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

RUNS = 5
ROUNDS = 20
MESSAGES = 250  # as many as one read of a socket brings under load
SIMPLEFIX_MESSAGES = 50
NOW_NS = 1_700_000_000_123_000_000

ORDER = (
    b"35=D\x0149=CLIENT\x0156=AGIO\x0134=%d\x0152=20231114-22:13:20.123\x0111=ORDER-%d\x01"
    b"55=BTCUSDT\x0154=1\x0160=20231114-22:13:20.123\x0138=0.%03d\x0140=2\x0144=%d.50\x0159=1\x01"
)
ORDERS = [encode(ORDER % (n, n, n, 10_000 + n)) for n in range(1, MESSAGES + 1)]
STREAM = b"".join(ORDERS)

LISTINGS: list[c.Command] = [
    c.ListAsset(1, 1, 1, 8, b"BTC"),
    c.ListAsset(1, 2, 2, 8, b"USDT"),
    c.ListInstrument(1, 3, 1, 1, 2, 1_000, 10, 1, 1_000, 2_000, b"BTCUSDT"),
    c.CreditFunds(1, 4, 1, 2, 10**17),
]


def measure() -> list[Figure]:
    decodings = [microseconds(decode_and_validate, MESSAGES) for _ in range(RUNS)]
    their_decodings = [microseconds(simplefix_decode, SIMPLEFIX_MESSAGES) for _ in range(RUNS)]
    reports, catalogue = accepted_reports()
    encodings = [microseconds(lambda: send(reports, catalogue), MESSAGES) for _ in range(RUNS)]
    same = [
        list(message.fields)[2:-1]
        for message in Decoder().receive_data(send(reports[:SIMPLEFIX_MESSAGES], catalogue))
    ]
    their_encodings = [
        microseconds(lambda: simplefix_encode(same), SIMPLEFIX_MESSAGES) for _ in range(RUNS)
    ]
    return [
        figure(
            "FIX decode and validate a NewOrderSingle",
            "us",
            decodings,
            target=1,
            compared=("simplefix", their_decodings),
        ),
        figure(
            "FIX encode an ExecutionReport",
            "us",
            encodings,
            target=0.5,
            compared=("simplefix", their_encodings),
        ),
    ]


def microseconds(work: Callable[[], object], messages: int) -> float:
    """Return the processor time that each message takes, in the best of some rounds."""
    best_ns = 10**18
    for _ in range(ROUNDS):
        started_ns = time.process_time_ns()
        work()
        best_ns = min(best_ns, time.process_time_ns() - started_ns)
    return best_ns / messages / 1000


def decode_and_validate() -> None:
    validate = fix44().validate
    for message in Decoder().receive_data(STREAM):
        assert validate(message) is None


def simplefix_decode() -> None:
    parser = simplefix.FixParser()
    for data in ORDERS[:SIMPLEFIX_MESSAGES]:
        parser.append_buffer(data)
        assert parser.get_message() is not None


def accepted_reports() -> tuple[list[Report], Catalogue]:
    """Return what is to be reported of as many orders, accepted by the engine."""
    engine, catalogue = Engine(), Catalogue()
    orders = Orders(catalogue)
    entered: list[c.Command] = [
        c.EnterOrder(
            *(1, 4 + n, 1, 1, Side.BUY, OrderType.LIMIT, TimeInForce.GOOD_TILL_CANCEL),
            *(OrderFlags.NONE, 1_000_050 + n, n, b"ORDER-%d" % n),
        )
        for n in range(1, MESSAGES + 1)
    ]
    reports: list[Report] = []
    for sequence, command in enumerate([*LISTINGS, *entered], 1):
        data = codec.pack(command)
        events = engine.apply(data, sequence, NOW_NS)
        record, _ = codec.unpack_record(codec.pack_record(sequence, NOW_NS, data, events))
        reports += orders.apply(record)
    assert len(reports) == MESSAGES
    return reports, catalogue


def send(reports: list[Report], catalogue: Catalogue) -> bytes:
    outbound = Outbound(b"AGIO", b"CLIENT", LiveStore(), NOW_NS)
    out = MessageBuffer()
    for report in reports:
        out.start()
        msg_type = put_message(out, report, catalogue)
        outbound.send_put(msg_type, out, NOW_NS, True, report.record.sequence)
    return outbound.data_to_send()


def simplefix_encode(messages: list[list[tuple[int, bytes]]]) -> None:
    for fields in messages:
        message = simplefix.FixMessage()
        message.append_pair(8, b"FIX.4.4")
        for tag, value in fields:
            message.append_pair(tag, value)
        message.encode()
