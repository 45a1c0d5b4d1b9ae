"""Several instances, a stream and a venue that loses connections and keeps nobody's secrets.

Everything that is on its way waits in a list until chance lets it arrive, or a crash loses it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.trading.execution.samples import EPOCH, NOW, SECOND, SYMBOL, Stream, instrument, run_of
from trading.decisions import Action, Decision, Envelope, OrderStyle
from trading.events import DecisionTaken, OrderReported, ReportKind, TradeAmended
from trading.execution import venue as v
from trading.execution.engine import Engine
from trading.execution.trader import Patience
from vocabulary.types import Side

STEP = 10_000_000
LEASE = 600_000_000


class VenueOrder:
    def __init__(self, request: v.PlaceOrder, order_id: int) -> None:
        self.request = request
        self.order_id = order_id
        self.fills: list[v.Traded] = []
        self.leaves = request.lots
        self.ended: ReportKind | None = None

    @property
    def cumulative(self) -> int:
        return sum(fill.lots for fill in self.fills)

    @property
    def is_open(self) -> bool:
        return self.ended is None and self.leaves > 0


class ModelVenue:
    """One account's orders; whatever happens is told to everyone who is connected, in order."""

    def __init__(self, chance: random.Random, tell: Callable[[Any], None]) -> None:
        self.orders: dict[Any, VenueOrder] = {}
        self.repeats = 0
        self._chance, self._tell = chance, tell
        self._ids = 0

    def take(self, request: v.Request) -> Any:
        """Carry out a request and return its answer, which only its sender gets."""
        order = self.orders.get(request.name)
        match request:
            case v.PlaceOrder():
                if order is not None:
                    assert order.request == request
                    self.repeats += 1
                    return self._found(order)
                self._ids += 1
                self.orders[request.name] = VenueOrder(request, self._ids)
                self._tell(v.Accepted(request.name, 1, NOW))
                return None
            case v.CancelOrder():
                if order is None or not order.is_open:
                    return v.CancelRefused(request.name, request.client_order_id, "unknown order")
                order.ended = ReportKind.CANCELED
                end = v.Ended(
                    request.name, order.ended, order.cumulative, request.client_order_id, "", 1, NOW
                )
                self._tell(end)
                return None
            case v.AskOrder():
                return self._found(order) if order is not None else v.NoSuchOrder(request.name)
            case v.AskTrades():
                assert order is not None
                fills = tuple(fill._replace(cumulative_lots=0) for fill in order.fills)
                return v.TradesFound(request.name, fills)
            case v.AskFills():
                stand = [fill for order in self.orders.values() for fill in order.fills]
                return v.TradesFound(
                    request.name,
                    tuple(fill for fill in stand if fill.trade_id >= request.from_trade_id),
                )

    def trade(self) -> None:
        """Fill a part of an open order."""
        found = [order for order in self.orders.values() if order.is_open]
        if not found:
            return
        order = self._chance.choice(found)
        lots = self._chance.randint(1, order.leaves)
        self._ids += 1
        name, side = order.request.name, order.request.side
        fill = v.Traded(
            name, side, self._ids, 10_000, lots, 1, True, order.cumulative + lots, 1, NOW
        )
        order.fills.append(fill)
        order.leaves -= lots
        self._tell(fill)

    def amend(self) -> None:
        """Undo a fill, or let it have been a smaller one at another price."""
        found = [
            (order, at)
            for order in self.orders.values()
            for at, fill in enumerate(order.fills)
            if fill.lots
        ]
        if not found:
            return
        order, at = self._chance.choice(found)
        before = order.fills[at]
        after = before.undone()
        if self._chance.random() < 0.5:
            lots = self._chance.randint(1, before.lots)
            after = before._replace(price_ticks=before.price_ticks - 5, lots=lots, fee_units=0)
        order.fills[at] = after
        self._tell(v.Amended(order.request.name, after))

    @staticmethod
    def _found(order: VenueOrder) -> v.OrderFound:
        return v.OrderFound(order.request.name, order.order_id, order.cumulative, order.ended, NOW)


class Instance:
    """An engine and what is on its way from and to it."""

    def __init__(self, world: World) -> None:
        self.engine = Engine(
            run_of(position_lots_max=200),
            {SYMBOL: instrument()},
            lambda _: world.holder is self and world.now < world.lease_until,
            Patience(decision_age_max_ns=3600 * SECOND),
        )
        self.seen = 0
        self.is_connected = False
        self.requests: list[Any] = []
        self.reports: list[Any] = []
        self.events: list[Any] = []


