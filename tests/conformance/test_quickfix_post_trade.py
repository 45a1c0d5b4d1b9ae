"""QuickFIX is told of busts, trades and balances, at order entry and drop copy."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from agio import venue as venue_file
from tests.agio.running_venue import RunningVenue

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(180)]

quickfix_client = pytest.importorskip(
    "tests.conformance.quickfix_client", reason="quickfix is not installed: make conformance"
)

ORDER: dict[int, object] = {55: "BTCUSDT", 38: "0.5", 40: 2, 44: "50000", 59: 1}


def amend(venue: RunningVenue, what: str, terms: dict[str, str] | None = None) -> None:
    """Have the desk bust or correct the first trade, once it is settled."""
    described = venue_file.read(venue.data)
    assert described is not None
    token = Path(described.ops_token_file).read_text().strip()
    request = urllib.request.Request(
        f"{venue.endpoints['ops']}/instruments/BTCUSDT/trades/1/{what}",
        data=json.dumps(terms or {}).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    for _ in range(50):
        try:
            urllib.request.urlopen(request).close()
        except OSError:  # HTTPError is one
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"no {what}")


def test_quickfix_is_told_of_busts_trades_and_balances(venue: RunningVenue, tmp_path: Path) -> None:
    key, other = venue.trader("seller", BTC="3"), venue.trader("buyer", USDT="100000")
    port, copy_port = venue.port("fix_order_entry"), venue.port("fix_drop_copy")
    client: Any
    with (
        quickfix_client.QuickFixClient(port, tmp_path / "a", key, "SELLER") as client,
        quickfix_client.QuickFixClient(port, tmp_path / "b", other, "BUYER") as buyer,
        quickfix_client.QuickFixClient(copy_port, tmp_path / "c", key, "OFFICE") as office,
    ):
        client.send("D", ORDER | {11: "sell-1", 54: 2})
        assert client.report()[150] == "0"
        office.send("AD", {568: "trades", 569: 0, 263: 1})
        buyer.send("D", ORDER | {11: "buy-1", 54: 1})
        trade = client.report()
        assert trade[150] == "F"
        amend(venue, "correct", {"price": "49000", "quantity": "0.5"})
        corrected = client.report()
        assert (corrected[150], corrected[19], corrected[31]) == ("G", trade[17], "49000.00")
        amend(venue, "bust")
        busted = client.report()
        assert (busted[150], busted[19], busted[39], busted[14]) == ("H", trade[17], "4", "0.00000")

        told = [office.report() for _ in range(8)]
        assert [each[35] for each in told].count("8") == 4
        assert [(each[35], each.get(150)) for each in told if each[35] != "8"] == [
            ("AQ", None),
            ("AE", "F"),
            ("AE", "G"),
            ("AE", "H"),
        ]
        client.send("AD", {568: "again", 569: 1, 17: trade[17], 55: "BTCUSDT"})
        assert client.report()[748] == "1"
        assert client.report()[487] == "1"
        client.send("AD", {568: "wrong", 569: 1, 55: "NOPE"})
        assert client.report()[749] == "1"
        client.send("AN", {710: "funds", 724: 0})
        assert (client.report()[727], client.report()[15]) == ("1", "BTC")
        client.send("AN", {710: "wrong", 724: 0, 15: "NOPE"})
        assert client.report()[729] == "2"
        for each in (client, buyer, office):
            assert each.rejects_sent == []
