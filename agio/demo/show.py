"""Runs the demo: the venue, the strategies on it, the view, and the reckoning at the end."""

import asyncio
import signal
import time

import aiohttp
from rich.console import Console
from rich.live import Live

from agio import venue
from agio.configuration import Configuration
from agio.demo import market
from agio.demo import watcher as watching
from agio.demo.cast import Player, welcome_visitor
from agio.demo.live_view import ledger_text, live_view
from agio.demo.reckoning import reckon
from agio.demo.summary import Summary, summarise
from agio.demo.tally import Tally
from agio.demo.watcher import Watcher
from agio.ops_client import OpsClient
from agio.supervisor import Venue, stopped_in_order
from agio.trade import Plan, Trading

REFRESH_S = 0.25
PLAIN_REFRESH_S = 5.0
SETTLE_TIMEOUT_S = 60.0


class Show:
    """One run of the demo, on a venue and with a firm that have started."""

    def __init__(self, running: Venue, trading: Trading, visitor: Player, console: Console) -> None:
        self.tallies = {market.FIX: Tally("FIX"), market.WEBSOCKET: Tally("WebSocket")}
        self._venue = running
        self._trading = trading
        self._visitor = visitor
        self._console = console
        self._endpoints = venue.endpoints(running.configuration)
        self._accounts_url = venue.health_urls(running.configuration)["accounts"]
        self._watcher = Watcher(self._endpoints["websocket"], self._accounts_url)
        self._shown_s = 0.0

    async def play(self, seconds: float | None) -> float:
        """Let the strategies trade for `seconds`, or until SIGINT; return how long it was.

        Then their orders are out, and settlement has caught up if it can.
        """
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        watching_on = asyncio.create_task(self._watcher.watch())
        with Live(console=self._console, auto_refresh=False) as screen:
            played_s = await self._trading.live.play(stopping, seconds, lambda: self._look(screen))
        watching_on.cancel()
        await asyncio.gather(watching_on, return_exceptions=True)
        self._count()
        await self._wait_until_settled()
        return played_s

    def _look(self, screen: Live) -> None:
        """Keep the venue running, and show it from time to time."""
        self._venue.watch()
        now_s = time.monotonic()
        if now_s - self._shown_s >= (REFRESH_S if self._console.is_terminal else PLAIN_REFRESH_S):
            self._shown_s = now_s
            self._count()
            self._show(screen)

    def _count(self) -> None:
        live = self._trading.live
        for door, tally in self.tallies.items():
            names = [entry.name for entry in live.run.strategies if entry.door == door]
            tally.update(live.standings.counts(names))

    def _show(self, screen: Live) -> None:
        tallies = list(self.tallies.values())
        if self._console.is_terminal:
            view = live_view(
                self._endpoints,
                self._venue.configuration.comp_id,
                self._visitor,
                self._watcher,
                tallies,
                self._venue.restarts() | self._trading.firm.restarts(),
            )
            screen.update(view, refresh=True)
            return
        counts = [f"{t.protocol} {t.orders} orders, {t.fills} trades" for t in tallies]
        self._console.print("; ".join([*counts, ledger_text(self._watcher.accounts)]))

    async def _wait_until_settled(self) -> None:
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < deadline:
                state = await watching.health(session, self._accounts_url)
                if state.get("ready") and state.get("lag") == 0:
                    return
                await asyncio.sleep(0.1)


def run(configuration: Configuration, seconds: float | None, console: Console) -> Summary:
    """Run the demo for `seconds`, or until SIGINT, and return what came of it.

    Raises what starting the venue and the firm raises, and what a damaged journal raises.
    """
    running = Venue(configuration, tell=console.print)
    with stopped_in_order(running):
        running.start()
        visitor = asyncio.run(_welcome(running))
        described = venue.read(configuration.data)
        assert described is not None
        trading = Trading(configuration, described, _plan(), tell=console.print)
        try:
            trading.start()
            show = Show(running, trading, visitor, console)
            played_s = asyncio.run(show.play(seconds))
            restarts = running.restarts()
            problems = trading.finish()
        finally:
            trading.stop()
        running.stop_services()
        postgres_url = running.configuration.postgres_url
        assert postgres_url is not None
        reckoning = asyncio.run(reckon(configuration.data / "journal", postgres_url))
    return summarise(played_s, list(show.tallies.values()), problems, restarts, reckoning)


async def _welcome(running: Venue) -> Player:
    configuration = running.configuration
    async with OpsClient(configuration.ops_url, running.secrets.ops_token) as ops:
        return await welcome_visitor(ops, configuration.data)


def _plan() -> Plan:
    entries = market.strategies()
    epoch = int(time.time())
    return Plan(
        f"demo-{epoch}", epoch, entries, {each.name: f"demo-{each.name}" for each in entries}
    )
