"""Which phase of an instrument takes which commands.

`python -m matching.core.trading_phase` prints the table that `docs/rules.md` shows. Cancels are
taken as long as there is anything to cancel: whoever wants out, gets out.
"""

import sys
from enum import Enum
from typing import Final

from vocabulary import commands as c
from vocabulary.types import TradingPhase


class Treatment(Enum):
    """What becomes of a command."""

    MATCHED = "matched"
    COLLECTED = "collected"
    """It joins the book and meets nobody, until an auction's price is found."""
    DONE = "done"
    REFUSED = "-"


_COMMANDS: Final = (
    c.EnterOrder,
    c.ReplaceOrder,
    c.CancelOrder,
    c.CancelAllOrders,
    c.ChangeIncrements,
)
_DONE, _NOT = Treatment.DONE, Treatment.REFUSED
_MATCHED: Final = (Treatment.MATCHED, Treatment.MATCHED, _DONE, _DONE, _NOT)
_COLLECTED: Final = (Treatment.COLLECTED, Treatment.COLLECTED, _DONE, _DONE, _DONE)
_AT_AUCTION: Final = (*_COLLECTED[:-1], _NOT)
_CANCELS: Final = (_NOT, _NOT, _DONE, _DONE, _DONE)
_NOTHING: Final = (_NOT,) * len(_COMMANDS)

TABLE: Final[dict[TradingPhase, dict[type[c.Command], Treatment]]] = {
    phase: dict(zip(_COMMANDS, treatments, strict=True))
    for phase, treatments in {
        TradingPhase.PRE_OPEN: _COLLECTED,
        TradingPhase.OPENING_AUCTION: _AT_AUCTION,
        TradingPhase.TRADING: _MATCHED,
        TradingPhase.VOLATILITY_AUCTION: _AT_AUCTION,
        TradingPhase.CLOSING_AUCTION: _AT_AUCTION,
        TradingPhase.HALTED: _CANCELS,
        TradingPhase.CANCEL_ONLY: _CANCELS,
        TradingPhase.CLOSED: _CANCELS,
        TradingPhase.DELISTED: _NOTHING,
    }.items()
}

COLLECTING: Final = frozenset(
    phase.value for phase, row in TABLE.items() if row[c.EnterOrder] is Treatment.COLLECTED
)
"""The phases, as integers, whose orders wait for an auction's price."""

TAKES_INCREMENTS: Final = frozenset(
    phase.value for phase, row in TABLE.items() if row[c.ChangeIncrements] is Treatment.DONE
)
"""The phases, as integers, in which increments may change: nothing trades, nor is about to."""

AUCTIONS: Final = frozenset(
    {
        TradingPhase.OPENING_AUCTION,
        TradingPhase.VOLATILITY_AUCTION,
        TradingPhase.CLOSING_AUCTION,
    }
)
"""The phases in which the price that an auction would have is published."""


def table() -> str:
    """Return the table of phases and commands as Markdown."""
    rows = [
        ["phase", *(command.__name__ for command in _COMMANDS)],
        ["---"] * (1 + len(_COMMANDS)),
        *(
            [f"`{phase.name}`", *(treatment.value for treatment in row.values())]
            for phase, row in TABLE.items()
        ),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
