"""`agio parity`: a live session against its replay."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import Progress

from agio import run_files
from agio.backtest_command import DEFAULT_FEES, Fees
from agio.command_line import as_json, asks
from agio.configuration import Configuration
from agio.history_commands import failures_told, store


@click.command()
@click.argument("run")
@click.option(
    "--fees",
    type=Fees(),
    default=DEFAULT_FEES,
    show_default=True,
    help="The venue's, maker's and taker's in parts per million.",
)
@as_json
@asks
def parity(settings: Configuration, *, run: str, fees: tuple[int, int], as_json: bool) -> None:
    """Compare the live session RUN with its replay: decisions, fills, profit.

    The strategies see the recorded stream again and must decide the same; the recorded decisions
    meet the recorded market in the matching core and must be filled the same, but for what others
    explain. Prints the first difference of each kind, or "equal". Exits 1 unless that holds.
    """
    from trading.alpha.machine import Machine
    from trading.backtest.edge.parity import compare
    from trading.backtest.edge.recordings import RecordingError
    from trading.backtest.parity import encode, lines
    from trading.history.edge.reader import HistoryReader

    written = run_files.read(settings.data, run)
    with failures_told(), Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("replaying the session", total=None)
        try:
            compared = compare(
                HistoryReader(store(settings)),
                written,
                Machine,
                fees,
                lambda done, of: progress.update(task, completed=done, total=of),
            )
        except RecordingError as error:
            raise click.ClickException(str(error)) from None
    click.echo(encode(compared).decode() if as_json else "\n".join(lines(compared)))
    if not compared.holds:
        raise SystemExit(1)
