from accounts.listings import Listings
from vocabulary import events as e
from vocabulary.types import TradingPhase

BTCUSDT = 1


def listed() -> Listings:
    """Return listings as the ledger gives them: all as of one sequence, 10."""
    listings = Listings()
    listings.apply(10, e.AssetListed(1, 8, b"BTC"))
    listings.apply(10, e.AssetListed(2, 6, b"USDT"))
    listings.apply(10, e.InstrumentListed(BTCUSDT, 1, 2, 10_000, 1, 0, 1, 2, b"BTCUSDT"))
    listings.apply(10, e.PhaseChanged(BTCUSDT, TradingPhase.HALTED))
    return listings


def test_phase_from_the_ledger_holds() -> None:
    assert listed().catalogue.phases[BTCUSDT] is TradingPhase.HALTED


def test_older_change_from_the_journal_does_not_undo_the_desks_newer_one() -> None:
    listings = listed()
    listings.apply(30, e.FeesChanged(BTCUSDT, 30, 30))
    listings.apply(20, e.FeesChanged(BTCUSDT, 20, 20))
    assert listings.catalogue.instruments[BTCUSDT].maker_fee_ppm == 30
    listings.apply(40, e.FeesChanged(BTCUSDT, 40, 40))
    assert listings.catalogue.instruments[BTCUSDT].maker_fee_ppm == 40


def test_late_listing_of_something_else_is_taken() -> None:
    listings = listed()
    listings.apply(30, e.AssetListed(4, 8, b"SOL"))
    listings.apply(20, e.AssetListed(3, 8, b"ETH"))
    assert set(listings.catalogue.asset_by_name) == {"BTC", "USDT", "SOL", "ETH"}
