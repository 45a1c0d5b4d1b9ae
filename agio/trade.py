"""A run from its accounts to its end: what `agio trade` and the demo do."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table

from agio import run_files
from agio.configuration import Configuration
from agio.firm import Firm
from agio.live_run import LiveRun
from agio.ops_client import OpsClient, OpsError
from agio.run_files import ApiKey
from agio.standings import Result, Standings
from agio.supervisor import stopped_in_order
from agio.venue import VenueFile
from trading.execution.edge.instruments import fetch_instruments
from trading.runs import Run, StrategyRun

FUNDS = {"BTC": "100", "ETH": "2000", "USDT": "10000000"}
"""What a new account is given."""


class Plan(NamedTuple):
    """A run to be; `accounts` are by strategy name. Those that the venue has not are made."""

    name: str
    epoch: int
    strategies: tuple[StrategyRun, ...]
    accounts: Mapping[str, str]
    alphas: int = 2
    executions: int = 1


class Summary(msgspec.Struct, frozen=True):
    """What a run came to; `problems` is empty if nothing was off."""

    run: str
    seconds: float
    first_sequence: int
    last_sequence: int
    strategies: list[Result]
    problems: list[str]


class Trading:
    """A plan carried out: `start`, then play `live`, then `finish`; `stop` in any case."""

    def __init__(
        self, settings: Configuration, running: VenueFile, plan: Plan, tell: Callable[[str], None]
    ) -> None:
        self.firm = Firm(settings, running, tell)
        self.live: LiveRun
        self._running = running
        self._ops_token = Path(running.ops_token_file).read_text().strip()
        self._plan = plan
        self._tell = tell
        self._keys: dict[str, ApiKey] = {}

    def start(self) -> None:
        """Start the stream, make the accounts' keys, write the run down, and start the rest.

        Raises `OpsError`, `ConfigurationError`, `FirmRunsError` and `ServerFailedError`.
        """
        plan = self._plan
        symbols = tuple(dict.fromkeys(each for entry in plan.strategies for each in entry.symbols))
        first = self.firm.start_stream(symbols)
        asyncio.run(self._make_keys())
        run = Run(name=plan.name, epoch=plan.epoch, strategies=plan.strategies, from_sequence=first)
        run_files.write(self.firm.configuration.data, run, self._keys)
        self.firm.start_trading(run.name, alphas=plan.alphas, executions=plan.executions)
        instruments = asyncio.run(
            fetch_instruments(self._running.endpoints["websocket"], run.symbols)
        )
        self.live = LiveRun(self.firm, run, Standings(run, instruments))

    def finish(self) -> list[str]:
        """Stop who sends, and revoke the keys. Return what was not as it should be.

        The history has all of the run then.
        """
        restarts = self.firm.restarts()
        problems, last = self.live.problems, self.live.standings.last_sequence
        self.firm.stop_sending()
        asyncio.run(self._revoke_keys())
        if not self.firm.wait_until_kept(last):
            problems.append(f"the history has not got event {last}")
        return [
            *problems,
            *(f"{name} had to be restarted" for name, times in restarts.items() if times),
        ]

    def stop(self) -> None:
        """Stop everything, and revoke the keys where nothing came to its end."""
        self.firm.stop()
        try:
            asyncio.run(self._revoke_keys())
        except OpsError as error:
            names = ", ".join(key.api_key for key in self._keys.values())
            self._tell(f"API keys not revoked: {names}: {error}")

    async def _make_keys(self) -> None:
        plan = self._plan
        async with OpsClient(self._running.endpoints["ops"], self._ops_token) as ops:
            known = {each["name"] for each in await ops.accounts()}
            for entry in plan.strategies:
                account = plan.accounts[entry.name]
                if account not in known:
                    await ops.create_account(account)
                    for asset, amount in FUNDS.items():
                        await ops.credit(account, asset, amount)
                made = await ops.create_key(account, [], [], f"run {plan.name}")
                self._keys[entry.name] = ApiKey(made["api_key"], made["secret"])

    async def _revoke_keys(self) -> None:
        async with OpsClient(self._running.endpoints["ops"], self._ops_token) as ops:
            while self._keys:
                strategy, key = next(iter(self._keys.items()))
                await ops.revoke_key(key.api_key)
                del self._keys[strategy]


def run(
    settings: Configuration,
    running: VenueFile,
    plan: Plan,
    seconds: float | None,
    console: Console,
) -> Summary:
    """Trade for `seconds`, or until SIGINT or SIGTERM. Raises what `Trading.start` does."""
    trading = Trading(settings, running, plan, tell=console.print)
    with stopped_in_order(trading):
        trading.start()
        played_s = asyncio.run(_play(trading.live, seconds, console))
        problems = trading.finish()
    live = trading.live
    return Summary(
        plan.name,
        round(played_s, 1),
        live.run.from_sequence,
        live.standings.last_sequence,
        live.standings.results(),
        problems,
    )


def results_table(results: list[Result]) -> Table:
    table = Table()
    for name in ("strategy", "symbol"):
        table.add_column(name)
    for name in ("decisions", "orders", "fills", "refused", "open", "position", "result", "fees"):
        table.add_column(name, justify="right")
    table.add_column("")
    for each in results:
        counts = (each.decisions, each.orders, each.fills, each.refused, each.open_orders)
        money = (each.position, each.result, each.fees, each.quote)
        table.add_row(each.strategy, each.symbol, *map(str, counts), *money)
    return table


def summary_text(summary: Summary) -> str:
    first, last = summary.first_sequence, summary.last_sequence
    lines = [f"run {summary.run}: {summary.seconds:g} s, events {first} to {last}"]
    lines += [
        f"{each.strategy} {each.symbol}: {each.decisions} decisions, {each.orders} orders, "
        f"{each.fills} fills, {each.refused} refused; position {each.position}, "
        f"result {each.result} {each.quote} after fees of {each.fees}"
        for each in summary.strategies
    ]
    lines += [f"OFF: {problem}" for problem in summary.problems]
    return "\n".join(lines)


async def _play(live: LiveRun, seconds: float | None, console: Console) -> float:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with Live(console=console, auto_refresh=False, transient=True) as screen:

        def show() -> None:
            if console.is_terminal:
                screen.update(results_table(live.standings.results()), refresh=True)

        return await live.play(stopping, seconds, show)
