"""QuickFIX as the drop copy of an account: nothing is missed while either side is away."""

from pathlib import Path

import pytest

from tests.agio.running_venue import RunningVenue
from tests.end_to_end.kill_service import kill_service

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(180)]

quickfix_client = pytest.importorskip(
    "tests.conformance.quickfix_client", reason="quickfix is not installed: make conformance"
)

ORDER: dict[int, object] = {55: "BTCUSDT", 38: "0.5", 40: 2, 44: "50000", 59: 1}


def test_a_copy_is_whole_over_restarts_of_both_sides(venue: RunningVenue, tmp_path: Path) -> None:
    key, others = venue.trader("firm", BTC="3"), venue.trader("other", USDT="100000")
    port, copy_port = venue.port("fix_order_entry"), venue.port("fix_drop_copy")
    with (
        quickfix_client.QuickFixClient(port, tmp_path / "other", others, "OTHER") as other,
        quickfix_client.QuickFixClient(port, tmp_path / "firm", key, "FIRM") as firm,
    ):
        with quickfix_client.QuickFixClient(copy_port, tmp_path / "copy", key, "COPY") as copy:
            firm.send("D", ORDER | {11: "sell-1", 54: 2})
            new, copied = firm.report(), copy.report()
            assert (copied[150], copied[11]) == ("0", "sell-1")
            assert copied[37] == new[37]
            firm.send("G", ORDER | {11: "sell-2", 41: "sell-1", 54: 2, 38: "0.4"})
            replaced = copy.report()
            assert (replaced[150], replaced[11], replaced[41]) == ("5", "sell-2", "sell-1")
            copy.send("D", ORDER | {11: "no", 54: 1})
            assert copy.report()[35] == "j"
            assert copy.rejects_sent == []

        # The copy is away, and the gateway dies before it comes back.
        other.send("D", ORDER | {11: "buy-1", 54: 1, 38: "0.1"})
        assert [other.report()[150] for _ in range(2)] == ["0", "F"]
        kill_service(venue, "gateway")
        for each in (firm, other):
            each.wait_for_logon()

        with quickfix_client.QuickFixClient(copy_port, tmp_path / "copy", key, "COPY") as copy:
            missed = copy.report()
            assert (missed[43], missed[150], missed[14]) == ("Y", "F", "0.10000")
            # The gateway dies under the copy, which logs on again by itself.
            kill_service(venue, "gateway")
            for each in (firm, other, copy):
                each.wait_for_logon()
            other.send("D", ORDER | {11: "buy-2", 54: 1, 38: "0.3"})
            filled = copy.report()
            assert (filled[150], filled[39], filled[14]) == ("F", "2", "0.40000")
            assert copy.rejects_sent == []
            assert copy.resend_requests_sent <= 2
