"""A strategy on its symbol: events in, decisions out, each with the next number.

The machine is all that a decision depends on: whoever puts the same events into it, in the same
order, gets the same decisions with the same numbers, and the same state hash. Replicas, a rebuild
from history, the backtest and parity are all just that.

Runs compiled where there is a compiler: the C types stand in `machine.pxd`.
"""

from collections import deque
from hashlib import blake2b

from trading.alpha import snapshot as snapshots
from trading.alpha.market import Market
from trading.alpha.orders import OwnOrders
from trading.alpha.snapshot import Snapshot, SnapshotError
from trading.decisions import Action, Decision
from trading.events import AnyEvent, DecisionTaken, OrderReported, TradeAmended
from trading.runs import StrategyRun
from trading.strategies import registry
from trading.strategies.strategy import Place, Wanted
from vocabulary.types import PRICE_TICKS_MAX, QUANTITY_LOTS_MAX

LIVE_ORDERS_MAX = 64
"""How many orders of a machine may be open, or of unknown outcome, at a time."""

_PLACE, _CANCEL = Action.PLACE, Action.CANCEL


class DivergedError(Exception):
    """The stream holds a decision that this machine has not made: it is not what the others are."""


class Machine:
    """The strategy of a run's entry in one of its symbols.

    What was received before `epoch`, the run's beginning in seconds since 1970, is its warm-up: the
    strategy sees it and decides nothing.

    `last_number` is that of its newest decision, `untaken` those that no `DecisionTaken` has come
    for, oldest first. `dropped` counts what the strategy wanted and can't be: a second cancel, more
    than `LIVE_ORDERS_MAX` orders, a price or a size out of bounds. Raises `StrategyError`.
    """

    def __init__(self, entry: StrategyRun, symbol: str, epoch: int) -> None:
        self.name = entry.name
        self.symbol = symbol
        self.epoch = epoch
        self.kind = entry.strategy
        self.parameters = registry.check(entry.strategy, entry.parameters).model_dump_json()
        self.market = Market(symbol)
        self.orders = OwnOrders(entry.name, symbol, epoch)
        self.last_number = 0
        self.untaken: deque[Decision] = deque()
        self.dropped = 0
        self._begin_ns = epoch * 1_000_000_000
        self._strategy = registry.make(entry.strategy, entry.parameters)
        self._state = self._strategy.begin(self.market, self.orders)

    def step(self, event: AnyEvent) -> list[Decision]:
        """Take the symbol's next event; return what is decided at it.

        An event that was seen already changes nothing. Raises `DivergedError`; the machine must
        not be used any more then.
        """
        sequence = event.stream_sequence
        if sequence <= self.market.sequence:
            return []
        self.market.apply(event)
        if (
            type(event) is OrderReported
            or type(event) is DecisionTaken
            or type(event) is TradeAmended
        ):
            if event.strategy != self.name or event.epoch != self.epoch:
                return []
            if type(event) is OrderReported:
                self.orders.report(event)
            if type(event) is DecisionTaken:
                self._take(event)
            if type(event) is TradeAmended:
                self.orders.amend(event)
        self._state, wanted = self._strategy.step(self._state, event)
        return self._decide(wanted) if wanted and self.market.now_ns >= self._begin_ns else []

    def snapshot(self) -> bytes:
        """Return the whole state, after the event `market.sequence`."""
        return snapshots.encode(
            Snapshot(
                version=snapshots.VERSION,
                strategy=self.name,
                kind=self.kind,
                parameters=self.parameters,
                symbol=self.symbol,
                epoch=self.epoch,
                market=self.market.save(),
                orders=self.orders.save(),
                last_number=self.last_number,
                untaken=tuple(self.untaken),
                dropped=self.dropped,
                memory=self._strategy.save(self._state),
            )
        )

    def restore(self, data: bytes) -> None:
        """Become what `snapshot` returned. Raises `SnapshotError`: it is another machine's."""
        saved = snapshots.decode(data)
        theirs = (saved.strategy, saved.kind, saved.parameters, saved.symbol, saved.epoch)
        ours = (self.name, self.kind, self.parameters, self.symbol, self.epoch)
        if theirs != ours:
            raise SnapshotError(f"a snapshot of {theirs}, not {ours}")
        self.market.load(saved.market)
        self.orders.load(saved.orders)
        self.last_number = saved.last_number
        self.untaken = deque(saved.untaken)
        self.dropped = saved.dropped
        self._state = self._strategy.load(self.market, self.orders, saved.memory)

    def state_hash(self) -> str:
        """Return 32 hexadecimal digits: equal for equal states, however they were reached."""
        return blake2b(self.snapshot(), digest_size=16).hexdigest()

    def _take(self, event: DecisionTaken) -> None:
        made = self.untaken[0] if self.untaken else None
        taken = Decision(
            event.strategy,
            event.symbol,
            event.epoch,
            event.number,
            event.cause,
            event.action,
            event.order,
            event.side,
            event.price_ticks,
            event.lots,
            event.style,
        )
        if made != taken:
            raise DivergedError(f"the stream has {taken}, this machine {made or 'none'}")
        self.untaken.popleft()

    def _decide(self, wanted: Wanted) -> list[Decision]:
        decisions = []
        for want in wanted:
            decision = self._place(want) if isinstance(want, Place) else self._cancel(want.order)
            if decision is None:
                self.dropped += 1
                continue
            self.last_number = decision.number
            self.orders.decide(decision)
            self.untaken.append(decision)
            decisions.append(decision)
        return decisions

    def _place(self, want: Place) -> Decision | None:
        side, price_ticks, lots, style = want
        if (
            len(self.orders.live) >= LIVE_ORDERS_MAX
            or not 1 <= price_ticks <= PRICE_TICKS_MAX
            or not 1 <= lots <= QUANTITY_LOTS_MAX
        ):
            return None
        number = self.last_number + 1
        return Decision(
            self.name,
            self.symbol,
            self.epoch,
            number,
            self.market.sequence,
            _PLACE,
            number,
            side,
            price_ticks,
            lots,
            style,
        )

    def _cancel(self, number: int) -> Decision | None:
        order = self.orders.live.get(number)
        if order is None or not order.is_open or order.cancel:
            return None
        placed = order.decision
        return Decision(
            self.name,
            self.symbol,
            self.epoch,
            self.last_number + 1,
            self.market.sequence,
            _CANCEL,
            number,
            placed.side,
            placed.price_ticks,
            placed.lots,
            placed.style,
        )
