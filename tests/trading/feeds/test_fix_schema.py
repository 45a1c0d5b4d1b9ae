"""FIX market data: what fits is read exactly, and everything else refused."""

from __future__ import annotations

import random

import pytest

from gateway.fix.codec import Decoder, encode
from trading.feeds.fix_books import FixBooks
from trading.feeds.fix_schema import BookChange, FullRefresh, Prints, SecurityList, decode_fix
from trading.feeds.rejects import RejectedError, RejectReason
from trading.feeds.schema import DepthSnapshot, Status, Trade

HEADER = "49=AGIO|56=FIRM|34=7|52=20261122-16:33:06.579|"
CHANGE = (
    "262=BTCUSDT|60=20261122-16:33:06.578|25044=61|268=3|"
    "279=0|269=1|55=BTCUSDT|83=49|270=100.35|271=0.13900|"
    "279=1|269=0|55=BTCUSDT|83=49|270=100.30|271=1.00000|"
    "279=2|269=0|55=BTCUSDT|83=49|270=100.29|"
)
TRADES = (
    "262=BTCUSDT|60=20261122-16:33:06.578|25044=61|268=1|279=0|269=2|55=BTCUSDT|270=100.35|"
    "271=0.13900|272=20261122|273=16:33:06.578|1003=12|2446=2|"
)
REFRESH = (
    "262=ask-1|55=BTCUSDT|60=20261122-16:33:06.578|83=48|25044=60|268=3|269=0|270=100.30|271=1.00000|"
    "269=1|270=100.40|271=2.00000|"
    "269=2|270=100.35|271=0.13900|272=20261122|273=16:33:06.578|1003=12|2446=1|"
)
LISTED = (
    "320=ask-1|322=ask-1|560=0|393=2|146=2|55=BTCUSDT|15=USDT|561=0.00001|562=0.00001|969=0.01|"
    "55=ETHBTC|15=BTC|561=0.0001|562=0.0001|969=0.00001|1140=100.0000|"
)
STATUS = (
    "324=BTCUSDT|55=BTCUSDT|336=24H|625=OPENING_AUCTION|325=Y|326=22|60=20261122-16:33:06.578|"
    "25044=61|35101=100.35|35102=0.20000|35104=0.10000|1150=100.00|"
)
MESSAGES = {"f": STATUS, "X": CHANGE, "X ": TRADES, "W": REFRESH, "y": LISTED}
TIME_MS = 1_795_365_186_578


def message(kind: str, body: str) -> bytes:
    return encode(f"35={kind.strip()}|{HEADER}{body}".replace("|", "\x01").encode())


def test_a_change_is_read() -> None:
    bids, asks = [("100.30", "1.00000"), ("100.29", "0")], [("100.35", "0.13900")]
    expected = BookChange("BTCUSDT", 49, 61, TIME_MS, bids, asks)
    assert decode_fix(message("X", CHANGE)) == expected


def test_trades_are_read() -> None:
    trade = Trade(TIME_MS, "BTCUSDT", 12, "100.35", "0.13900", TIME_MS, True, True)
    assert decode_fix(message("X", TRADES)) == Prints("BTCUSDT", [trade])


def test_what_became_of_older_trades_is_read_over() -> None:
    amended = "279=2|269=2|55=BTCUSDT|270=100.35|1003=7|"
    amended += "279=1|269=2|55=BTCUSDT|270=100.30|271=0.10000|1003=8|"
    head, _, made = TRADES.partition("268=1|")
    [trade] = decode_fix(message("X", TRADES)).trades  # type: ignore[union-attr]
    assert decode_fix(message("X", f"{head}268=3|{made}{amended}")) == Prints("BTCUSDT", [trade])
    assert decode_fix(message("X", f"{head}268=2|{amended}")) == Prints("BTCUSDT", [])
    with pytest.raises(RejectedError):
        decode_fix(message("X", f"{head}268=2|{amended}".replace("1003=8", "1004=8")))


def test_a_refresh_is_read_without_its_trades() -> None:
    book = DepthSnapshot(60, [("100.30", "1.00000")], [("100.40", "2.00000")])
    assert decode_fix(message("W", REFRESH)) == FullRefresh("BTCUSDT", 48, book)


def test_a_status_is_read() -> None:
    auction = ("100.35", "0.20000", "0", "0.10000")
    expected = Status(TIME_MS, "BTCUSDT", 61, "OPENING_AUCTION", *auction)
    assert decode_fix(message("f", STATUS)) == expected
    trading = STATUS.replace("35101=100.35|35102=0.20000|35104=0.10000|1150=100.00|", "")
    assert decode_fix(message("f", trading)) == Status(
        TIME_MS, "BTCUSDT", 61, "OPENING_AUCTION", "0", "0", "0", "0"
    )


