"""A recorded store of version 1 gives the same events, byte for byte, for as long as we read it."""

import hashlib
from pathlib import Path

import pytest

from objects.store import open_store
from trading.history.batches import encode_batch
from trading.history.edge.reader import GapError, HistoryReader, Range
from trading.history.edge.verification import verify

GOLDEN = Path(__file__).with_name("golden_store_v1")
SHA256 = "7f50b7469648025bc451b0444c79f18fccb7d1f8d1698a3c99b5982017d2cfa8"


def test_the_recorded_store_replays_as_it_always_did() -> None:
    store = open_store(GOLDEN.as_uri())
    verified = verify(store)
    assert verified.problems == []
    assert [str(gap) for gap in verified.gaps] == [
        "events 181 to 190 are missing",
        "BTCUSDT lost its feed at event 240: source sequence 81 follows 79",
    ]
    events = list(HistoryReader(store).read(allow_gaps=True))
    assert len(events) == 290
    assert hashlib.sha256(encode_batch(events)).hexdigest() == SHA256
    with pytest.raises(GapError, match="1 gaps"):
        HistoryReader(store).read(Range(from_sequence=181, symbols=["ETHBTC"]))
