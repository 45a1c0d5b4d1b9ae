"""`agio instrument`: what the desk changes about one instrument, by the ops HTTP."""

from __future__ import annotations

import click

from agio.command_line import as_json, asks, emit, with_ops
from agio.configuration import Configuration


@click.group()
def instrument() -> None:
    """Change an instrument, by the ops HTTP of the venue on --data or AGIO_OPS_URL."""


@instrument.command("increments")
@click.argument("symbol")
@click.option("--tick-size", required=True, help="A decimal; prices of orders are multiples of it.")
@click.option("--lot-size", required=True, help="A decimal; quantities are multiples of it.")
@click.option("--cancel-orders", is_flag=True, help="Cancel the open orders that are off them.")
@as_json
@asks
def change_increments(
    settings: Configuration,
    *,
    symbol: str,
    tick_size: str,
    lot_size: str,
    cancel_orders: bool,
    as_json: bool,
) -> None:
    """Change tick and lot of SYMBOL, which is not trading nor at auction meanwhile.

    Without --cancel-orders, an open order that is off them forbids it.
    """
    done = with_ops(
        settings,
        lambda ops: ops.change_increments(symbol, tick_size, lot_size, cancel_orders=cancel_orders),
    )
    text = (
        f"{symbol} has ticks of {done['tick_size']} and lots of {done['lot_size']},"
        f" {done['canceled_orders']} orders canceled"
    )
    emit(done, text, as_json=as_json)
