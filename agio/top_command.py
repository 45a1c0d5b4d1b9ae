"""`agio top`: the whole venue, live in the terminal."""

import contextlib
import time

import click
from rich.console import Console
from rich.live import Live

from agio import venue
from agio.command_line import as_json, configured, emit
from agio.configuration import Configuration


@click.command()
@click.option("--once", is_flag=True, help="Print it once, as of the last --seconds, and end.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=1.0,
    help="What rates and latencies are taken over. Default: 1.",
)
@as_json
@configured("data", "host", "port_base")
def top(settings: Configuration, *, once: bool, seconds: float, as_json: bool) -> None:
    """Show services, rates, latencies by hop, queues, lags and sessions of the venue on --data.

    It reads the services' /metrics, which DATA/venue.json names. --json implies --once.
    """
    from agio.scrape import scrape_all
    from agio.standing import standing
    from agio.top_view import top_view

    running = venue.read(settings.data)
    urls = running.health if running is not None else venue.health_urls(settings)
    console = Console()
    before = scrape_all(urls)
    if once or as_json:
        time.sleep(seconds)
        told = standing(before, scrape_all(urls))
        if as_json:
            emit(told, "", as_json=True)
        else:
            console.print(top_view(told))
        return
    with contextlib.suppress(KeyboardInterrupt), Live(console=console, screen=True) as live:
        while True:
            time.sleep(seconds)
            after = scrape_all(urls)
            live.update(top_view(standing(before, after)), refresh=True)
            before = after
