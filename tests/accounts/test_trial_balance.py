from accounts.ledger import CUSTODY_ACCOUNT_ID, FEES_ACCOUNT_ID
from accounts.trial_balance import AssetSums, Difference, trial_balance

BTC, USDT = 1, 2
BALANCES = {
    (CUSTODY_ACCOUNT_ID, BTC): -100,
    (FEES_ACCOUNT_ID, BTC): 1,
    (11, BTC): 60,
    (12, BTC): 39,
    (CUSTODY_ACCOUNT_ID, USDT): -7,
    (12, USDT): 7,
}
FUNDS = [(0, BTC, 1, 0), (11, BTC, 50, 10), (12, BTC, 39, 0), (12, USDT, 0, 7), (13, BTC, 0, 0)]


def test_equal_ledger_and_engine_agree() -> None:
    result = trial_balance(9, BALANCES, FUNDS)
    assert result.agrees
    assert result.assets == [AssetSums(BTC, 99, 1, -100), AssetSums(USDT, 7, 0, -7)]


def test_unit_more_in_the_ledger_is_a_difference_and_a_sum_off_zero() -> None:
    result = trial_balance(9, BALANCES | {(11, BTC): 61}, FUNDS)
    assert not result.agrees
    assert result.differences == [Difference(11, BTC, engine_units=60, ledger_units=61)]
    assert result.assets[0].sum_units == 1


def test_account_that_only_one_of_them_knows_is_a_difference() -> None:
    moved = {**BALANCES, (14, USDT): 7}
    del moved[12, USDT]
    result = trial_balance(9, moved, FUNDS)
    assert [asset.sum_units for asset in result.assets] == [0, 0]
    assert result.differences == [Difference(12, USDT, 7, 0), Difference(14, USDT, 0, 7)]
    assert not result.agrees


def test_missing_fee_is_a_difference() -> None:
    result = trial_balance(9, BALANCES | {(FEES_ACCOUNT_ID, BTC): 0}, FUNDS)
    assert result.differences == [Difference(FEES_ACCOUNT_ID, BTC, 1, 0)]


def test_empty_ledger_and_engine_agree() -> None:
    assert trial_balance(0, {}, []).agrees
