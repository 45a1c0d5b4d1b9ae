from hypothesis import given
from hypothesis import strategies as st

from trading.leases.hashing import first_choice

members = st.sets(st.text("abcdef0123456789", min_size=1, max_size=8), min_size=1, max_size=8)
SYMBOLS = [f"SYMBOL{number}" for number in range(30)]


def test_without_members_nobody_is_the_choice() -> None:
    assert first_choice("BTCUSDT", []) is None


@given(members)
def test_everyone_chooses_alike(names: set[str]) -> None:
    assert first_choice("BTCUSDT", sorted(names)) == first_choice(
        "BTCUSDT", sorted(names, reverse=True)
    )


@given(members, st.text("ghij", min_size=1, max_size=8))
def test_a_member_that_joins_takes_names_over_and_moves_no_other(
    names: set[str], joins: str
) -> None:
    for symbol in SYMBOLS:
        now = first_choice(symbol, names | {joins})
        assert now in {first_choice(symbol, names), joins}


def test_names_are_spread_over_the_members() -> None:
    chosen = [first_choice(symbol, ["one", "two", "three"]) for symbol in SYMBOLS]
    assert all(chosen.count(member) > len(SYMBOLS) / 6 for member in ("one", "two", "three"))
