"""The strategies by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from trading.strategies.imbalance import Imbalance
from trading.strategies.market_making import MarketMaking
from trading.strategies.momentum import Momentum
from trading.strategies.noise import Noise
from trading.strategies.parameters import (
    ImbalanceParameters,
    MarketMakingParameters,
    MomentumParameters,
    NoiseParameters,
    Parameters,
)
from trading.strategies.strategy import Strategy


class StrategyError(ValueError):
    """There is no such strategy, or it can't be told this; says what can."""


class Kind(NamedTuple):
    """`make` is called with an instance of `parameters`."""

    parameters: type[Parameters]
    make: Any


KINDS: dict[str, Kind] = {
    "market_making": Kind(MarketMakingParameters, MarketMaking),
    "momentum": Kind(MomentumParameters, Momentum),
    "imbalance": Kind(ImbalanceParameters, Imbalance),
    "noise": Kind(NoiseParameters, Noise),
}


def check(name: str, given: Mapping[str, Any]) -> Parameters:
    """Return all parameters, the given and the defaults. Raises `StrategyError`."""
    kind = KINDS.get(name)
    if kind is None:
        raise StrategyError(f"no strategy {name!r}; there are {', '.join(KINDS)}")
    try:
        return kind.parameters.model_validate(dict(given))
    except ValidationError as error:
        problems = [_explain(name, kind, dict(each)) for each in error.errors()]
        raise StrategyError("; ".join(problems)) from None


def make(name: str, given: Mapping[str, Any]) -> Strategy[Any]:
    """Return the strategy `name` with these parameters. Raises `StrategyError`."""
    parameters = check(name, given)
    strategy: Strategy[Any] = KINDS[name].make(parameters)
    return strategy


def _explain(name: str, kind: Kind, problem: dict[str, Any]) -> str:
    where = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        known = ", ".join(kind.parameters.model_fields)
        return f"{name} has no parameter {where!r}; it has {known}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {where} = {problem['input']!r}: {message}" if where else f"{name}: {message}"
