"""`agio bench`: what this build does on this machine."""

from __future__ import annotations

import gc
import hashlib
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from agio import hot_paths
from agio.command_line import as_json, emit

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.group()
def bench() -> None:
    """Measure matching on this machine."""


@bench.command()
@click.option("--flow", "file", type=_FILE, required=True, help="The commands: see agio.flow_file.")
@click.option("--trades", type=_OUT, help="Write the trades there.")
@click.option("--book", type=_OUT, help="Write the orders left resting there.")
@click.option("--bare", is_flag=True, help="The books alone, without accounts, funds and events.")
@click.option("--batch", type=click.IntRange(min=1), default=1000, help="Commands. Default: 1000.")
@as_json
def engine(
    *,
    file: Path,
    trades: Path | None,
    book: Path | None,
    bare: bool,
    batch: int,
    as_json: bool,
) -> None:
    """Run a flow of commands through the engine, and show how fast it is.

    Every account has funds without end, and there are no fees. What is written are little-endian
    int64, for any other matcher to be compared with: of each trade the resting order's id, the
    incoming order's, price and quantity, in order; of each resting order symbol, order id, price
    and open quantity: symbols ascending, bids then asks, best price first, oldest first.
    """
    from agio.flow_file import FlowFileError, read_flow
    from agio.flow_runs import FlowRefusedError, run_bare, run_engine

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    gc.disable()  # as the matching process does
    try:
        flow = read_flow(file)
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("commands", total=len(flow.commands))
            run = run_bare if bare else run_engine
            done = run(flow, batch, lambda count: progress.update(task, completed=count))
        if trades is not None:
            trades.write_bytes(done.trades)
        if book is not None:
            book.write_bytes(done.book)
    except FlowFileError as error:
        raise click.ClickException(f"{file} is not a flow file: {error}") from None
    except FlowRefusedError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    form = "compiled" if hot_paths.is_compiled("matching.core.engine") else "uncompiled"
    what = "the bare books" if bare else "the whole engine"
    told = {
        "what": "bare" if bare else "engine",
        "form": form,
        "symbols": flow.symbols,
        "batch": batch,
        "commands": done.commands,
        "seconds": done.seconds,
        "commands_per_second": done.rate,
        "trades": len(done.trades) // 32,
        "trades_sha256": hashlib.sha256(done.trades).hexdigest(),
        "resting": len(done.book) // 32,
        "book_sha256": hashlib.sha256(done.book).hexdigest(),
    }
    text = (
        f"{done.rate:,.0f} commands/s through {what}, {form}, in batches of {batch}\n"
        f"{told['trades']:,} trades    sha256 {told['trades_sha256']}\n"
        f"{told['resting']:,} resting   sha256 {told['book_sha256']}"
    )
    emit(told, text, as_json=as_json)
