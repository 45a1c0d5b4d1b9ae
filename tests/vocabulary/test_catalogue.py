from vocabulary import events as e
from vocabulary.catalogue import ALL_INSTRUMENTS, Catalogue
from vocabulary.types import TradingPhase


def listed() -> Catalogue:
    catalogue = Catalogue()
    assert catalogue.apply(e.AssetListed(1, 8, b"BTC"))
    assert catalogue.apply(e.AssetListed(2, 8, b"USDT"))
    assert catalogue.apply(e.InstrumentListed(5, 1, 2, 1_000, 10, 500, 1_000, 2_000, b"BTCUSDT"))
    return catalogue


def test_what_is_listed_is_found_by_id_and_by_name() -> None:
    catalogue = listed()
    instrument = catalogue.instruments[5]
    assert instrument is catalogue.instrument_by_symbol["BTCUSDT"]
    assert instrument.base is catalogue.assets[1]
    assert instrument.quote is catalogue.asset_by_name["USDT"]
    assert (instrument.tick.text, instrument.lot.text) == ("0.01", "0.00001")
    assert catalogue.phases[5] is TradingPhase.TRADING


def test_new_fees_and_phases_replace_the_old_ones() -> None:
    catalogue = listed()
    assert catalogue.apply(e.FeesChanged(5, 10, 20))
    assert catalogue.apply(e.PhaseChanged(5, TradingPhase.HALTED))
    instrument = catalogue.instrument_by_symbol["BTCUSDT"]
    assert instrument is catalogue.instruments[5]
    assert (instrument.maker_fee_ppm, instrument.taker_fee_ppm) == (10, 20)
    assert catalogue.phases[5] is TradingPhase.HALTED


def test_an_account_pays_what_its_tier_does_where_that_has_fees() -> None:
    catalogue = listed()
    instrument = catalogue.instruments[5]
    assert catalogue.apply(e.TierFeesSet(2, 5, 30, 40))
    assert catalogue.fees_ppm(7, instrument) == (1_000, 2_000)
    assert catalogue.apply(e.FeeTierAssigned(7, 2))
    assert catalogue.fees_ppm(7, instrument) == (30, 40)
    assert catalogue.fees_ppm(8, instrument) == (1_000, 2_000)
    assert catalogue.apply(e.TierFeesSet(2, ALL_INSTRUMENTS, 50, 60))
    assert catalogue.fees_ppm(7, instrument) == (30, 40), "the most specific fees hold"
    assert catalogue.apply(e.TierFeesCleared(2, 5))
    assert catalogue.fees_ppm(7, instrument) == (50, 60)
    assert catalogue.fees_ppm(8, instrument) == (1_000, 2_000)
    assert catalogue.apply(e.TierFeesCleared(2, ALL_INSTRUMENTS))
    assert catalogue.fees_ppm(7, instrument) == (1_000, 2_000)


def test_what_happens_to_orders_and_funds_changes_nothing_listed() -> None:
    assert not listed().apply(e.FundsCredited(7, 1, 100, 100))
    assert not listed().apply(e.OrderAccepted(9, 7, 5, 100))


def test_what_is_delisted_is_known_and_not_listed() -> None:
    catalogue = listed()
    assert catalogue.is_listed("BTCUSDT")
    assert not catalogue.is_listed("ETHUSDT")
    catalogue.apply(e.PhaseChanged(5, TradingPhase.DELISTED))
    assert not catalogue.is_listed("BTCUSDT")
    assert catalogue.listed() == []


def test_each_change_is_told_once_it_counts() -> None:
    heard: list[tuple[e.Event, int]] = []
    catalogue = Catalogue(lambda event: heard.append((event, catalogue.reference_ticks.get(5, 0))))
    events = [
        e.AssetListed(1, 8, b"BTC"),
        e.AssetListed(2, 8, b"USDT"),
        e.InstrumentListed(5, 1, 2, 1_000, 10, 500, 1_000, 2_000, b"BTCUSDT"),
        e.FundsCredited(7, 1, 100, 100),
        e.ReferencePriceSet(5, 4_000),
    ]
    for event in events:
        catalogue.apply(event)
    assert [event for event, _ in heard] == [*events[:3], events[4]]
    assert heard[-1][1] == 4_000
