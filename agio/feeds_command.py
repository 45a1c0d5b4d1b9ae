"""`agio feeds`: the data feeds handler's service."""

from __future__ import annotations

from pathlib import Path

import click

from agio import service_process
from agio.command_line import runs
from agio.configuration import Configuration


@click.command()
@click.option(
    "--source", "sources", multiple=True, help="ws://…, fix://…, file:///…; twice: redundant."
)
@click.option("--symbol", "symbols", multiple=True, help="Default: the standard listings.")
@click.option("--key-file", type=click.Path(path_type=Path), help="The API key of fix:// sources.")
@click.option("--record", type=click.Path(path_type=Path), help="Record them in a new file.")
@runs
def feeds(
    settings: Configuration,
    *,
    sources: tuple[str, ...],
    symbols: tuple[str, ...],
    key_file: Path | None,
    record: Path | None,
) -> None:
    """Run the data feeds handler: a venue's market data, checked, as one numbered stream.

    A source is the WebSocket URL of a Binance-shaped venue; `?rest=http://HOST:PORT` says where its
    REST is, if not on the same host at AGIO_REST_PORT. Or it is the FIX market data of an agio,
    fix://HOST:PORT?sender=COMPID, or fixs://… over TLS, with the API key in a file. Without any it
    is the venue on --data.
    """
    given = {
        "feeds_sources": " ".join(sources) or settings.feeds_sources,
        "feeds_symbols": " ".join(symbols) or settings.feeds_symbols,
        "feeds_key_file": key_file or settings.feeds_key_file,
        "feeds_record_file": record or settings.feeds_record_file,
    }
    service_process.run("feeds", settings.model_copy(update=given))
