"""From the feed to an order at the venue: a trade is seen, decided upon, and an order placed.

`agio up --journal-mode os`, `agio feeds` and `agio execution` run as they do for a user. This
process is the strategy, as lean as one can be: each trade in the stream makes it place an order or
cancel the last one. It makes the trades, too, from accounts of their own. All times are of one
clock, and those that the stream itself has.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from agio import run_files
from agio.child_process import free_port
from bench.figures import Figure, figure, show
from trading.credentials import Credentials
from trading.decisions import Action, Decision, OrderStyle
from trading.events import AnyEvent, DecisionTaken, OrderReported, ReportKind, TradePrinted
from trading.execution.edge.instruments import fetch_instruments
from trading.execution.edge.links import LinkOwner
from trading.execution.edge.websocket_link import WebSocketLink
from trading.leases.edge.lease_keeper import LeaseKeeper
from trading.leases.edge.redis_leases import RedisLeases
from trading.leases.lease_store import Member
from trading.runs import Run, StrategyRun
from trading.stream.edge.subscriber import StreamSubscriber
from trading.stream.frames import frame
from vocabulary.types import Side

RUNS = 5
TRADES = 200
PACE_S = 0.01
PATIENCE_S = 30.0
SYMBOL = "BTCUSDT"
PRICE_TICKS, LOTS = 6_400_000, 1_000
REFERENCE = {"symbol": SYMBOL, "type": "LIMIT", "price": "65000.00"}


class Strategy:
    """Follows the stream, and answers each trade with a decision."""

    def __init__(self, run: Run) -> None:
        self.events: dict[int, int] = {}
        """When the trades were received, by stream_sequence."""
        self.taken: dict[int, DecisionTaken] = {}
        self.accepted: dict[int, OrderReported] = {}
        self.is_ready = False
        self.token = 0
        self._run = run
        self._last_number = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)

    def on_events(self, events: list[AnyEvent]) -> None:
        decisions = []
        for event in events:
            match event:
                case TradePrinted() if self.is_ready:
                    self.events[event.stream_sequence] = event.received_ns
                    decisions.append(self._decide(event.stream_sequence))
                case DecisionTaken():
                    self.taken[event.number] = event
                case OrderReported(kind=ReportKind.ACCEPTED | ReportKind.CANCELED):
                    self.accepted.setdefault(event.number, event)
                case OrderReported(kind=ReportKind.REFUSED):
                    raise AssertionError(event.reason)
                case _:
                    pass
        if decisions:
            envelopes = [[self.token, time.time_ns(), each] for each in decisions]
            for writer in self._writers:
                if writer.is_closing():  # nothing was decided for too long
                    continue
                writer.write(frame(msgspec.msgpack.encode(envelopes)))

    def _decide(self, cause: int) -> Decision:
        self._last_number = number = self._last_number + 1
        is_order = number % 2 == 1
        terms = Side.BUY, PRICE_TICKS, LOTS, OrderStyle.RESTING
        action, order = (Action.PLACE, number) if is_order else (Action.CANCEL, number - 1)
        return Decision("bench", SYMBOL, self._run.epoch, number, cause, action, order, *terms)

    def delays_us(self, first: int) -> tuple[list[float], list[float]]:
        """Return the orders' delays from `first` on: until sent, and until reported back."""
        sent, reported = [], []
        for number, taken in self.taken.items():
            if number >= first and taken.action is Action.PLACE:
                seen_ns = self.events[taken.cause]
                sent.append((taken.exchange_ns - seen_ns) / 1_000)
                reported.append((self.accepted[number].received_ns - seen_ns) / 1_000)
        return sorted(sent), sorted(reported)


