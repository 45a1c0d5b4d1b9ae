import random
from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.ledger import CUSTODY_ACCOUNT_ID
from accounts.settlement import Batch, SequenceGapError, Settlement
from accounts.trial_balance import trial_balance
from tests.accounts.engine_journal import (
    BTC,
    BTCUSDT,
    USDT,
    EngineJournal,
    listings_and_credits,
    order,
    orders,
)
from tests.matching.core.busts import Busts, bust_of
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.catalogue import Catalogue
from vocabulary.types import Side


def trading_journal(seed: int = 1, order_count: int = 200) -> EngineJournal:
    journal = EngineJournal()
    journal.ask(*listings_and_credits(4), *orders(seed, order_count))
    return journal


def new_settlement() -> Settlement:
    return Settlement(0, Catalogue())


def rows(batches: list[Batch]) -> tuple[list[object], Counter[tuple[int, int]]]:
    """Return everything that batches would write, however it was cut."""
    deltas: Counter[tuple[int, int]] = Counter()
    written: list[object] = []
    for batch in batches:
        written += [*batch.listings, *batch.entries, *batch.trades]
        deltas.update(batch.deltas)
    return sorted(written, key=repr), deltas


def test_trade_becomes_linked_entries_and_a_trade_row() -> None:
    journal = EngineJournal()
    settlement = new_settlement()
    journal.ask(*listings_and_credits(2), order(1, 1, Side.SELL, 100, 5, BTCUSDT))
    settlement.batch(journal.records)
    # 5 lots are 50,000 units of BTC and 500 of USDT; the taker pays 0.2001 %, the maker 0.1003 %.
    (record,) = journal.ask(order(2, 2, Side.BUY, 101, 5, BTCUSDT))
    batch = settlement.batch([record])

    sequence = record.sequence
    assert batch.entries[:2] == [
        (sequence, 1, 0, 1, BTC, -50_000),
        (sequence, 1, 1, 2, BTC, 50_000 - batch.trades[0].buyer_fee_units),
    ]
    (trade,) = batch.trades
    assert (trade.instrument_id, trade.trade_id, trade.sequence) == (BTCUSDT, 1, sequence)
    assert (trade.price_ticks, trade.quantity_lots) == (100, 5)
    assert (trade.base_units, trade.quote_units) == (50_000, 500)
    assert (trade.buyer_account_id, trade.seller_account_id) == (2, 1)
    assert (trade.buyer_order_id, trade.seller_order_id) == (sequence, sequence - 1)
    assert not trade.buyer_is_maker
    assert batch.deltas[1, BTC] == -50_000
    assert batch.deltas[2, USDT] == -500


def test_a_bust_undoes_all_that_the_trade_moved() -> None:
    journal = EngineJournal()
    settlement = new_settlement()
    journal.ask(*listings_and_credits(2), order(1, 1, Side.SELL, 100, 5, BTCUSDT))
    settlement.batch(journal.records)
    traded = journal.ask(order(2, 2, Side.BUY, 101, 5, BTCUSDT))
    bust = bust_of(next(x for x in traded[0].events if isinstance(x, e.TradeExecuted)))
    corrected = journal.ask(Busts().correction(bust, 90, 4))
    batch = settlement.batch([*traded, *corrected])
    (row,) = batch.amendments
    assert (row.instrument_id, row.trade_id, row.amendments) == (BTCUSDT, 1, 1)
    assert (row.price_ticks, row.quantity_lots) == (90, 4)
    assert (row.base_units, row.quote_units) == (40_000, 360)
    assert batch.deltas[1, BTC] == -40_000
    assert batch.deltas[2, USDT] == -360

    after = msgspec.structs.replace(
        bust,
        amendments=1,
        price_ticks=90,
        quantity_lots=4,
        base_units=40_000,
        quote_units=360,
        buyer_fee_units=row.buyer_fee_units,
        seller_fee_units=row.seller_fee_units,
    )
    busted = settlement.batch(journal.ask(after))
    assert (busted.amendments[0].amendments, busted.amendments[0].quantity_lots) == (2, 0)
    for key, units in batch.deltas.items():
        assert units + busted.deltas[key] == 0
    assert trial_balance_is_even(batch, busted)


def trial_balance_is_even(*batches: Batch) -> bool:
    """Say whether the legs of each event sum to zero per asset."""
    sums: Counter[tuple[int, int, int]] = Counter()
    for batch in batches:
        for sequence, event_index, _, _, asset_id, units in batch.entries:
            sums[sequence, event_index, asset_id] += units
    return not any(sums.values())


def test_orders_that_do_not_trade_move_no_money_but_count() -> None:
    settlement = new_settlement()
    journal = EngineJournal()
    journal.ask(*listings_and_credits(2))
    settlement.batch(journal.records)
    batch = settlement.batch(
        journal.ask(
            order(1, 1, Side.SELL, 100, 5, BTCUSDT),
            c.CancelAllOrders(9, 2, 1, 0, b""),
            order(3, 99, Side.SELL, 100, 5, BTCUSDT),
        )
    )
    assert (batch.entries, batch.trades, batch.deltas) == ([], [], {})
    assert batch.last_sequence == batch.previous_sequence + 3


def test_hole_in_the_sequence_is_an_error_and_nothing_behind_it_counts() -> None:
    records = trading_journal().records
    settlement = new_settlement()
    settlement.batch(records[:10])
    with pytest.raises(SequenceGapError, match="record 12 came behind record 10"):
        settlement.batch(records[11:])
    assert settlement.last_sequence == 10


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_duplicates_and_any_batching_settle_the_same(seed: int) -> None:
    """F14, F15: what is delivered again counts once."""
    records = trading_journal(order_count=80).records
    chance = random.Random(seed)
    settlement = new_settlement()
    batches = []
    at = 0
    while at < len(records):
        again = chance.randint(0, at)  # as after a reconnect that went back too far
        at = min(len(records), at + chance.randint(1, 40))
        batches.append(settlement.batch(records[again:at]))
    assert rows(batches) == rows([new_settlement().batch(records)])


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_ledger_sums_to_zero_and_equals_the_engine_after_any_trading(seed: int) -> None:
    """I1: per asset, and per (sequence, event): journal = book = ledger."""
    journal = trading_journal(seed)
    batch = new_settlement().batch(journal.records)
    assert batch.trades

    linked: Counter[tuple[int, int, int]] = Counter()
    for sequence, event_index, _, _, asset_id, units in batch.entries:
        linked[sequence, event_index, asset_id] += units
    assert set(linked.values()) == {0}
    result = trial_balance(batch.last_sequence, batch.deltas, journal.engine.funds())
    assert result.agrees
    assert all(
        units >= 0 for (account, _), units in batch.deltas.items() if account != CUSTODY_ACCOUNT_ID
    )
