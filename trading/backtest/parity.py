"""What `agio parity` says of a live session, as its JSON has it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trading.backtest.decision_parity import DecisionParity
from trading.backtest.fill_parity import Difference, FillParity
from trading.backtest.firm import Fill
from trading.backtest.performance import DIGITS, Holdings
from trading.events import TradeAmended
from vocabulary.instrument import Instrument


class Outcome(msgspec.Struct, frozen=True):
    """What fills led to: position in the base asset, profit after fees in the quote asset."""

    position: float
    profit: float


class StrategyParity(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy in a symbol."""

    strategy: str
    symbol: str
    decisions: DecisionParity
    recorded: Outcome
    replayed: Outcome


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """A run. `fills` are by symbol."""

    run: str
    strategies: tuple[StrategyParity, ...]
    fills: dict[str, FillParity]
    warnings: tuple[str, ...]

    @property
    def decisions_are_equal(self) -> bool:
        return all(each.decisions.difference is None for each in self.strategies)

    @property
    def fills_are_equal(self) -> bool:
        return not any(each.differences for each in self.fills.values())

    @property
    def holds(self) -> bool:
        """Say whether the decisions are equal, and the fills but for what others explain."""
        return self.decisions_are_equal and not any(
            each.unexplained for each in self.fills.values()
        )


def outcome(
    instrument: Instrument,
    fills: Iterable[Fill],
    amendments: Iterable[TradeAmended],
    price: float,
) -> Outcome:
    """Return what fills, and the venue's amendments of some, led to; the position at a price."""
    holdings = Holdings(instrument)
    for fill in fills:
        holdings.take(fill)
    for amendment in amendments:
        holdings.amend(amendment)
    return Outcome(round(holdings.position(), DIGITS), round(holdings.equity(price), DIGITS))


def encode(parity: Parity) -> bytes:
    """Return the JSON, with the verdict in front."""
    verdict = {
        "holds": parity.holds,
        "decisions_are_equal": parity.decisions_are_equal,
        "fills_are_equal": parity.fills_are_equal,
    }
    return msgspec.json.encode(verdict | msgspec.structs.asdict(parity))


def lines(parity: Parity) -> list[str]:
    """Return it as text, for people."""
    told = [f"WARNING: {text}" for text in parity.warnings]
    for each in parity.strategies:
        decisions, name = each.decisions, f"{each.strategy} {each.symbol}"
        verdict = "equal" if decisions.difference is None else "NOT EQUAL"
        told.append(f"{name}: {decisions.equal} decisions {verdict}, {decisions.pending} not taken")
        if decisions.difference is not None:
            told.append(f"  live:     {decisions.difference.recorded}")
            told.append(f"  replayed: {decisions.difference.replayed}")
            told.append(f"  at:       {decisions.difference.cause}")
        for way, result in (("live", each.recorded), ("replayed", each.replayed)):
            told.append(f"  {way:9} profit {result.profit:.8f}, position {result.position:.8f}")
    for symbol, fills in parity.fills.items():
        same = fills.orders - len(fills.differences)
        told.append(
            f"{symbol}: {same} of {fills.orders} orders filled the same; "
            f"{fills.recorded_fills} fills live, {fills.replayed_fills} in the core"
        )
        for why in Difference:
            orders = [each for each in fills.differences if each.why is why]
            if orders:
                told.append(f"  {len(orders)}: {why}; the first:")
                told.append(f"    {orders[0].client_order_id}")
                told.append(f"    live:    {_rows(orders[0].recorded)}")
                told.append(f"    in core: {_rows(orders[0].replayed)}")
    told.append("equal" if parity.holds and parity.fills_are_equal else _verdict(parity))
    return told


def _verdict(parity: Parity) -> str:
    if parity.holds:
        return "decisions equal; fills differ only where others had a part"
    return "NOT EQUAL"


def _rows(rows: Iterable[tuple[int, int, bool]]) -> str:
    return ", ".join(f"{row[1]}@{row[0]}{' maker' if row[2] else ''}" for row in rows) or "none"
