"""Flow files: commands for matching engines in a form that none of them has to itself.

Layout (little endian, no padding)
----------------------------------
A header of 40 bytes::

    8 bytes magic     "MEFLOW01"
    uint32  symbols   how many books there are, numbered from 0
    uint32  reserved  0
    uint64  warmup    the first so many commands fill the books, and are not timed
    uint64  count     the timed commands behind them
    uint64  seed      of what made the file

and `warmup + count` commands of 32 bytes::

    uint8   kind      1 limit, 2 immediate or cancel, 3 market, 4 cancel, 5 replace
    uint8   side      1 buy, 2 sell
    uint16  symbol
    uint32  account   from 1; the order's owner
    int64   order_id  1, 2, 3 … for new orders; of the order that a cancel or replace is about
    int64   price     in ticks; 0 of a market order and a cancel
    int64   quantity  in lots; 0 of a cancel; of a replace what is to be open

A cancel or replace of an order that does not rest (any more) has no effect. A replace at the same
price, of no more than is open, keeps its place; any other enters anew, and may trade.
"""

from __future__ import annotations

from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vocabulary.types import ID_MAX, PRICE_TICKS_MAX, QUANTITY_LOTS_MAX

LIMIT, IMMEDIATE_OR_CANCEL, MARKET, CANCEL, REPLACE = 1, 2, 3, 4, 5

MAGIC: Final = b"MEFLOW01"
HEADER: Final = Struct("<8sIIQQQ")
COMMAND: Final = np.dtype(
    [
        ("kind", "u1"),
        ("side", "u1"),
        ("symbol", "<u2"),
        ("account", "<u4"),
        ("order_id", "<i8"),
        ("price", "<i8"),
        ("quantity", "<i8"),
    ]
)
SYMBOLS_MAX: Final = 1 << 16


class FlowFileError(ValueError):
    """A file that is not a flow; says what is wrong, at which byte, and what stands there."""


class Flow(NamedTuple):
    """What a file holds. `commands` is an array of `COMMAND`."""

    symbols: int
    warmup: int
    commands: npt.NDArray[np.void]

    @property
    def words(self) -> memoryview:
        """The commands as 64-bit words, 4 each."""
        return memoryview(self.commands.tobytes()).cast("q")


def read_flow(path: Path) -> Flow:
    """Return what a file holds. Raises `FlowFileError`, and `OSError` if it can't be read."""
    data = path.read_bytes()
    if len(data) < HEADER.size:
        raise FlowFileError(f"cut short in its header, at byte {len(data)} of {HEADER.size}")
    magic, symbols, reserved, warmup, count, _ = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise FlowFileError(f"magic {magic!r} at byte 0, not {MAGIC!r}")
    if not 0 < symbols <= SYMBOLS_MAX:
        raise FlowFileError(f"symbols {symbols} at byte 8, not 1 to {SYMBOLS_MAX}")
    if reserved:
        raise FlowFileError(f"reserved {reserved} at byte 12, not 0")
    size = HEADER.size + (warmup + count) * COMMAND.itemsize
    if len(data) != size:
        raise FlowFileError(
            f"{len(data)} bytes, not the {size} of the {warmup} + {count} commands that its header"
            " names at byte 16"
        )
    commands = np.frombuffer(data, COMMAND, offset=HEADER.size)
    _check(symbols, commands)
    return Flow(symbols, warmup, commands)


def write_flow(path: Path, flow: Flow, seed: int) -> None:
    """Write a file that `read_flow` would return the same of."""
    count = len(flow.commands) - flow.warmup
    header = HEADER.pack(MAGIC, flow.symbols, 0, flow.warmup, count, seed)
    path.write_bytes(header + flow.commands.tobytes())


def _check(symbols: int, commands: npt.NDArray[np.void]) -> None:
    """Refuse what no engine could be asked."""
    kind, order_id = commands["kind"], commands["order_id"]
    price, quantity = commands["price"], commands["quantity"]
    enters = kind <= MARKET
    placed = np.cumsum(enters)  # new orders so far, this one included
    has_price = (kind != MARKET) & (kind != CANCEL)
    _refuse(commands, "kind", (kind < LIMIT) | (kind > REPLACE), "1 to 5")
    _refuse(commands, "side", (commands["side"] < 1) | (commands["side"] > 2), "1 or 2")
    _refuse(commands, "symbol", commands["symbol"] >= symbols, f"below {symbols}")
    account = commands["account"]
    _refuse(commands, "account", (account < 1) | (account > ID_MAX), f"1 to {ID_MAX}")
    _refuse(commands, "order_id", enters & (order_id != placed), "the next of new orders")
    known = (order_id >= 1) & (order_id <= placed)
    _refuse(commands, "order_id", ~enters & ~known, "that of an order before it")
    within = (price >= 1) & (price <= PRICE_TICKS_MAX)
    _refuse(commands, "price", has_price & ~within, f"1 to {PRICE_TICKS_MAX}")
    _refuse(commands, "price", ~has_price & (price != 0), "0")
    within = (quantity >= 1) & (quantity <= QUANTITY_LOTS_MAX)
    _refuse(commands, "quantity", (kind != CANCEL) & ~within, f"1 to {QUANTITY_LOTS_MAX}")
    _refuse(commands, "quantity", (kind == CANCEL) & (quantity != 0), "0")
    entered = commands[enters][order_id - 1]
    for field in ("side", "symbol", "account"):
        differs = commands[field] != entered[field]
        _refuse(commands, field, differs, "that of the order")


def _refuse(
    commands: npt.NDArray[np.void], field: str, wrong: npt.NDArray[np.bool_], expected: str
) -> None:
    if not wrong.any():
        return
    index = int(wrong.argmax())
    assert COMMAND.fields is not None
    offset = HEADER.size + index * COMMAND.itemsize + COMMAND.fields[field][1]
    value = commands[field][index]
    raise FlowFileError(f"{field} {value} of command {index}, at byte {offset}: not {expected}")
