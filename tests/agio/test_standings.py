from agio.standings import Standings
from tests.trading.execution.samples import EPOCH, SYMBOL, instrument, run_of
from tests.trading.own_events import amended, filled, taken


def test_a_result_is_that_of_the_fills_as_they_stand() -> None:
    standings = Standings(run_of(), {SYMBOL: instrument()})
    standings.apply([taken(1), filled(1, "all"), amended(1, price_ticks=10_000, lots=4)])
    [result] = standings.results()
    assert (result.fills, result.bought, result.position) == (1, "0.00004", "0.00004")
    standings.apply([amended(1, 2, undone_lots=4, undone_fee_units=0)])
    [result] = standings.results()
    assert (result.fills, result.bought, result.fees, result.result) == (
        0,
        "0.00000",
        "0.00000000",
        "0.00000000",
    )
    standings.apply([amended(1, 3, epoch=EPOCH + 1), amended(1, 3, strategy="other")])
    assert standings.results() == [result]
