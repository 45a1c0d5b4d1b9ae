"""All strategies of a run in all their symbols: the stream in, decisions out.

Every instance of the alpha generator has one of these, and all are alike at the same event of the
stream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from trading.alpha.machine import Machine
from trading.alpha.snapshot import SnapshotError
from trading.decisions import Decision
from trading.events import AnyEvent
from trading.runs import Run

VERSION = 1


class Decided(NamedTuple):
    """A decision, and when the feeds handler received what caused it, in UTC nanoseconds."""

    decision: Decision
    received_ns: int


class _Saved(msgspec.Struct, frozen=True, array_like=True):
    """`machines`: their snapshots, in the order of the run."""

    version: int
    run: str
    epoch: int
    sequence: int
    machines: tuple[bytes, ...]


class Generator:
    """`sequence` is the stream_sequence of the last event that came. Raises `StrategyError`."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.sequence = run.from_sequence - 1
        self.counts: Counter[str] = Counter()
        self.machines = [
            Machine(entry, symbol, run.epoch)
            for entry in run.strategies
            for symbol in entry.symbols
        ]
        self._by_symbol: dict[str, list[Machine]] = {symbol: [] for symbol in run.symbols}
        for machine in self.machines:
            self._by_symbol[machine.symbol].append(machine)

    def on_events(self, events: Sequence[AnyEvent]) -> list[Decided]:
        """Take the next events of the stream; return what is decided. Raises `DivergedError`."""
        decided = []
        for event in events:
            for machine in self._by_symbol.get(event.symbol, ()):
                received_ns = event.received_ns
                decided += [Decided(decision, received_ns) for decision in machine.step(event)]
        if events:
            self.sequence = events[-1].stream_sequence
        self.counts["events"] += len(events)
        self.counts["decisions"] += len(decided)
        return decided

    def untaken(self, symbol: str) -> list[Decision]:
        """Return the symbol's decisions that no execution engine has taken over, oldest first."""
        waiting = [each for machine in self._by_symbol[symbol] for each in machine.untaken]
        return sorted(waiting, key=lambda decision: decision.cause)  # stable: numbers stay in order

    def state_hash(self) -> str:
        """Return 32 hexadecimal digits, equal for equal states of all machines."""
        hashes = " ".join(machine.state_hash() for machine in self.machines)
        return blake2b(hashes.encode(), digest_size=16).hexdigest()

    def snapshot(self) -> bytes:
        machines = tuple(machine.snapshot() for machine in self.machines)
        saved = _Saved(VERSION, self.run.name, self.run.epoch, self.sequence, machines)
        return msgspec.msgpack.encode(saved)

    def restore(self, data: bytes) -> None:
        """Become what `snapshot` returned. Raises `SnapshotError`, and is of no use then."""
        try:
            saved = msgspec.msgpack.decode(data, type=_Saved)
        except msgspec.MsgspecError as error:
            raise SnapshotError(f"no snapshot of version {VERSION}: {error}") from None
        theirs = (saved.version, saved.run, saved.epoch, len(saved.machines))
        ours = (VERSION, self.run.name, self.run.epoch, len(self.machines))
        if theirs != ours:
            raise SnapshotError(f"a snapshot of {theirs}, not {ours}")
        for machine, state in zip(self.machines, saved.machines, strict=True):
            machine.restore(state)
        self.sequence = saved.sequence
