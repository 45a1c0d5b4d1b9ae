"""The trades of an auction: orders on both sides of a book meet at one price.

Each side trades in price-time priority.
"""

from matching.core import icebergs, order_lists
from matching.core.fees import fee_units, maker_fee_units
from matching.core.matcher import Matcher
from matching.core.order import Order
from matching.core.order_book import OrderBook
from vocabulary.types import Side

BUY = Side.BUY.value
SELL = Side.SELL.value


def crosses(book: OrderBook, price_ticks: int) -> bool:
    """Say whether there are orders on both sides that trade at a price."""
    buys, sells = book.buys.best, book.sells.best
    if buys is None or sells is None:
        return False
    return buys.price_ticks >= price_ticks >= sells.price_ticks


def trade_at(matcher: Matcher, book: OrderBook, price_ticks: int, trades_max: int) -> int:
    """Let the first orders of both sides meet, over and over; return how often they did.

    At most `trades_max` times, unless that is not above 0.
    """
    trades = 0
    while crosses(book, price_ticks):
        if trades == trades_max > 0:
            break
        trades += 1
        assert book.buys.best is not None
        assert book.sells.best is not None
        buy, sell = book.buys.best.oldest, book.sells.best.oldest
        assert buy is not None
        assert sell is not None
        trade(matcher, book, buy, sell, price_ticks)
        settle(matcher, book, buy)
        settle(matcher, book, sell)
        book.set_reference(price_ticks)
        book.last_trade_ticks = price_ticks
    return trades


def settle(matcher: Matcher, book: OrderBook, order: Order) -> None:
    """Let an order that has traded leave, or show its next slice; its list takes note."""
    if order.leaves_lots == 0:
        matcher.leave_book(book, order)
        matcher.close(order)
    elif order.leaves_lots == order.hidden_lots:
        icebergs.refresh(book, order, matcher.events)
    if order.order_list is not None:
        order_lists.traded(matcher, book, order)


def trade(matcher: Matcher, book: OrderBook, buy: Order, sell: Order, price_ticks: int) -> None:
    """Let two resting orders meet. The one entered first counts as resting."""
    lots = min(buy.leaves_lots - buy.hidden_lots, sell.leaves_lots - sell.hidden_lots)
    base_units = lots * book.lot_units
    quote_units = lots * price_ticks * book.tick_lot_units
    buyer_is_maker = buy.order_id < sell.order_id
    if buyer_is_maker:
        resting, incoming, incoming_side = buy, sell, SELL
        taker_received, maker_received = quote_units, base_units
        taker_fees, maker_fees = book.quote_fees, book.base_fees
    else:
        resting, incoming, incoming_side = sell, buy, BUY
        taker_received, maker_received = base_units, quote_units
        taker_fees, maker_fees = book.base_fees, book.quote_fees
    taker_fee = fee_units(taker_received, book.taker_ppm(incoming.account))
    maker_ppm = book.maker_ppm(resting.account)
    maker_fee = maker_fee_units(maker_received, taker_received, maker_ppm, taker_fee)
    unheld = buy.hold_per_lot * lots

    buy.spends.held -= unheld
    buy.spends.available += unheld - quote_units
    buy.receives.available += base_units
    sell.spends.held -= base_units
    sell.receives.available += quote_units
    incoming.receives.available -= taker_fee
    taker_fees.available += taker_fee
    if maker_fee >= 0:
        resting.receives.available -= maker_fee
        maker_fees.available += maker_fee
    else:
        resting.spends.available -= maker_fee
        taker_fees.available += maker_fee
    book.buys.reduce(buy, lots)
    book.sells.reduce(sell, lots)
    book.trade_count += 1
    matcher.events.trade_executed(
        book.trade_count,
        book.instrument_id,
        incoming_side,
        price_ticks,
        lots,
        base_units,
        quote_units,
        resting.order_id,
        incoming.order_id,
        resting.account.account_id,
        incoming.account.account_id,
        resting.leaves_lots,
        incoming.leaves_lots,
        resting.quantity_lots - resting.leaves_lots,
        incoming.quantity_lots - incoming.leaves_lots,
        maker_fee,
        taker_fee,
        unheld - quote_units,
    )
    matcher.events.at_auction(buy.price_ticks, sell.price_ticks)
