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


_COMMANDS: Final = (c.EnterOrder, c.ReplaceOrder, c.CancelOrder, c.CancelAllOrders)
_MATCHED: Final = (Treatment.MATCHED, Treatment.MATCHED, Treatment.DONE, Treatment.DONE)
_COLLECTED: Final = (Treatment.COLLECTED, Treatment.COLLECTED, Treatment.DONE, Treatment.DONE)
_CANCELS: Final = (Treatment.REFUSED, Treatment.REFUSED, Treatment.DONE, Treatment.DONE)
_NOTHING: Final = (Treatment.REFUSED,) * len(_COMMANDS)

TABLE: Final[dict[TradingPhase, dict[type[c.Command], Treatment]]] = {
    phase: dict(zip(_COMMANDS, treatments, strict=True))
    for phase, treatments in {
        TradingPhase.PRE_OPEN: _COLLECTED,
        TradingPhase.OPENING_AUCTION: _COLLECTED,
        TradingPhase.TRADING: _MATCHED,
        TradingPhase.VOLATILITY_AUCTION: _COLLECTED,
        TradingPhase.CLOSING_AUCTION: _COLLECTED,
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
