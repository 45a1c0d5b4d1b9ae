"""QuickFIX trades with ccxt, is restarted, and finds what happened while it and we were away."""

from pathlib import Path
from typing import Any

import ccxt
import pytest

from tests.agio.running_venue import RunningVenue
from tests.end_to_end.kill_service import kill_service

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(180)]

quickfix_client = pytest.importorskip(
    "tests.conformance.quickfix_client", reason="quickfix is not installed: make conformance"
)


def ccxt_client(venue: RunningVenue, key: dict[str, str]) -> Any:
    client = ccxt.binance({"apiKey": key["api_key"], "secret": key["secret"]})
    client.options["fetchMarkets"] = {"types": ["spot"]}
    client.options["fetchMargins"] = client.options["fetchCurrencies"] = False
    url = f"{venue.endpoints['rest']}/api/v3"
    client.urls["api"]["public"] = client.urls["api"]["private"] = url
    return client


def test_quickfix_trades_restarts_and_recovers(venue: RunningVenue, tmp_path: Path) -> None:
    port = venue.port("fix_order_entry")
    firm, app = venue.trader("firm", BTC="3"), venue.trader("app", USDT="100000")
    binance = ccxt_client(venue, app)
    order: dict[int, object] = {11: "sell-1", 55: "BTCUSDT", 54: 2, 38: "0.5", 40: 2, 44: "50000"}

    with quickfix_client.QuickFixClient(port, tmp_path, firm, "QUICK") as client:
        client.send("D", order | {59: 1})
        new = client.report()
        assert (new[150], new[39], new[11]) == ("0", "0", "sell-1")
        binance.create_order("BTC/USDT", "limit", "buy", 0.1, 50000)
        trade = client.report()
        assert (trade[150], trade[39], trade[14], trade[6]) == ("F", "1", "0.10000", "50000")

        # Every kind of message that we send passes QuickFIX's validation by our dictionary.
        client.send("D", order | {11: "bad-1", 44: "50000.001"})
        assert client.report()[150] == "8"
        client.send("D", order | {11: "dear-1", 38: "50"})
        assert client.report()[150] == "8"
        client.send("D", order | {11: "ioc-1", 44: "60000", 59: 3})
        assert [client.report()[150] for _ in range(2)] == ["0", "C"]
        client.send("G", order | {11: "sell-2", 41: "sell-1", 38: "0.4"})
        replaced = client.report()
        assert (replaced[150], replaced[39], replaced[38]) == ("5", "1", "0.40000")
        client.send("F", {11: "x-1", 41: "no-such", 55: "BTCUSDT", 54: 2})
        assert client.report()[35] == "9"
        client.send("H", {11: "sell-2", 55: "BTCUSDT", 54: 2})
        assert client.report()[150] == "I"
        assert client.rejects_sent == []

    # Both sides are away: the fill below is reported to a session that nobody is logged on to,
    # and the gateway dies before anyone comes back.
    binance.create_order("BTC/USDT", "limit", "buy", 0.2, 50000)
    kill_service(venue, "gateway")

    with quickfix_client.QuickFixClient(port, tmp_path, firm, "QUICK") as client:
        missed = client.report()
        assert (missed[43], missed[150], missed[39], missed[14]) == ("Y", "F", "1", "0.30000")
        client.send("F", {11: "x-2", 41: "sell-2", 55: "BTCUSDT", 54: 2})
        canceled = client.report()
        assert (canceled[150], canceled[39], canceled[14]) == ("4", "4", "0.30000")

        # The gateway dies under a session: QuickFIX reconnects by itself and goes on.
        kill_service(venue, "gateway")
        client.wait_for_logon()
        client.send("D", order | {11: "sell-3", 59: 1})
        again = client.report()
        assert (again[150], again[11]) == ("0", "sell-3")
        assert client.rejects_sent == []
        assert client.resend_requests_sent <= 2


