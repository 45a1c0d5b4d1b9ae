"""What happened. Past tense, frozen, integers only.

Events stand in a record behind the command that caused them (see `vocabulary.codec.Record`) and do
not repeat its fields, but for those that let a reader follow the book or the money without any
state of its own.
"""

import msgspec

from vocabulary.rejects import RejectReason
from vocabulary.types import CancelReason, Contingency, SelfTradePrevention, Side, TradingPhase


class Event(msgspec.Struct, frozen=True, gc=False):
    """Anything that the engine says."""


class CommandRejected(Event, frozen=True, gc=False):
    """The record's command was refused and changed nothing."""

    reason: RejectReason


class OrderAccepted(Event, frozen=True, gc=False):
    """The record's `EnterOrder` was taken; `held_units` of what it spends are set aside.

    Trades, a cancel or the rest of it coming to rest follow in the same record. `quantity_lots` is
    what an order by quote amount comes to, and 0 where the command says the quantity.
    """

    order_id: int
    account_id: int
    instrument_id: int
    held_units: int
    quantity_lots: int = 0


class OrderRepeated(Event, frozen=True, gc=False):
    """The record's `EnterOrder` is one that was taken before, as this order; nothing was done."""

    order_id: int
    account_id: int
    instrument_id: int


class OrderListAccepted(Event, frozen=True, gc=False):
    """The record's `EnterOrderList` was taken. `OrderAccepted` of all its orders follow."""

    list_id: int
    account_id: int
    instrument_id: int
    contingency: Contingency
    first_order_id: int
    second_order_id: int
    third_order_id: int = 0


class OrderActivated(Event, frozen=True, gc=False):
    """The order before it in its list is filled; it is entered now, and holds `held_units`."""

    order_id: int
    account_id: int
    instrument_id: int
    held_units: int


class OrderReplaced(Event, frozen=True, gc=False):
    """An open order has new terms, and now holds `held_units` in all.

    Where it kept its priority, its quantity went down in place. Otherwise it left the book, and
    what it does there anew (trades, coming to rest) follows in the same record. The hidden lots are
    those of `previous_leaves_lots`, and of `leaves_lots` where it kept its place.
    """

    order_id: int
    account_id: int
    instrument_id: int
    side: Side
    kept_priority: bool
    previous_price_ticks: int
    previous_leaves_lots: int
    price_ticks: int
    quantity_lots: int
    leaves_lots: int
    held_units: int
    previous_hidden_lots: int = 0
    hidden_lots: int = 0


class OrderTriggered(Event, frozen=True, gc=False):
    """An order's wait is over: a trade at `price_ticks` reached its trigger price.

    What it does in the book (trades, coming to rest, a cancel) follows in the same record, which is
    that of the trade.
    """

    order_id: int
    account_id: int
    instrument_id: int
    trigger_price_ticks: int
    price_ticks: int


class OrderRested(Event, frozen=True, gc=False):
    """`leaves_lots` of an order joined the book, at the back of the queue at its price.

    Of them an iceberg does not show `hidden_lots`.
    """

    order_id: int
    account_id: int
    instrument_id: int
    side: Side
    price_ticks: int
    leaves_lots: int
    hidden_lots: int = 0


class OrderRefreshed(Event, frozen=True, gc=False):
    """An iceberg whose slice has traded shows the next one, at the back of the queue."""

    order_id: int
    account_id: int
    instrument_id: int
    side: Side
    price_ticks: int
    displayed_lots: int


class TradeExecuted(Event, frozen=True, gc=False):
    """A resting and an incoming order met, at the resting order's price.

    `trade_id` counts the instrument's trades from 1. Each side pays its fee in the asset that it
    receives: the buyer in base units, the seller in quote units. A resting order's fee below zero
    is a rebate, paid out of the incoming one's fee and so in the asset that it gave.
    `released_units` of the quote asset return to an incoming buyer who was ready to pay more.
    """

    trade_id: int
    instrument_id: int
    incoming_side: Side
    price_ticks: int
    quantity_lots: int
    base_units: int
    quote_units: int
    resting_order_id: int
    incoming_order_id: int
    resting_account_id: int
    incoming_account_id: int
    resting_leaves_lots: int
    incoming_leaves_lots: int
    resting_cumulative_lots: int
    incoming_cumulative_lots: int
    resting_fee_units: int
    incoming_fee_units: int
    released_units: int


class AuctionTradeExecuted(TradeExecuted, frozen=True, gc=False):
    """Two resting orders met at an auction's price, each at its own or a better one.

    The one that was entered first counts as resting, the other as incoming. `released_units` return
    to the buyer, whichever of the two it is.
    """

    buy_price_ticks: int
    sell_price_ticks: int