def test_listings_are_read() -> None:
    listed = decode_fix(message("y", LISTED))
    assert isinstance(listed, SecurityList)
    btc, eth = listed.instrument("BTCUSDT"), listed.instrument("ETHBTC")
    assert (btc.base.name, btc.quote.name, btc.tick.text, btc.lot.text) == (
        "BTC",
        "USDT",
        "0.01",
        "0.00001",
    )
    assert (eth.base.name, eth.tick.text, eth.lot.text) == ("ETH", "0.00001", "0.0001")
    with pytest.raises(RejectedError, match="not listed"):
        listed.instrument("NOSUCH")


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("X", "25044=61|", ""),
        ("X", "25044=61|", "25044=-1|"),
        ("X", "25044=61|", "25044=9223372036854775808|"),
        ("X", "268=3", "268=2"),
        ("X", "268=3", "58=hello|268=3"),
        ("X", "60=20261122-16:33:06.578", "60=20261322-16:33:06.578"),
        ("X", "271=0.13900|", ""),
        ("X", "270=100.29|", "270=100.29|271=1|"),
        ("X", "279=1", "279=5"),
        ("X", "83=49", "83=50"),
        ("X", "55=BTCUSDT", "55=ETHUSDT"),
        ("X", "270=100.35|", "270=100.35|270=100.36|"),
        ("X ", "2446=2", "2446=3"),
        ("X ", "279=0|269=2", "279=1|269=2"),
        ("X ", "272=20261122|", ""),
        ("W", "83=48|", ""),
        ("W", "269=0|", "269=A|"),
        ("f", "625=OPENING_AUCTION|", ""),
        ("f", "25044=61|", "25044=x|"),
        ("f", "35101=100.35|", ""),
        ("f", "35104=0.10000|", "35104=0.10000|35104=0.10000|"),
        ("f", "1150=100.00|", "58=hello|"),
        ("y", "561=0.00001|", ""),
        ("y", "55=ETHBTC", "55=BTCUSDT"),
    ],
)
def test_what_does_not_fit_is_refused(kind: str, old: str, new: str) -> None:
    body = MESSAGES[kind]
    assert old in body
    with pytest.raises(RejectedError) as refused:
        decode_fix(message(kind, body.replace(old, new, 1)))
    assert refused.value.reason in {RejectReason.MALFORMED, RejectReason.INCONSISTENT}


def test_only_whole_messages_of_ours_are_read() -> None:
    whole = message("X", CHANGE)
    for data in (b"", whole[:-1], whole + whole, b"x" + whole, message("8", "37=1|")):
        with pytest.raises(RejectedError):
            decode_fix(data)


def test_fields_that_move_change_or_vanish_are_refused_and_never_break_it() -> None:
    chance = random.Random(5)
    read = 0
    for _ in range(3_000):
        kind = chance.choice(list(MESSAGES))
        [decoded] = Decoder().receive_data(message(kind, MESSAGES[kind]))
        fields = list(decoded.fields)[2:-1]
        at = chance.randrange(1, len(fields))
        match chance.randrange(4):
            case 0:
                del fields[at]
            case 1:
                fields.insert(at, fields[chance.randrange(1, len(fields))])
            case 2:
                fields[at] = (chance.choice((1, 55, 269, 270, 279, 10_000)), fields[at][1])
            case _:
                value = chance.choice((b"", b"x", b"-1", b"\xff" * 30, b"0", b"1e9"))
                fields[at] = (fields[at][0], value)
        try:
            decode_fix(encode(b"".join(b"%d=%b\x01" % (tag, value) for tag, value in fields)))
        except RejectedError:
            continue
        read += 1  # of another price, another CompID …
    assert 0 < read < 1_000


def test_a_change_goes_on_from_the_one_numbered_before_it() -> None:
    books = FixBooks()
    refresh, change = decode_fix(message("W", REFRESH)), decode_fix(message("X", CHANGE))
    assert isinstance(refresh, FullRefresh)
    assert isinstance(change, BookChange)
    books.refresh(0, refresh)
    assert books.change(0, change).previous() == 60
    assert books.change(0, change._replace(rpt_seq=50, update_id=75)).previous() == 61
    # One is missing: what this goes on from is not known.
    assert books.change(0, change._replace(rpt_seq=52, update_id=90)).previous() == 89
    # Connections number for themselves.
    assert books.change(1, change).previous() == 60
    books.forget(0)
    assert books.change(0, change._replace(rpt_seq=53, update_id=95)).previous() == 94
