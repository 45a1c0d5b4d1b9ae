import re

import pytest

from trading.strategies import registry
from trading.strategies.registry import StrategyError


@pytest.mark.parametrize(
    ("name", "given", "complaint"),
    [
        (
            "martingale",
            {},
            "no strategy 'martingale'; there are market_making, momentum, imbalance, noise",
        ),
        ("momentum", {"fast": 3}, "momentum has no parameter 'fast'; it has sample_ms, fast_sam"),
        ("market_making", {"order_lots": 0}, "market_making: order_lots = 0: Input should be"),
        ("market_making", {"order_lots": "10"}, "order_lots = '10': Input should be a valid int"),
        ("market_making", {"half_spread_ticks": 1.5}, "half_spread_ticks = 1.5: Input should"),
        ("momentum", {"fast_samples": 60}, "fast_samples must be fewer than slow_samples"),
        ("noise", {"market_ppm": 900_000}, "market_ppm and cancel_ppm are over 1,000,000"),
        ("imbalance", {"interval_ms": 1, "depth": 3}, "interval_ms = 1"),
    ],
)
def test_what_a_strategy_can_not_be_told_is_refused(
    name: str, given: dict[str, object], complaint: str
) -> None:
    with pytest.raises(StrategyError, match=re.escape(complaint)):
        registry.make(name, given)


def test_every_strategy_can_be_made_without_parameters() -> None:
    for name in registry.KINDS:
        registry.make(name, {})


def test_every_parameter_says_its_unit_and_has_a_default() -> None:
    unit = re.compile(r"(_(lots|ticks|milliticks|ms|s|ppm|samples|per_second|max|min)|^seed)$")
    for kind in registry.KINDS.values():
        for name, field in kind.parameters.model_fields.items():
            assert unit.search(name), name
            assert field.default is not None