class MatchPrevented(Event, frozen=True, gc=False):
    """Two orders of one account would have traded `quantity_lots`, and did not.

    `prevented_match_id` counts an instrument's prevented matches from 1. An order that ends by it
    is told of in an `OrderCanceled` behind this event. Where one goes on with less (`DECREMENT`),
    its quantity fell by `..._decrease_lots` in place and `..._released_units` of what it spends
    are available again. Of a resting iceberg's, `resting_hidden_decrease_lots` were hidden ones.
    """

    prevented_match_id: int
    instrument_id: int
    incoming_side: Side
    account_id: int
    self_trade_prevention: SelfTradePrevention
    price_ticks: int
    quantity_lots: int
    resting_order_id: int
    incoming_order_id: int
    resting_decrease_lots: int
    incoming_decrease_lots: int
    resting_released_units: int
    incoming_released_units: int
    resting_hidden_decrease_lots: int = 0


class OrderCanceled(Event, frozen=True, gc=False):
    """An order ended with `leaves_lots` unfilled.

    Where it `was_resting`, these lots left the book at `price_ticks`, which is 0 otherwise; of an
    iceberg's `hidden_lots` were not shown.
    """

    order_id: int
    account_id: int
    instrument_id: int
    side: Side
    was_resting: bool
    reason: CancelReason
    price_ticks: int
    leaves_lots: int
    cumulative_lots: int
    released_units: int
    hidden_lots: int = 0


class SelfTradePreventionSet(Event, frozen=True, gc=False):
    """See `vocabulary.commands.SetSelfTradePrevention`."""

    account_id: int
    self_trade_prevention: SelfTradePrevention


class TradeBusted(Event, frozen=True, gc=False):
    """A trade was undone, as its `amendments`-th amendment. What it was stands here once more."""

    instrument_id: int
    amendments: int
    trade_id: int
    price_ticks: int
    quantity_lots: int
    base_units: int
    quote_units: int
    buyer_account_id: int
    seller_account_id: int
    buyer_order_id: int
    seller_order_id: int
    buyer_fee_units: int
    seller_fee_units: int


class TradeCorrected(TradeBusted, frozen=True, gc=False):
    """A trade was undone, and another one put in its place."""

    corrected_price_ticks: int
    corrected_quantity_lots: int
    corrected_base_units: int
    corrected_quote_units: int
    corrected_buyer_fee_units: int
    corrected_seller_fee_units: int


class AccountSuspended(Event, frozen=True, gc=False):
    """See `vocabulary.commands.SuspendAccount`. Its orders' cancels follow in the same record."""

    account_id: int


class AccountResumed(Event, frozen=True, gc=False):
    account_id: int


class AssetListed(Event, frozen=True, gc=False):
    asset_id: int
    scale: int
    name: bytes


class InstrumentListed(Event, frozen=True, gc=False):
    """See `vocabulary.commands.ListInstrument` for the units."""

    instrument_id: int
    base_asset_id: int
    quote_asset_id: int
    lot_units: int
    tick_lot_units: int
    notional_units_min: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    symbol: bytes


class LimitsChanged(Event, frozen=True, gc=False):
    """An instrument's limits, as they are from now on; see `vocabulary.limits.Limits`."""

    instrument_id: int
    quantity_lots_min: int
    quantity_lots_max: int
    notional_units_min: int
    notional_units_max: int
    open_orders_max: int
    price_band_ppm: int
    market_collar_ppm: int
    volatility_band_ppm: int
    volatility_auction_ns: int


class IncrementsChanged(Event, frozen=True, gc=False):
    """The steps of orders' prices and quantities from now on, in the instrument's ticks and lots.

    Those of an instrument are 1 until it is said otherwise.
    """

    instrument_id: int
    price_increment_ticks: int
    quantity_increment_lots: int


class ReferencePriceSet(Event, frozen=True, gc=False):
    """Bands and collars are about this price from now on, until the next trade."""

    instrument_id: int
    price_ticks: int


class IndicativePriceChanged(Event, frozen=True, gc=False):
    """What the auction would come to if it ended now; all 0: nothing would trade.

    `surplus_lots` would find nobody: above zero buyers', below it sellers'.
    """

    instrument_id: int
    price_ticks: int
    quantity_lots: int
    surplus_lots: int


class PhaseChanged(Event, frozen=True, gc=False):
    instrument_id: int
    phase: TradingPhase


class FeesChanged(Event, frozen=True, gc=False):
    instrument_id: int
    maker_fee_ppm: int
    taker_fee_ppm: int


class TierFeesSet(Event, frozen=True, gc=False):
    """See `vocabulary.commands.SetTierFees`."""

    fee_tier: int
    instrument_id: int
    maker_fee_ppm: int
    taker_fee_ppm: int


class TierFeesCleared(Event, frozen=True, gc=False):
    fee_tier: int
    instrument_id: int


class FeeTierAssigned(Event, frozen=True, gc=False):
    account_id: int
    fee_tier: int


class FundsCredited(Event, frozen=True, gc=False):
    """`available_units` is what the account has available from now on."""

    account_id: int
    asset_id: int
    amount_units: int
    available_units: int
