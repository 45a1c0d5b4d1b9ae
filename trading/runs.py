"""A run: which strategies trade what, with which parameters and limits, from when on.

A run is written down once, before its first decision, in `DATA/runs/NAME/run.json`; every instance
of the alpha generator and the execution engine reads it there, and so do `agio parity` and
`agio backtest` afterwards. Keys of accounts stand beside it in `keys.json`, which only its owner
may read.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

StrategyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,7}$")]
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]
Amount = Annotated[str, Field(pattern=r"^[0-9]{1,20}(\.[0-9]{1,18})?$")]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Written):
    """What the execution engine lets a strategy do, in each symbol."""

    order_lots_max: PositiveInt = 1_000_000
    position_lots_max: PositiveInt = 10_000_000
    """Of either sign; open orders count as if they had traded."""
    order_notional_max: Amount = "1000000"
    """An order's worth, in the quote asset."""
    orders_per_second_max: PositiveInt = 200
    """Cancels are not counted."""
    collar_ppm: NonNegativeInt = 50_000
    """How far, in parts per million, a price may be from the middle of the book.

    Without a book nothing may be sent, but where this is 0: that is no collar at all.
    """
    daily_loss_max: Amount = "100000"
    """In the quote asset, since midnight UTC; reaching it pulls the strategy's kill switch."""


class StrategyRun(_Written):
    """One strategy of a run. `name` begins its client order ids; it trades one account."""

    name: StrategyName
    strategy: str
    parameters: dict[str, Any] = {}
    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1)]
    door: Literal["fix", "websocket"] = "websocket"
    limits: Limits = Limits()


class Run(_Written):
    """A run, as written down. `epoch` is its beginning in seconds since 1970, UTC."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    epoch: PositiveInt
    strategies: Annotated[tuple[StrategyRun, ...], Field(min_length=1)]
    from_sequence: PositiveInt = 1
    """The stream_sequence of the first event that the strategies see."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return all symbols of all strategies, each once."""
        return tuple(dict.fromkeys(each for entry in self.strategies for each in entry.symbols))
