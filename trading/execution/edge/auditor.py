"""Compares each strategy with the venue's own record: after every start, and every minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog
from redis.exceptions import RedisError

from trading.decisions import OrderName, parse_client_order_id
from trading.execution import reconciliation
from trading.execution import venue as v
from trading.execution.edge.links import VenueError, VenueLink
from trading.execution.edge.metrics import AUDITS, DIFFERENCES
from trading.execution.edge.run_switches import RunSwitches
from trading.execution.engine import Engine
from trading.execution.json_messages import TRADES_MAX, fills_of
from trading.execution.reconciliation import FillAudit, Sums
from trading.execution.trader import kill_order_id
from vocabulary.instrument import Instrument
from vocabulary.types import Side

EVERY_S = 60.0
LOOK_S = 0.5
AGAIN_S = 2.0
TRIES = 3
"""What is off only once was on its way."""

log = structlog.get_logger("execution")


class Auditor:
    """`on_difference(strategy, text)` is told what is still off at the third look.

    The instance that acts on a strategy's first symbol audits all of the strategy: others'
    holdings are in the stream.
    """

    def __init__(
        self,
        engine: Engine,
        links: Mapping[str, VenueLink],
        switches: RunSwitches,
        on_difference: Callable[[str, str], Awaitable[None]],
        every_s: float = EVERY_S,
    ) -> None:
        self._engine = engine
        self._links = links
        self._switches = switches
        self._on_difference = on_difference
        self._every_s = every_s
        self._due_s: dict[str, float] = {}
        self._audits: dict[tuple[str, str], FillAudit] = {}

    async def run(self) -> None:
        while True:
            acting_on = self._engine.acting_on
            for entry in self._engine.run.strategies:
                if entry.symbols[0] not in acting_on:
                    self._due_s.pop(entry.name, None)  # whoever takes over begins with one
                elif self._due_s.get(entry.name, 0) <= time.monotonic():
                    self._due_s[entry.name] = time.monotonic() + self._every_s
                    await self._audit(entry.name)
            await asyncio.sleep(LOOK_S)

    async def _audit(self, strategy: str) -> None:
        try:
            for attempt in range(TRIES):
                differences = await self.differences(strategy)
                if not differences:
                    break
                if attempt < TRIES - 1:
                    await asyncio.sleep(AGAIN_S)
        except (VenueError, OSError, TimeoutError, RedisError) as error:
            log.warning(
                "audit failed", strategy=strategy, reason=f"{type(error).__name__}: {error}"
            )
            return
        AUDITS.labels(strategy).inc()
        DIFFERENCES.labels(strategy).set(len(differences))
        for text in differences:
            log.error("the venue differs", strategy=strategy, difference=text)
            await self._on_difference(strategy, text)

    async def differences(self, strategy: str) -> list[str]:
        """Return what is off just now. Raises what a link or Redis does."""
        found = [
            text
            for (each, symbol), trader in self._engine.traders.items()
            if each == strategy
            for text in [await self._fills(strategy, symbol, Sums.of(trader.orders.holdings))]
            if text
        ]
        return [*found, *await self._orders(strategy), *await self._balances(strategy)]

    async def _fills(self, strategy: str, symbol: str, sums: Sums) -> str:
        instrument = self._instrument(strategy, symbol)
        audit = self._audits.get((strategy, symbol))
        if audit is None or audit.amendments != sums.amendments:
            audit = FillAudit(instrument, sums.amendments)
            self._audits[strategy, symbol] = audit
        name = OrderName(strategy, symbol, self._engine.run.epoch, 0)
        while True:
            trades = await self._links[strategy].ask(
                "myTrades",
                symbol=symbol,
                fromId=audit.next_trade_id,
                startTime=self._engine.run.epoch * 1_000,
                limit=TRADES_MAX,
            )
            page = fills_of(name, trades, instrument)
            if len(page) < TRADES_MAX:
                audit.receive(page)
                return audit.difference(sums, time.time_ns())
            # A trade with oneself is two fills: both, or neither.
            audit.receive(fill for fill in page if fill.trade_id != page[-1].trade_id)

    async def _orders(self, strategy: str) -> list[str]:
        """Cancel what is open at the venue and not for us: nobody would ever look after it."""
        acting_on = self._engine.acting_on
        orphans = []
        for each in await self._links[strategy].ask("openOrders.status"):
            name = parse_client_order_id(each["clientOrderId"])
            if name is None or name.strategy != strategy or name.epoch != self._engine.run.epoch:
                continue
            trader = self._engine.traders.get((strategy, name.symbol))
            if trader is None or name.symbol not in acting_on:
                continue
            if name.number <= trader.orders.last_taken and name.number not in trader.orders.open:
                orphans.append(f"order {name.client_order_id} is open and should not be")
                cancel = v.CancelOrder(name, Side[each["side"]], kill_order_id(name))
                self._links[strategy].send([cancel])
        return orphans

    async def _balances(self, strategy: str) -> list[str]:
        traders = [t for (name, _), t in self._engine.traders.items() if name == strategy]
        assets = {
            asset.name: asset
            for trader in traders
            for asset in (
                trader.orders.holdings.instrument.base,
                trader.orders.holdings.instrument.quote,
            )
        }
        account = await self._links[strategy].ask("account.status")
        balances = {
            each["asset"]: assets[each["asset"]].units(each["free"])
            + assets[each["asset"]].units(each["locked"])
            for each in account["balances"]
            if each["asset"] in assets
        }
        changed = reconciliation.changes(trader.orders.holdings for trader in traders)
        opening = await self._switches.opening(
            strategy, {asset: balances.get(asset, 0) - units for asset, units in changed.items()}
        )
        off = reconciliation.balance_differences(opening, changed, balances)
        return [f"balance of {asset} is off by {units} units" for asset, units in off.items()]

    def _instrument(self, strategy: str, symbol: str) -> Instrument:
        return self._engine.traders[strategy, symbol].orders.holdings.instrument
