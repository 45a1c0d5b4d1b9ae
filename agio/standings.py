"""How a run stands, told by its stream: what each strategy decided, what it holds, what it won."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from trading.alpha.market import Market
from trading.alpha.orders import OwnOrders
from trading.decisions import Action, Decision
from trading.events import AnyEvent, DecisionTaken, OrderReported, OwnEvent, TradeAmended
from trading.runs import Run
from vocabulary.instrument import Instrument


class Result(msgspec.Struct, frozen=True):
    """A strategy in a symbol. Quantities and money are decimal text; `result` is after fees.

    It is the profit if the position were closed in the middle of the book.
    """

    strategy: str
    symbol: str
    decisions: int
    orders: int
    fills: int
    refused: int
    open_orders: int
    bought: str
    sold: str
    position: str
    result: str
    fees: str
    quote: str


class Standing:
    """One strategy in one symbol."""

    def __init__(self, strategy: str, epoch: int, market: Market, instrument: Instrument) -> None:
        self.strategy = strategy
        self.decisions = 0
        self.placed = 0
        self.orders = OwnOrders(strategy, market.symbol, epoch)
        self._market = market
        self._instrument = instrument

    def take(self, event: DecisionTaken) -> None:
        """Take in that a decision is on its way to the venue."""
        self.decisions += 1
        is_place = event.action is Action.PLACE
        self.placed += is_place
        if is_place or event.order in self.orders.live:
            fields = (getattr(event, name) for name in Decision.__struct_fields__)
            self.orders.decide(Decision(*fields))

    def report(self, event: OrderReported) -> None:
        """Take in what became of an order."""
        self.orders.report(event)

    def amend(self, event: TradeAmended) -> None:
        """Take in that the venue undid a fill, or made another one of it."""
        self.orders.amend(event)

    def result(self) -> Result:
        orders, instrument, market = self.orders, self._instrument, self._market
        # Half ticks, so that the middle of the book is exact.
        middle = market.middle_half_ticks or 2 * market.trade_price_ticks
        tick_lot_units = instrument.tick_lot_units
        traded_units = orders.profit_half_tick_lots(middle) * tick_lot_units // 2
        base_fees = orders.base_fee_units * middle * tick_lot_units // (2 * instrument.lot_units)
        fee_units = orders.quote_fee_units + base_fees
        return Result(
            strategy=self.strategy,
            symbol=market.symbol,
            decisions=self.decisions,
            orders=self.placed,
            fills=orders.fills,
            refused=orders.refused,
            open_orders=len(orders.live),
            bought=instrument.quantity_text(orders.bought_lots),
            sold=instrument.quantity_text(orders.sold_lots),
            position=instrument.quantity_text(orders.position_lots),
            result=instrument.quote.text(traded_units - fee_units),
            fees=instrument.quote.text(fee_units),
            quote=instrument.quote.name,
        )


class Counts(NamedTuple):
    """What some strategies came to."""

    orders: int
    fills: int
    refused: int


class Standings:
    """All strategies of a run; `instruments` are the venue's, by symbol."""

    def __init__(self, run: Run, instruments: Mapping[str, Instrument]) -> None:
        self.last_sequence = run.from_sequence - 1
        self.markets = {symbol: Market(symbol) for symbol in run.symbols}
        self.of: dict[tuple[str, str], Standing] = {}
        self._epoch = run.epoch
        for entry in run.strategies:
            for symbol in entry.symbols:
                self.of[entry.name, symbol] = Standing(
                    entry.name, run.epoch, self.markets[symbol], instruments[symbol]
                )

    def apply(self, events: Iterable[AnyEvent]) -> None:
        """Take in what the stream brought."""
        for event in events:
            self.last_sequence = event.stream_sequence
            market = self.markets.get(event.symbol)
            if market is not None:
                market.apply(event)
            if isinstance(event, OwnEvent) and event.epoch == self._epoch:
                standing = self.of.get((event.strategy, event.symbol))
                if standing is None:
                    continue
                match event:
                    case DecisionTaken():
                        standing.take(event)
                    case OrderReported():
                        standing.report(event)
                    case TradeAmended():
                        standing.amend(event)

    @property
    def open_orders(self) -> int:
        return sum(len(standing.orders.live) for standing in self.of.values())

    def counts(self, strategies: Iterable[str]) -> Counts:
        """Return what these strategies came to, over all symbols."""
        wanted = set(strategies)
        those = [each for each in self.of.values() if each.strategy in wanted]
        return Counts(
            sum(each.placed for each in those),
            sum(each.orders.fills for each in those),
            sum(each.orders.refused for each in those),
        )

    def results(self) -> list[Result]:
        return [standing.result() for standing in self.of.values()]
