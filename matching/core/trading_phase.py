"""Which phase of an instrument takes which commands."""

from vocabulary.commands import CancelAllOrders, CancelOrder, Command, EnterOrder, ReplaceOrder
from vocabulary.types import TradingPhase

TAKES: dict[TradingPhase, frozenset[type[Command]]] = {
    TradingPhase.TRADING: frozenset({EnterOrder, ReplaceOrder, CancelOrder, CancelAllOrders}),
    TradingPhase.HALTED: frozenset({CancelOrder, CancelAllOrders}),
}

TAKES_ORDERS = {phase.value for phase, commands in TAKES.items() if EnterOrder in commands}
"""The phases, as integers, in which orders are entered and replaced."""
