"""A flow of commands through the bare books, or through the whole engine, and what came of it.

Only matching is timed: packing the commands and reading the events is not.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from agio.flow_file import CANCEL, LIMIT, MARKET, REPLACE, Flow
from matching.core.bare_book import BareBook
from matching.core.engine import Engine
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import LAYOUTS, pack
from vocabulary.rejects import RejectReason
from vocabulary.types import INT64_MAX, OrderFlags, OrderType, Side, TimeInForce

Shown = Callable[[int], None]

_SESSION: Final = 1
_BASE, _QUOTE = 1, 2
_PORTION: Final = 100_000  # commands that are packed before they are timed
_WINDOW: Final = 10_000
"""So many at a time are copied into batches and their events out of them: as from socket to file,
what is read was just written, and memory is soon given back."""
_TRADE: Final = LAYOUTS[e.TradeExecuted].kind
_REJECTED: Final = LAYOUTS[e.CommandRejected].kind
_KIND_MASK: Final = 0xFFFF
_ROW_WORDS: Final = 4


class FlowRun(NamedTuple):
    """What came of a flow.

    `trades` are rows of 4 words: resting and incoming order id, price, quantity; in order. `book`
    are rows of 4 words, too: symbol, order id, price, open quantity; bids then asks, best first.
    """

    commands: int  # the timed ones
    seconds: float
    trades: bytes
    book: bytes

    @property
    def rate(self) -> float:
        """Commands a second."""
        return self.commands / self.seconds if self.seconds else 0.0


class FlowRefusedError(Exception):
    """The engine refused an order for which accounts with funds without end are no help."""


def run_bare(flow: Flow, batch: int, shown: Shown) -> FlowRun:
    """Run a flow through the books alone."""
    books = BareBook(flow.symbols)
    words = flow.words
    total = len(flow.commands)
    trades = [books.run(words, 0, flow.warmup)]
    seconds = 0.0
    for portion in range(flow.warmup, total, _PORTION):
        end = min(portion + _PORTION, total)
        start = time.perf_counter()
        trades += [
            books.run(words, first, min(batch, end - first)) for first in range(portion, end, batch)
        ]
        seconds += time.perf_counter() - start
        shown(end)
    book = array("q", (word for row in books.resting() for word in row))
    return FlowRun(total - flow.warmup, seconds, b"".join(trades), book.tobytes())


def run_engine(flow: Flow, batch: int, shown: Shown) -> FlowRun:
    """Run a flow through the whole engine. Raises `FlowRefusedError`."""
    engine = Engine()
    translation = Translation(flow)
    opening = translation.opening
    engine.apply_batch(b"".join(opening), 1, 0)
    sequence = len(opening) + 1
    total = len(flow.commands)
    trades = array("q")
    seconds = 0.0
    at = 0
    while at < total:
        is_timed = at >= flow.warmup
        end = min(at + _PORTION, total if is_timed else flow.warmup)
        packed = translation.take(end - at)
        events = bytearray()
        for first in range(0, end - at, _WINDOW):
            window = packed[first : first + _WINDOW]
            batches = [b"".join(window[at : at + batch]) for at in range(0, len(window), batch)]
            start = time.perf_counter()
            written = apply(engine, batches, batch, sequence)
            if is_timed:
                seconds += time.perf_counter() - start
            events += b"".join(written)
            sequence += len(window)
        translation.read_trades(events, trades)
        at = end
        shown(end)
    book = array("q")
    for symbol in range(flow.symbols):
        for ladder in (engine.state.books[symbol + 1].buys, engine.state.books[symbol + 1].sells):
            for level in ladder:
                for order in level:
                    order_id = translation.flow_id(order.order_id)
                    book.extend((symbol, order_id, order.price_ticks, order.leaves_lots))
    return FlowRun(total - flow.warmup, seconds, trades.tobytes(), book.tobytes())


def apply(engine: Engine, batches: list[bytes], batch: int, sequence: int) -> list[bytes]:
    """Apply batches of so many commands each, the last one perhaps of fewer."""
    written = []
    for commands in batches:
        written.append(engine.apply_batch(commands, sequence, 0))
        sequence += batch
    return written


class Translation:
    """Turns a flow's commands into the engine's, and the engine's trades into the flow's.

    Our order ids are sequences, and a replace names what is to be ordered in all, so books of its
    own tell how much of each order has been filled by then.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._rows = iter(flow.commands.tolist())
        self._words = flow.words
        self._books = BareBook(flow.symbols)
        owners = np.unique(flow.commands["account"]).tolist()
        self.opening = list(opening(flow.symbols, owners))
        self._sequences = np.flatnonzero(flow.commands["kind"] <= MARKET) + len(self.opening) + 1
        self._filled: dict[int, int] = {}  # lots by the flow's order id
        self._taken = 0

    def take(self, count: int) -> list[bytes]:
        """Return the next commands, packed."""
        return [pack(self._next()) for _ in range(count)]

    def flow_id(self, order_id: int) -> int:
        return int(np.searchsorted(self._sequences, order_id)) + 1

    def read_trades(self, events: bytes | bytearray, trades: array[int]) -> None:
        """Append what the events say of trades."""
        words = memoryview(events).cast("q")
        at = 0
        while at < len(words):
            kind = words[at] & _KIND_MASK
            if kind == _TRADE:
                resting, incoming = self.flow_id(words[at + 7]), self.flow_id(words[at + 8])
                trades.extend((resting, incoming, words[at + 3], words[at + 4]))
            elif kind == _REJECTED and words[at + 1] != RejectReason.UNKNOWN_ORDER:
                reason = RejectReason(words[at + 1]).name
                raise FlowRefusedError(f"the engine refused one of its commands: {reason}")
            at += words[at] >> 35

    def _next(self) -> c.Command:
        kind, side, symbol, account, order_id, price, quantity = next(self._rows)
        sequence = len(self.opening) + 1 + self._taken
        head = (_SESSION, sequence, account, symbol + 1)
        filled = self._filled.get(order_id, 0)
        trades = memoryview(self._books.run(self._words, self._taken, 1)).cast("q")
        for at in range(0, len(trades), _ROW_WORDS):
            resting, incoming, _, lots = trades[at : at + _ROW_WORDS]
            self._filled[resting] = self._filled.get(resting, 0) + lots
            self._filled[incoming] = self._filled.get(incoming, 0) + lots
        self._taken += 1
        if kind == CANCEL:
            return c.CancelOrder(*head, int(self._sequences[order_id - 1]), b"", b"")
        if kind == REPLACE:
            named = int(self._sequences[order_id - 1])
            return c.ReplaceOrder(*head, named, price, filled + quantity, b"", b"")
        return c.EnterOrder(
            *head,
            Side(side),
            OrderType.MARKET if kind == MARKET else OrderType.LIMIT,
            TimeInForce.GOOD_TILL_CANCEL if kind == LIMIT else TimeInForce.IMMEDIATE_OR_CANCEL,
            OrderFlags.NONE,
            price,
            quantity,
            b"%d" % order_id,
        )


def opening(symbols: int, account_ids: Sequence[int]) -> Iterator[bytes]:
    """Yield what lists a flow's symbols, without fees, and funds its accounts without end."""
    share = INT64_MAX // max(len(account_ids), 1)
    yield pack(c.ListAsset(_SESSION, 1, _BASE, 0, b"BASE"))
    yield pack(c.ListAsset(_SESSION, 2, _QUOTE, 0, b"QUOTE"))
    for symbol in range(symbols):
        name = b"S%d" % symbol
        terms = (symbol + 1, _BASE, _QUOTE, 1, 1, 0, 0, 0)
        yield pack(c.ListInstrument(_SESSION, 3 + symbol, *terms, name))
    for account_id in account_ids:
        for asset_id in (_BASE, _QUOTE):
            yield pack(c.CreditFunds(_SESSION, 3 + symbols, account_id, asset_id, share))
