"""A market that wanders, drawn from a seed, and a historical store that has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from objects.store import open_store
from tests.trading.backtest.market import MS, Recorder
from trading.events import AnyEvent, MarketEvent
from trading.history.edge.reader import HistoryReader
from trading.history.edge.writer import HistoryWriter

LEVELS = 12


class Wanderer:
    """A book of `LEVELS` levels a side about a price that walks, and prints that meet it."""

    def __init__(self, seed: int) -> None:
        self.recorder = Recorder()
        self._chance = Random(seed)
        self._middle = 10_000
        self._shown: tuple[dict[int, int], dict[int, int]] = self._draw()
        self.recorder.reset(*self._shown)

    def walk(self, steps: int) -> list[MarketEvent]:
        for _ in range(steps):
            self._step()
        return self.recorder.events

    def _draw(self) -> tuple[dict[int, int], dict[int, int]]:
        def side(towards: int) -> dict[int, int]:
            best = self._middle + towards
            return {best + towards * at: self._chance.randint(20, 400) for at in range(LEVELS)}

        return side(-1), side(1)

    def _step(self) -> None:
        after_ns = self._chance.randint(1, 100) * MS
        if self._chance.random() < 0.4:
            buyer_is_maker = self._chance.random() < 0.5
            book = self._shown[0 if buyer_is_maker else 1]
            price = max(book) if buyer_is_maker else min(book)
            lots = min(book[price], self._chance.randint(1, 300))
            self.recorder.trade(price, lots, buyer_is_maker=buyer_is_maker, after_ns=after_ns)
            after_ns = 0
            book[price] -= lots
            side = {price: book[price]}
            self.recorder.change(*((side, {}) if buyer_is_maker else ({}, side)), after_ns=0)
        self._middle += self._chance.choice((-2, -1, 0, 0, 0, 0, 1, 2))
        drawn = self._draw()
        changes = []
        for shown, wanted in zip(self._shown, drawn, strict=True):
            kept = {price: lots for price, lots in shown.items() if lots and price in wanted}
            gone = {price: 0 for price in shown if price not in wanted}
            come = {price: lots for price, lots in wanted.items() if price not in kept}
            some = {p: wanted[p] for p in kept if self._chance.random() < 0.1}
            changes.append(gone | come | some)
            shown.clear()
            shown.update(kept | come | some)
        self.recorder.change(*changes, after_ns=after_ns)
        self.recorder.wait()


def store_of(directory: Path, *pieces: Sequence[AnyEvent]) -> HistoryReader:
    """Return a reader of a new store that has the events, a cut for each piece."""
    store = open_store(directory.as_uri())
    writer = HistoryWriter(store)
    writer.open()
    for piece in pieces:
        writer.write(list(piece), "")
    return HistoryReader(store)
