"""Whether a strategy's machine, given the recorded stream, decides what was decided live."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from trading.backtest.simulation import Machine
from trading.decisions import Decision
from trading.events import AnyEvent, DecisionTaken

RECENT = 100_000
"""How many of the newest events are kept, to show the one that caused a difference."""


class DecisionDifference(msgspec.Struct, frozen=True):
    """The first decision that is not the same; None where one side has none."""

    recorded: Decision | None
    replayed: Decision | None
    cause: str
    """The event at which it was made."""


class DecisionParity(msgspec.Struct, frozen=True):
    """A strategy in a symbol. `pending` are the decisions at the end that nobody had taken yet."""

    recorded: int
    equal: int
    pending: int
    difference: DecisionDifference | None


def decision_of(taken: DecisionTaken) -> Decision:
    """Return the decision that was taken."""
    return Decision(*(getattr(taken, name) for name in Decision.__struct_fields__))


def compare_decisions(
    machine: Machine, strategy: str, epoch: int, events: Iterable[AnyEvent]
) -> DecisionParity:
    """Step a machine over the stream of its symbol, up to the first difference or the end."""
    made: deque[Decision] = deque()
    recent: deque[AnyEvent] = deque(maxlen=RECENT)
    equal = 0
    for event in events:
        recent.append(event)
        if isinstance(event, DecisionTaken) and (event.strategy, event.epoch) == (strategy, epoch):
            recorded = decision_of(event)
            replayed = made.popleft() if made else None
            if recorded != replayed:
                cause = _cause(recent, replayed or recorded)
                return DecisionParity(
                    equal + 1, equal, len(made), DecisionDifference(recorded, replayed, cause)
                )
            equal += 1
        made += machine.step(event)
    return DecisionParity(equal, equal, len(made), None)


def _cause(recent: Iterable[AnyEvent], decision: Decision) -> str:
    for event in recent:
        if event.stream_sequence == decision.cause:
            return str(event)
    return f"event {decision.cause}"
