"""How many bytes of memory a resting order takes.

    python -m bench.resting_memory engine 1000000 100000

A process of its own, as memory that was once used is seldom given back.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from agio.flow_runs import opening
from matching.core.bare_book import BareBook
from matching.core.engine import Engine
from vocabulary.codec import pack
from vocabulary.commands import EnterOrder
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

BATCH = 1_000
ACCOUNTS = 1_000
STRIDE = 7_919  # prime: orders come to the levels in no order of theirs
LOWEST_TICKS = 1_000
LIMIT = 1  # a flow file's kind: see `agio.flow_file`


def main() -> None:
    what, resting, levels = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    gc.disable()  # as the matching process does
    taken = engine_bytes(resting, levels) if what == "engine" else bare_bytes(resting, levels)
    sys.stdout.write(f"{taken / resting:.1f}\n")


def price_ticks(number: int, levels: int) -> int:
    return LOWEST_TICKS + number * STRIDE % levels


def side_of(ticks: int, levels: int) -> Side:
    """Return a side such that nothing trades: the lower half buys."""
    return Side.BUY if ticks < LOWEST_TICKS + levels // 2 else Side.SELL


def bare_bytes(resting: int, levels: int) -> int:
    book = BareBook(1)
    before = memory_bytes()
    for number in range(1, resting + 1):
        ticks = price_ticks(number, levels)
        head = LIMIT | side_of(ticks, levels).value << 8
        words = b"".join(word.to_bytes(8, "little") for word in (head, number, ticks, 1))
        book.run(memoryview(words).cast("q"), 0, 1)
    return memory_bytes() - before


def engine_bytes(resting: int, levels: int) -> int:
    engine = Engine()
    commands = list(opening(1, range(1, ACCOUNTS + 1)))
    engine.apply_batch(b"".join(commands), 1, 1)
    sequence = len(commands) + 1
    before = memory_bytes()
    for first in range(0, resting, BATCH):
        batch = b"".join(entry(number, levels) for number in range(first, first + BATCH))
        engine.apply_batch(batch, sequence, 1)
        sequence += BATCH
    assert engine.open_order_count == resting
    return memory_bytes() - before


def entry(number: int, levels: int) -> bytes:
    ticks = price_ticks(number, levels)
    return pack(
        EnterOrder(
            1,
            1,
            1 + number % ACCOUNTS,
            1,
            side_of(ticks, levels),
            OrderType.LIMIT,
            TimeInForce.GOOD_TILL_CANCEL,
            OrderFlags.NONE,
            ticks,
            1,
            b"%d" % number,
        )
    )


def memory_bytes() -> int:
    """Return what of this process is in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
