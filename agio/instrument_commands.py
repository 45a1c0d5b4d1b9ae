"""`agio instrument`: what the desk lists, halts and changes, by the ops HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from agio.command_line import as_json, asks, emit, with_ops
from agio.configuration import Configuration

# docs/rules.md says what orders may do in each. A volatility auction is the venue's to begin.
PHASES = (
    "pre_open",
    "opening_auction",
    "trading",
    "closing_auction",
    "halted",
    "cancel_only",
    "closed",
)


@click.group()
def instrument() -> None:
    """List, halt and change instruments, by the ops HTTP of the venue on --data or AGIO_OPS_URL."""


@instrument.command("list")
@as_json
@asks
def list_instruments(settings: Configuration, *, as_json: bool) -> None:
    """Show the instruments: phase, tick, lot, fees of maker and taker."""
    told = _ask(settings, "GET", "/instruments")
    lines = [_line(each) for each in told["instruments"]]
    emit(told, "\n".join(lines), as_json=as_json)


@instrument.command("add-asset")
@click.argument("name")
@click.argument("scale", type=int)
@as_json
@asks
def add_asset(settings: Configuration, *, name: str, scale: int, as_json: bool) -> None:
    """List the asset NAME, whose amounts have SCALE decimal places, for good."""
    made = _ask(settings, "POST", "/assets", {"name": name, "scale": scale})
    emit(made, f"asset {made['name']}, {made['scale']} places", as_json=as_json)


@instrument.command("add")
@click.argument("symbol")
@click.argument("base")
@click.argument("quote_asset", metavar="QUOTE")
@click.option("--tick-size", required=True, help="A decimal; prices of orders are multiples of it.")
@click.option("--lot-size", required=True, help="A decimal; quantities are multiples of it.")
@click.option("--maker-fee-ppm", type=int, default=0, help="Parts per million; below 0 a rebate.")
@click.option("--taker-fee-ppm", type=int, default=0, help="Parts per million.")
@click.option(
    "--phase",
    type=click.Choice(PHASES, case_sensitive=False),
    default="pre_open",
    show_default=True,
    help="What it begins in.",
)
@as_json
@asks
def add_instrument(
    settings: Configuration, *, quote_asset: str, as_json: bool, **terms: Any
) -> None:
    """List SYMBOL: assets of BASE, priced in QUOTE, which are listed already.

    Limits, bands and finer units come by HTTP: POST /instruments (docs/rules.md).
    """
    made = _ask(settings, "POST", "/instruments", terms | {"quote": quote_asset})
    emit(made, _line(made), as_json=as_json)


@instrument.command("phase")
@click.argument("symbol")
@click.argument("phase", type=click.Choice(PHASES, case_sensitive=False))
@as_json
@asks
def change_phase(settings: Configuration, *, symbol: str, phase: str, as_json: bool) -> None:
    """Put SYMBOL into PHASE: `halted` stops it at once, cancels stay possible.

    A book that was collected uncrosses on its way to `trading`.
    """
    done = _ask(settings, "POST", f"/instruments/{quote(symbol, safe='')}/phase", {"phase": phase})
    emit(done, _line(done), as_json=as_json)


@instrument.command("bust")
@click.argument("symbol")
@click.argument("trade_id", type=int)
@as_json
@asks
def bust_trade(settings: Configuration, *, symbol: str, trade_id: int, as_json: bool) -> None:
    """Undo trade TRADE_ID of SYMBOL: each side gets back what it gave, fees too, and is told."""
    path = f"/instruments/{quote(symbol, safe='')}/trades/{trade_id}/bust"
    done = _ask(settings, "POST", path)
    text = (
        f"trade {trade_id} of {symbol} is busted: orders {done['buyer_order_id']} of account"
        f" {done['buyer_account_id']} and {done['seller_order_id']} of account"
        f" {done['seller_account_id']}"
    )
    emit(done, text, as_json=as_json)


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


def _ask(
    settings: Configuration, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    return with_ops(settings, lambda ops: ops.request(method, path, body))


def _line(told: dict[str, Any]) -> str:
    return (
        f"{told['symbol']:12} {told['phase']:18} tick {told['tick_size']} lot {told['lot_size']}"
        f" fees {told['maker_fee_ppm']} and {told['taker_fee_ppm']} ppm"
    )