class World:
    """`step` lets one thing happen."""

    def __init__(self, seed: int, instances: int, decisions: int) -> None:
        self.chance = random.Random(seed)
        self.now = NOW
        self.stream = Stream()
        self.stream.book(self.now)
        self.venue = ModelVenue(self.chance, self._tell)
        self.decisions = [self._decision(number) for number in range(1, decisions + 1)]
        self.instances = [Instance(self) for _ in range(instances)]
        self.holder: Instance | None = None
        self.lease_until = 0
        self.crashes = 0

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.step(crash=0.01, cut=0.01)
        for _ in range(1_200):  # then all is calm
            self.step(crash=0, cut=0)

    def step(self, crash: float, cut: float) -> None:
        self.now += STEP
        self.stream.time(self.now)
        self._lease()
        if self.chance.random() < 0.2:
            self.venue.trade()
        if crash and self.chance.random() < 0.02:
            self.venue.amend()
        for instance in list(self.instances):
            if self.chance.random() < crash:
                self._crash(instance)
                continue
            if instance.is_connected and self.chance.random() < cut:
                self._cut(instance)
            self._turn(instance)

    def _turn(self, instance: Instance) -> None:
        engine, chance = instance.engine, self.chance
        if not instance.is_connected:
            instance.is_connected = True
            engine.on_link("maker", self.now, is_ready=True)
        if chance.random() < 0.8:
            new = self.stream.events[instance.seen :]
            instance.seen = len(self.stream.events)
            engine.on_events(new, self.now)
        if chance.random() < 0.5:
            # Whoever leads sends what nobody has taken, perhaps not for the first time.
            taken = sum(isinstance(each, DecisionTaken) for each in self.stream.events)
            ready = self.decisions[taken : taken + chance.randint(0, 3)]
            engine.on_envelopes([Envelope(1, self.now, each) for each in ready], self.now)
        arrived = chance.randint(0, len(instance.reports))
        engine.on_reports(instance.reports[:arrived], self.now)
        del instance.reports[:arrived]
        engine.tick(self.now)
        instance.requests += engine.take_requests()
        instance.events += engine.take_events()
        self._deliver(instance, chance.randint(0, len(instance.requests)))
        self._publish(instance, chance.randint(0, len(instance.events)))

    def _deliver(self, instance: Instance, count: int) -> None:
        for request in instance.requests[:count]:
            answer = self.venue.take(request)
            if answer is not None:
                instance.reports.append(answer)
        del instance.requests[:count]

    def _publish(self, instance: Instance, count: int) -> None:
        for event in instance.events[:count]:
            self.stream.admit(event, self.now)
        del instance.events[:count]

    def _crash(self, instance: Instance) -> None:
        """Let a part of what was on its way arrive; a new instance knows nothing of the rest."""
        self.crashes += 1
        self._deliver(instance, self.chance.randint(0, len(instance.requests)))
        self._publish(instance, self.chance.randint(0, len(instance.events)))
        self.instances[self.instances.index(instance)] = Instance(self)

    def _cut(self, instance: Instance) -> None:
        self._deliver(instance, self.chance.randint(0, len(instance.requests)))
        instance.requests.clear()
        instance.reports.clear()
        instance.is_connected = False
        instance.engine.on_link("maker", self.now, is_ready=False)

    def _lease(self) -> None:
        if self.holder in self.instances:
            self.lease_until = self.now + LEASE
        elif self.now >= self.lease_until:
            self.holder = self.chance.choice(self.instances)
            self.lease_until = self.now + LEASE
            self.holder.engine.hold(SYMBOL, self.now)

    def _tell(self, report: Any) -> None:
        for instance in self.instances:
            if instance.is_connected:
                instance.reports.append(report)

    def _decision(self, number: int) -> Decision:
        if number > 3 and self.chance.random() < 0.3:
            placed = self.chance.randint(1, number - 1)
            return Decision(
                "maker", SYMBOL, EPOCH, number, 1, Action.CANCEL, placed, Side.BUY, 10_000, 10,
                OrderStyle.RESTING,
            )  # fmt: skip
        side = self.chance.choice([Side.BUY, Side.SELL])
        return Decision(
            "maker", SYMBOL, EPOCH, number, 1, Action.PLACE, number, side, 10_000,
            self.chance.randint(1, 20), OrderStyle.RESTING,
        )  # fmt: skip

    def check(self) -> None:
        """Compare what the stream tells with what the venue knows."""
        events = self.stream.events
        taken = [each for each in events if isinstance(each, DecisionTaken)]
        assert [each.number for each in taken] == [each.number for each in self.decisions]
        reports = [each for each in events if isinstance(each, OrderReported)]
        answered = Counter(each.number for each in reports if each.number)
        assert set(answered) >= {each.number for each in self.decisions}

        refused = {each.order for each in reports if each.kind is ReportKind.REFUSED}
        placed = {each.number for each in taken if each.action is Action.PLACE}
        assert {name.number for name in self.venue.orders} == placed - refused
        for name, order in self.venue.orders.items():
            told = [each for each in reports if each.order == name.number]
            kinds = Counter(each.kind for each in told)
            assert kinds[ReportKind.ACCEPTED] == 1
            self._check_fills(name.number, order)
            assert kinds[ReportKind.CANCELED] == (order.ended is ReportKind.CANCELED)
        lots = sum(
            (1 if order.request.side is Side.BUY else -1) * order.cumulative
            for order in self.venue.orders.values()
        )
        assert {
            instance.engine.traders["maker", SYMBOL].orders.holdings.lots
            for instance in self.instances
        } == {lots}

    def _check_fills(self, number: int, order: VenueOrder) -> None:
        """Compare an order's fills, as the stream tells them in turn, with how they stand."""
        stand: dict[int, tuple[int, int, int]] = {}
        for event in self.stream.events:
            if isinstance(event, OrderReported) and event.kind is ReportKind.TRADED:
                if event.order == number:
                    assert event.trade_id not in stand
                    stand[event.trade_id] = (
                        event.fill_price_ticks, event.fill_lots, event.fee_units,
                    )  # fmt: skip
                    cumulative = sum(lots for _, lots, _ in stand.values())
                    assert event.cumulative_lots == cumulative == event.lots - event.leaves_lots
            elif isinstance(event, TradeAmended) and event.order == number:
                undone = event.undone_price_ticks, event.undone_lots, event.undone_fee_units
                assert stand[event.trade_id] == undone
                stand[event.trade_id] = event.price_ticks, event.lots, event.fee_units
        assert {trade_id: terms for trade_id, terms in stand.items() if terms[1]} == {
            fill.trade_id: (fill.price_ticks, fill.lots, fill.fee_units)
            for fill in order.fills
            if fill.lots
        }
