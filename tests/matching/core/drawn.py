"""What engine and naive venue are asked about: the arguments that Hypothesis draws."""

from hypothesis import strategies as st

from vocabulary.types import (
    INT64_MAX,
    OrderFlags,
    SelfTradePrevention,
    Side,
    TradingPhase,
)

ACCOUNTS = (1, 2, 3)
accounts = st.sampled_from((*ACCOUNTS, *ACCOUNTS, 0, 9))
instruments = st.sampled_from((1, 1, 1, 2, 3))
sides = st.sampled_from(Side)
prices = st.one_of(st.integers(1, 8), st.integers(1, 8), st.sampled_from((0, 2**40, 2**40 + 1, -1)))
quantities = st.one_of(
    st.integers(1, 20), st.integers(1, 20), st.sampled_from((0, -3, 2**47, 2**48 + 1, INT64_MAX))
)
names = st.sampled_from([b"n%d" % number for number in range(12)] + [b""])
LISTED = [phase for phase in TradingPhase if phase is not TradingPhase.DELISTED]
tiers = st.sampled_from((1, 1, 2, 0, 1_001))
fees = st.sampled_from(
    (
        (0, 0),
        (1, 999),
        (-999, 0),
        (-90_000, 50_000),
        (-100_000, 100_000),
        (-100_001, 0),
        (0, 100_001),
    )
)
bands = st.sampled_from((0, 0, 250_000, 600_000, 1_500_000))  # in parts per million
WITH_SESSION = OrderFlags.CANCEL_WITH_SESSION
BOTH_FLAGS = OrderFlags.POST_ONLY | WITH_SESSION
steps = st.sampled_from((0, 0, 1, 2))  # that a command may take; 0: without bound
preventions = st.sampled_from(SelfTradePrevention)
new_names = st.one_of(st.none(), st.none(), names)  # none: one that nobody had
