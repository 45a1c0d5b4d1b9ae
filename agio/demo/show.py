"""Runs the demo: the venue, its traders, the view, and the reckoning at the end."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Callable, Coroutine
from functools import partial

import aiohttp
from rich.console import Console
from rich.live import Live
from websockets.exceptions import WebSocketException

from agio import venue
from agio.configuration import Configuration
from agio.demo import watcher as watching
from agio.demo.cast import FIX_TRADERS, VISITOR, WEBSOCKET_TRADERS, Player, gather_players
from agio.demo.fix_trader import FixTrader
from agio.demo.live_view import ledger_text, live_view
from agio.demo.market import FairPrices, Mind
from agio.demo.reckoning import reckon
from agio.demo.summary import Summary, summarise
from agio.demo.tally import Tally
from agio.demo.watcher import Watcher
from agio.demo.websocket_trader import WebSocketTrader
from agio.ops_client import OpsClient
from agio.supervisor import Venue, stopped_in_order

ORDER_INTERVAL_S = 0.02
REFRESH_S = 0.25
PLAIN_REFRESH_S = 5.0
RETRY_S = 1.0
SETTLE_TIMEOUT_S = 60.0


class Show:
    """One run of the demo on a venue that has started."""

    def __init__(self, running: Venue, console: Console) -> None:
        self.tallies = [Tally("FIX"), Tally("WebSocket")]
        self._venue = running
        self._console = console
        self._endpoints = venue.endpoints(running.configuration)
        self._accounts_url = venue.health_urls(running.configuration)["accounts"]
        self._watcher = Watcher(self._endpoints["websocket"], self._accounts_url)
        self._stopping = asyncio.Event()

    async def play(self, seconds: float | None) -> float:
        """Let the traders trade for `seconds`, or until SIGINT; return how long it was.

        Then their orders are out, and settlement has caught up if it can.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        async with OpsClient(self._endpoints["ops"], self._venue.secrets.ops_token) as ops:
            players = await gather_players(ops, self._venue.configuration.data)
        started_s = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            playing = [tasks.create_task(trader) for trader in self._traders(players)]
            playing.append(tasks.create_task(self._watcher.watch()))
            await self._look_on(players[VISITOR], seconds)
            played_s = time.monotonic() - started_s
            for task in playing:
                task.cancel()
        await self._wait_until_settled()
        return played_s

    def _traders(self, players: dict[str, Player]) -> list[Coroutine[None, None, None]]:
        chance = random.Random()
        prices = FairPrices(chance)
        start = f"{time.time_ns() // 10**6:x}"  # client order ids must not come again

        def mind(name: str) -> Mind:
            return Mind(f"{name[5:]}-{start}", prices, chance)

        host, port = self._endpoints["fix_order_entry"].rsplit(":", 1)
        url = self._endpoints["websocket"]
        comp_id = self._venue.configuration.comp_id
        fix, websocket = self.tallies
        tasks = []
        for name in FIX_TRADERS:
            by_fix = FixTrader(players[name], mind(name), fix, comp_id)
            tasks.append(self._again(fix, partial(by_fix.trade, host, int(port), ORDER_INTERVAL_S)))
        for name in WEBSOCKET_TRADERS:
            by_websocket = WebSocketTrader(players[name], mind(name), websocket)
            tasks.append(self._again(websocket, partial(by_websocket.trade, url, ORDER_INTERVAL_S)))
        return tasks

    async def _again(self, tally: Tally, trade: Callable[[], Coroutine[None, None, None]]) -> None:
        """Trade; after a lost connection note it and start over, until cancelled."""
        while True:
            try:
                await trade()
            except (OSError, WebSocketException) as error:
                tally.errors.append(str(error) or type(error).__name__)
                await asyncio.sleep(RETRY_S)

    async def _look_on(self, visitor: Player, seconds: float | None) -> None:
        """Keep the venue running and show it until it is time to stop."""
        deadline = time.monotonic() + seconds if seconds is not None else None
        refresh_s = REFRESH_S if self._console.is_terminal else PLAIN_REFRESH_S
        shown_s = 0.0
        with Live(console=self._console, auto_refresh=False) as live:
            while not self._stopping.is_set():
                now = time.monotonic()
                if deadline is not None and now >= deadline:
                    return
                self._venue.watch()
                if now - shown_s >= refresh_s:
                    shown_s = now
                    self._show(live, visitor)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), REFRESH_S)

    def _show(self, live: Live, visitor: Player) -> None:
        if self._console.is_terminal:
            comp_id = self._venue.configuration.comp_id
            view = live_view(
                self._endpoints,
                comp_id,
                visitor,
                self._watcher,
                self.tallies,
                self._venue.restarts(),
            )
            live.update(view, refresh=True)
            return
        counts = [f"{t.protocol} {t.orders} orders, {t.fills} trades" for t in self.tallies]
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

    Raises what starting the venue raises, `OpsError`, and what a damaged journal raises.
    """
    running = Venue(configuration, tell=console.print)
    with stopped_in_order(running):
        running.start()
        show = Show(running, console)
        played_s = asyncio.run(show.play(seconds))
        restarts = running.restarts()
        running.stop_services()
        postgres_url = running.configuration.postgres_url
        assert postgres_url is not None
        journal = configuration.data / "journal"
        reckoning = asyncio.run(reckon(journal, postgres_url))
    return summarise(played_s, show.tallies, restarts, reckoning)
