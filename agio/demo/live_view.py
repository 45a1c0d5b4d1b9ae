"""The terminal's view of the demo: doors, books, trades, rates, and whether the money adds up."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agio.demo.cast import VISITOR, Player
from agio.demo.market import MARKETS
from agio.demo.tally import Tally
from agio.demo.watcher import Watcher


def live_view(
    endpoints: Mapping[str, str],
    comp_id: str,
    visitor: Player,
    watcher: Watcher,
    tallies: list[Tally],
    restarts: Mapping[str, int],
) -> RenderableType:
    return Group(
        Panel(_doors(endpoints, comp_id, visitor), title="agio", title_align="left"),
        Columns([_books(watcher), _last_trades(watcher)], padding=(0, 2)),
        _rates(tallies),
        _ledger_line(watcher, restarts),
        Text("Ctrl-C stops the venue; it goes on from its journal next time.", style="dim"),
    )


def ledger_text(accounts: Mapping[str, object]) -> str:
    """Return settlement's lag and the ledger check in words."""
    if not accounts:
        return "settlement: no answer"
    agrees = accounts.get("agrees")
    check = "not compared yet"
    if agrees is not None:
        check = f"{'agrees' if agrees else 'DISAGREES'} with the engine"
    return (
        f"settled to {accounts.get('settled_sequence')}, {accounts.get('lag')} behind; "
        f"ledger {check} at {accounts.get('reconciled_sequence')}"
    )


def _doors(endpoints: Mapping[str, str], comp_id: str, visitor: Player) -> Table:
    table = Table.grid(padding=(0, 2))
    fix = f"{endpoints['fix_order_entry']}  TargetCompID {comp_id}, any SenderCompID"
    table.add_row("FIX 4.4", fix)
    table.add_row("REST", endpoints["rest"])
    table.add_row("WebSocket", f"{endpoints['websocket']}  /ws-api/v3, /ws, /stream")
    table.add_row("ops HTTP", endpoints["ops"])
    table.add_row(f"key of {VISITOR!r}", f"{visitor.api_key}  (FIX: Username)")
    table.add_row("its secret", f"{visitor.secret}  (FIX: Password)")
    return table


def _books(watcher: Watcher) -> Table:
    table = Table(title="Books", title_justify="left")
    for name in ("", "quantity", "bid", "ask", "quantity"):
        table.add_column(name, justify="right")
    for market in MARKETS:
        top = watcher.tops.get(market.symbol)
        row = (top.bid_quantity, top.bid, top.ask, top.ask_quantity) if top else ("",) * 4
        table.add_row(market.symbol, *row)
    return table


def _last_trades(watcher: Watcher) -> Table:
    table = Table(title="Last trades", title_justify="left")
    for name in ("time", "", "price", "quantity"):
        table.add_column(name, justify="right")
    for trade in watcher.trades:
        at = datetime.fromtimestamp(trade["T"] / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
        style = "red" if trade["m"] else "green"  # the taker sold, or bought
        table.add_row(at, trade["s"], Text(trade["p"], style), trade["q"])
    return table


def _rates(tallies: list[Tally]) -> Table:
    table = Table(title="Strategies, by their door", title_justify="left")
    for name in ("", "orders", "orders/s", "trades", "trades/s", "refused"):
        table.add_column(name, justify="right")
    for tally in tallies:
        orders_per_s, trades_per_s = tally.rates()
        table.add_row(
            tally.protocol,
            str(tally.orders),
            f"{orders_per_s:.0f}",
            str(tally.fills),
            f"{trades_per_s:.0f}",
            str(tally.rejects),
        )
    return table


def _ledger_line(watcher: Watcher, restarts: Mapping[str, int]) -> Text:
    ended = [f"{name} restarted {count}x" for name, count in restarts.items() if count]
    agrees = watcher.accounts.get("agrees") is not False
    return Text(
        "; ".join([ledger_text(watcher.accounts), *ended]),
        style="bold" if agrees and not ended else "bold red",
    )
