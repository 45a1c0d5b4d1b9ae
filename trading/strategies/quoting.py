"""How strategies turn what they want to have into what is to be done."""

from trading.alpha.market import Market
from trading.alpha.orders import OwnOrders
from trading.decisions import OrderStyle
from trading.strategies.strategy import Cancel, Place
from vocabulary.types import Side

_BUY, _SELL = Side.BUY, Side.SELL
_POST_ONLY, _IMMEDIATE = OrderStyle.POST_ONLY, OrderStyle.IMMEDIATE


def quote(
    orders: OwnOrders, side: Side, price_ticks: int, lots: int, tolerance_ticks: int
) -> Place | Cancel | None:
    """Return the next act towards one quote on a side, at `price_ticks`, or none if that is 0.

    A quote within `tolerance_ticks` of it stays. Another is placed once the last one's end is
    known, so there are never two.
    """
    for order in orders.live.values():
        if order.side is side:
            if not order.is_open or order.cancel:
                return None
            if price_ticks and abs(order.price_ticks - price_ticks) <= tolerance_ticks:
                return None
            return Cancel(order.number)
    return Place(side, price_ticks, lots, _POST_ONLY) if price_ticks else None


def approach(
    market: Market, orders: OwnOrders, target_lots: int, order_lots: int, slippage_ticks: int
) -> tuple[Place, ...]:
    """Return an immediate order of `order_lots` at most that leads to a position, or nothing.

    Nothing, too, while the outcome of the last one is unknown, or nobody is there to trade with.
    """
    gap = target_lots - orders.position_lots
    if not gap or orders.live:
        return ()
    if gap > 0:
        best = market.asks.best_ticks
        price_ticks, side = best + slippage_ticks, _BUY
    else:
        best = market.bids.best_ticks
        price_ticks, side = max(best - slippage_ticks, 1), _SELL
    return (Place(side, price_ticks, min(abs(gap), order_lots), _IMMEDIATE),) if best else ()
