"""What the stream says of a strategy's own orders in a symbol: what is open, what it holds.

An order's life, as reports tell it::

    decided ──ACCEPTED──► open ──► filled, CANCELED or EXPIRED: forgotten
       └──────REFUSED──► forgotten   └─ CANCEL_REFUSED: it is not open: forgotten

Fills count whether or not the order is still known: the report of a trade may come behind that of
the end. One that the venue amends counts as it is then.

Runs compiled where there is a compiler: the C types stand in `orders.pxd`.
"""

from trading.alpha.snapshot import SavedOrder, SavedOrders
from trading.decisions import Action, Decision
from trading.events import OrderReported, ReportKind, TradeAmended
from vocabulary.types import Side

_PLACE, _BUY = Action.PLACE, Side.BUY
_ACCEPTED, _TRADED, _REFUSED = ReportKind.ACCEPTED, ReportKind.TRADED, ReportKind.REFUSED


class OwnOrder:
    """An order that may trade. `number` is that of the decision that placed it.

    `is_open`: the venue has accepted it. `cancel` is the number of the decision that cancels it, 0
    if there is none: an order is canceled once.
    """

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.number = decision.number
        self.side = decision.side
        self.price_ticks = decision.price_ticks
        self.leaves_lots = decision.lots
        self.is_open = False
        self.cancel = 0


class OwnOrders:
    """The orders of a strategy in a symbol and an epoch, and what came of them.

    `position_lots` is what was bought less what was sold. `cash_tick_lots` is what was received
    less what was paid, in price ticks times lots. Fees are kept apart from both: `base_fee_units`
    and `quote_fee_units`, in the smallest units of the assets. `refused` counts refusals of orders.
    """

    def __init__(self, strategy: str, symbol: str, epoch: int) -> None:
        self.strategy = strategy
        self.symbol = symbol
        self.epoch = epoch
        self.live: dict[int, OwnOrder] = {}  # by number, which is by age
        self.position_lots = 0
        self.cash_tick_lots = 0
        self.base_fee_units = 0
        self.quote_fee_units = 0
        self.bought_lots = 0
        self.sold_lots = 0
        self.fills = 0
        self.refused = 0

    def on(self, side: Side) -> list[OwnOrder]:
        """Return the orders of a side that are open or may be, oldest first."""
        return [order for order in self.live.values() if order.side is side]

    def profit_half_tick_lots(self, middle_half_ticks: int) -> int:
        """Return profit or loss without fees, the position at `middle_half_ticks`, exactly."""
        return 2 * self.cash_tick_lots + self.position_lots * middle_half_ticks

    def decide(self, decision: Decision) -> None:
        """Take the strategy's own next decision in; one to cancel is for an open order."""
        if decision.action is _PLACE:
            self.live[decision.number] = OwnOrder(decision)
        else:
            self.live[decision.order].cancel = decision.number

    def report(self, event: OrderReported) -> None:
        """Take a report of one of these orders in."""
        kind = event.kind
        order = self.live.get(event.order)
        if kind is _TRADED:
            self._fill(event)
            if order is None:
                return
            order.is_open = True
            order.leaves_lots = event.leaves_lots
            if order.leaves_lots == 0:
                del self.live[event.order]
        elif kind is _ACCEPTED:
            if order is not None:
                order.is_open = True
        elif order is not None:
            if kind is _REFUSED:
                self.refused += 1
            del self.live[event.order]

    def amend(self, event: TradeAmended) -> None:
        """Take in that a fill came to something else. What is open stays as it is."""
        self._count(
            event.side, event.undone_price_ticks, -event.undone_lots, -event.undone_fee_units,
            event.undone_fee_units >= 0,
        )  # fmt: skip
        fee_units = event.fee_units
        self._count(event.side, event.price_ticks, event.lots, fee_units, fee_units >= 0)
        if not event.lots:
            self.fills -= 1

    def save(self) -> SavedOrders:
        """Return all of it: equal orders give equal ones."""
        live = [
            SavedOrder(order.decision, order.leaves_lots, order.is_open, order.cancel)
            for order in self.live.values()
        ]
        return SavedOrders(
            tuple(live),
            self.position_lots,
            str(self.cash_tick_lots),
            self.base_fee_units,
            self.quote_fee_units,
            self.bought_lots,
            self.sold_lots,
            self.fills,
            self.refused,
        )

    def load(self, saved: SavedOrders) -> None:
        """Become what `save` returned."""
        self.live.clear()
        for each in saved.live:
            order = self.live[each.decision.number] = OwnOrder(each.decision)
            order.leaves_lots = each.leaves_lots
            order.is_open = each.is_open
            order.cancel = each.cancel
        self.position_lots = saved.position_lots
        self.cash_tick_lots = int(saved.cash_tick_lots)
        self.base_fee_units = saved.base_fee_units
        self.quote_fee_units = saved.quote_fee_units
        self.bought_lots = saved.bought_lots
        self.sold_lots = saved.sold_lots
        self.fills = saved.fills
        self.refused = saved.refused

    def _fill(self, event: OrderReported) -> None:
        self.fills += 1
        fee_units = event.fee_units
        self._count(event.side, event.fill_price_ticks, event.fill_lots, fee_units, fee_units >= 0)

    def _count(self, side: Side, price_ticks: int, lots: int, fee_units: int, is_fee: bool) -> None:
        """Count what changed hands, lots below 0 for what did not after all."""
        if side is _BUY:
            self.position_lots += lots
            self.bought_lots += lots
            self.cash_tick_lots -= price_ticks * lots
        else:
            self.position_lots -= lots
            self.sold_lots += lots
            self.cash_tick_lots += price_ticks * lots
        # A fee is in what the side receives, a rebate in what it gives.
        if (side is _BUY) == is_fee:
            self.base_fee_units += fee_units
        else:
            self.quote_fee_units += fee_units