def measure() -> list[Figure]:
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    results: dict[str, list[float]] = {}
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        venue = stack.enter_context(_venue(directory))
        run = venue.make_run()
        strategy = Strategy(run)
        server = await asyncio.start_server(strategy.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        keeper = LeaseKeeper(
            RedisLeases(venue.redis_url, f"alpha:{run.name}"),
            Member("bench", f"127.0.0.1:{port}"),
            [SYMBOL],
            on_gained=lambda _, token: setattr(strategy, "token", token),
            on_lost=lambda _: None,
        )
        keeper.start()
        stack.enter_context(venue.service("feeds", "--symbol", SYMBOL))
        stack.enter_context(venue.service("execution", run.name))
        subscriber = StreamSubscriber("127.0.0.1", venue.base + 9, 1, strategy.on_events)
        reading = asyncio.create_task(subscriber.run())
        await _until(lambda: venue.health()["symbols"] == [SYMBOL] and venue.health()["alphas"])
        house, guest = await venue.trader("house"), await venue.trader("guest")
        await house.ask("order.place", side="SELL", quantity="50", timeInForce="GTC", **REFERENCE)
        strategy.is_ready = True
        for number in range(RUNS):
            print(f"trading_latency: run {number + 1} of {RUNS}", file=sys.stderr)
            first = len(strategy.taken) + 1
            for _ in range(TRADES):
                await guest.ask(
                    "order.place", side="BUY", quantity="0.001", timeInForce="IOC", **REFERENCE
                )
                await asyncio.sleep(PACE_S)
            await _until(lambda: len(strategy.accepted) == len(strategy.events))
            sent, reported = strategy.delays_us(first)
            for name, delays in (("order sent", sent), ("report in the stream", reported)):
                for share in (50, 99):
                    value = delays[len(delays) * share // 100]
                    results.setdefault(f"feed to {name}, p{share}", []).append(value)
        reading.cancel()
        await keeper.stop()
        server.close()
    return [figure(name, "us", values) for name, values in results.items()]


class _Venue:
    """`agio up` in `data`, and the commands beside it."""

    def __init__(self, data: Path, base: int, endpoints: dict[str, str]) -> None:
        self.base = base
        self._flags = ["--data", str(data), "--port-base", str(base)]
        self._data = data
        self._endpoints = endpoints
        self._keys: dict[str, Credentials] = {}
        self._tasks: list[asyncio.Task[None]] = []
        for name in ("strategy", "house", "guest"):
            self._agio("account", "create", name)
            for asset, amount in (("BTC", "100"), ("USDT", "10000000")):
                self._agio("account", "credit", name, asset, amount)
            key = self._agio("key", "create", "--account", name)
            self._keys[name] = Credentials(key["api_key"], key["secret"])
        self.redis_url: str = json.loads((data / "venue.json").read_bytes())["redis_url"]

    def make_run(self) -> Run:
        entry = StrategyRun(name="bench", strategy="noise", symbols=(SYMBOL,))
        run = Run(name="bench", epoch=int(time.time()), strategies=(entry,))
        run_files.write(self._data, run, {"bench": run_files.ApiKey(*self._keys["strategy"])})
        return run

    @contextmanager
    def service(self, *words: str) -> Iterator[None]:
        with (self._data / f"{words[0]}.err").open("w") as errors:
            command = [sys.executable, "-m", "agio", *words, *self._flags]
            process = subprocess.Popen(command, stderr=errors)
            try:
                yield
            finally:
                process.terminate()
                process.wait(PATIENCE_S)

    def health(self) -> Any:
        from agio import venue

        health = venue.health(f"http://127.0.0.1:{self.base + 18}/health")
        return {"symbols": [], "alphas": 0} | health

    async def trader(self, name: str) -> WebSocketLink:
        """Return an account's connection."""
        url = self._endpoints["websocket"]
        opened = asyncio.Event()
        owner = LinkOwner(lambda _: None, lambda is_ready: opened.set() if is_ready else None)
        listed = await fetch_instruments(url, [SYMBOL])
        link = WebSocketLink(url, self._keys[name], listed, owner)
        self._tasks.append(asyncio.create_task(link.run()))
        await opened.wait()
        return link

    def _agio(self, *words: str) -> Any:
        command = [sys.executable, "-m", "agio", *words, "--json", "--data", str(self._data)]
        return json.loads(subprocess.check_output(command))


@contextmanager
def _venue(data: Path) -> Iterator[_Venue]:
    base = 20_000 + free_port() % 10_000
    flags = ["--data", str(data), "--port-base", str(base), "--journal-mode", "os"]
    command = [sys.executable, "-m", "agio", "up", "--json", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            endpoints = json.loads(process.stdout.readline())["endpoints"]
            yield _Venue(data, base, endpoints)
        finally:
            process.terminate()


async def _until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 (some of it is asked over HTTP)
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    show(measure())
