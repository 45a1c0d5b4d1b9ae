"""The rules of engagement show market data as it is sent."""

from agio.hot_paths import ROOT
from gateway.fix.codec import Decoder, FixMessage, encode
from gateway.fix.timestamps import parse_utc_timestamp
from gateway.fix_application.market_data import MarketData
from gateway.fix_application.security_list import security_list
from gateway.market_view import FeedBook, FeedTape
from tests.gateway.engine_room import EngineRoom
from tests.gateway.recording_client import RecordingClient
from vocabulary.market_data import DepthChanged, DepthSnapshot, Level, Print, TradesPrinted

RULES = (ROOT / "fix_specs" / "README.md").read_text().splitlines()
BOOK_NS = parse_utc_timestamp(b"20260105-09:00:00.250")
CHANGE_NS = parse_utc_timestamp(b"20260105-09:00:01.500")


def asked(msg_type: str) -> FixMessage:
    """Return the example of a request."""
    [example] = [line for line in RULES if line.startswith("8=") and f"|35={msg_type}|" in line]
    [message] = Decoder().receive_data(example.replace("|", "\x01").encode())
    return message


def shown(msg_type: str, number: int, time: str, body: bytes) -> str:
    head = f"35={msg_type}|49=AGIO|56=FIRM|34={number}|52=20260105-{time}|"
    message = encode(head.replace("|", "\x01").encode() + body)
    return message.decode().replace("\x01", "|")


def test_market_data_are_sent_as_shown() -> None:
    catalogue = EngineRoom().catalogue
    book, tape, client = FeedBook(), FeedTape(), RecordingClient()
    market = MarketData(catalogue, {"BTCUSDT": book}, {"BTCUSDT": tape})
    bids, asks = [Level(4_999_900, 150_000)], [Level(5_000_100, 20_000)]
    book.replace(DepthSnapshot(4_720, BOOK_NS, bids, asks))
    market.receive(client, asked("V"), 0)
    market.receive(client, asked("V"), 0)
    traded = Print(9, CHANGE_NS, 5_000_100, 20_000, 0, False, 71, 72)
    printed = TradesPrinted(4_725, 4_720, CHANGE_NS, [traded])
    market.on_update("trades", "BTCUSDT", printed, 0)
    change = DepthChanged(4_725, 4_720, CHANGE_NS, [], [Level(5_000_100, 0)])
    book.apply(change)
    market.on_update("depth", "BTCUSDT", change, 0)
    refresh, refusal, trade, increment = client.bodies
    assert shown("W", 6, "09:00:00.300", refresh) in RULES
    assert shown("X", 7, "09:00:01.501", trade) in RULES
    assert shown("X", 8, "09:00:01.501", increment) in RULES
    assert shown("Y", 9, "09:00:02.000", refusal) in RULES


def test_what_is_listed_is_sent_as_shown() -> None:
    catalogue = EngineRoom().catalogue
    assert shown("y", 2, "08:58:00.001", security_list(asked("x"), catalogue)) in RULES