def test_quickfix_asks_for_and_cancels_many_orders(venue: RunningVenue, tmp_path: Path) -> None:
    port = venue.port("fix_order_entry")
    many = venue.trader("many", BTC="3")
    order: dict[int, object] = {55: "BTCUSDT", 54: 2, 38: "0.1", 40: 2, 59: 1}
    with quickfix_client.QuickFixClient(port, tmp_path, many, "MANY") as client:
        for number in (1, 2):
            client.send("D", order | {11: f"sell-{number}", 44: f"9000{number}"})
            assert client.report()[150] == "0"
        client.send("AF", {584: "status-1", 585: 7})
        told = [client.report() for _ in range(2)]
        assert [(each[11], each[150], each[912]) for each in told] == [
            ("sell-1", "I", "N"),
            ("sell-2", "I", "Y"),
        ]
        client.send("XLQ", {6136: "limits-1"})
        assert client.report()[35] == "XLR"
        client.send("q", {11: "mass-1", 530: 3})
        refused = client.report()
        assert (refused[35], refused[531], refused[532]) == ("r", "0", "0")
        client.send("q", {11: "mass-2", 530: 6, 55: "BTCUSDT", 54: 2})
        assert [client.report()[150] for _ in range(2)] == ["4", "4"]
        done = client.report()
        assert (done[35], done[531], done[533]) == ("r", "6", "2")
        client.send("AF", {584: "status-2", 585: 7})
        assert client.report()[911] == "0"
        client.send("AF", {584: "status-3", 585: 1})
        assert client.report()[35] == "j"
        assert client.rejects_sent == []


def test_quickfix_enters_and_cancels_lists(venue: RunningVenue, tmp_path: Path) -> None:
    port = venue.port("fix_order_entry")
    lists = venue.trader("lists", USDT="100000")
    buy: dict[int, object] = {55: "BTCUSDT", 54: 1, 38: "0.1", 40: 2, 44: "30000"}
    sell = buy | {54: 2, 44: "90000"}
    with quickfix_client.QuickFixClient(port, tmp_path, lists, "LISTS") as client:
        client.send(
            "E", {25014: "list-1", 1385: 2}, {73: [{11: "first"} | buy, {11: "then"} | sell]}
        )
        assert [client.report()[39] for _ in range(2)] == ["A", "0"]
        entered = client.report()
        assert (entered[35], entered[429], entered[431]) == ("N", "4", "3")
        client.send("M", {66: entered[66]})
        assert client.report()[429] == "2"
        client.send("K", {66: entered[66]})
        assert [client.report()[39] for _ in range(2)] == ["4", "4"]
        assert client.report()[431] == "6"
        client.send("E", {25014: "list-2", 1385: 1}, {73: [{11: "one"} | buy, {11: "two"} | sell]})
        assert client.report()[431] == "7"
        stop = {55: "BTCUSDT", 54: 2, 38: "0.1", 40: 3, 99: "20000", 18: "o"}
        three = [{11: "enter"} | buy, {11: "gain", 18: "6 o"} | sell, {11: "stop"} | stop]
        client.send("E", {25014: "list-3", 1385: 2}, {73: three})
        told = [client.report() for _ in range(3)]
        assert [(each[11], each[39], each.get(18)) for each in told] == [
            ("gain", "A", "6 o"),
            ("stop", "A", "o"),
            ("enter", "0", None),
        ]
        entered = client.report()
        assert (entered[35], entered[73], entered[431]) == ("N", "3", "3")
        client.send("K", {25015: "list-3"})
        assert [client.report()[39] for _ in range(3)] == ["4", "4", "4"]
        assert client.report()[431] == "6"
        client.send("K", {25015: "list-4"})
        assert client.report()[58] == "no such list"
        assert client.rejects_sent == []


def test_a_wrong_password_is_told_and_costs_no_number(venue: RunningVenue, tmp_path: Path) -> None:
    port = venue.port("fix_order_entry")
    key = venue.trader("careful", USDT="1000")
    with quickfix_client.QuickFixClient(port, tmp_path / "right", key, "CAREFUL"):
        pass
    wrong = key | {"secret": "wrong"}
    intruder = quickfix_client.QuickFixClient(port, tmp_path / "wrong", wrong, "CAREFUL")
    intruder.start()
    wrong_text = "Username(553), Password(554) or RawData(96) is wrong"
    assert intruder.logout_text() == wrong_text
    intruder.stop()
    with quickfix_client.QuickFixClient(port, tmp_path / "right", key, "CAREFUL") as client:
        assert client.resend_requests_sent == 0
