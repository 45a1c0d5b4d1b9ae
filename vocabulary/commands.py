"""What may be asked of the matching process. Imperative, frozen, integers only.

`session_id` names who sends, `session_number` rises with each of a session's commands: together
they make a resent command known, so that it executes once (see `matching.sequencer`). An
`account_id` is the ledger's number of an account.
"""

import msgspec

from vocabulary.types import (
    Contingency,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    Sides,
    TimeInForce,
    TradingPhase,
)


class Command(msgspec.Struct, frozen=True, gc=False):
    """The fields that every command starts with."""

    session_id: int
    session_number: int


class EnterOrder(Command, frozen=True, gc=False):
    """A new order. The price of one without a limit is 0.

    `expire_time_ns` is UTC, and 0 unless it is good till date. A day ends at midnight UTC.
    An order that waits has a trigger price or, a stop only, trails the price by so many hundredths
    of a per cent. Its time in force counts from its entry; immediate ones from its trigger.
    An order at market may name what it spends or brings in at most, in units of the quote asset,
    instead of a quantity, which is then 0.
    An iceberg shows `display_lots` at a time; 0 shows all.
    """

    account_id: int
    instrument_id: int
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    flags: OrderFlags
    price_ticks: int
    quantity_lots: int
    client_order_id: bytes
    expire_time_ns: int = 0
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.ACCOUNT_DEFAULT
    trigger_price_ticks: int = 0
    trailing_bps: int = 0
    quote_units: int = 0
    display_lots: int = 0


class EnterOrderList(Command, frozen=True, gc=False):
    """Two or three new orders in one instrument that depend on each other; all or none are taken.

    One cancels the other: a post-only limit order or a take profit, and a stop, of the same side
    and quantity. One triggers the other: a limit order, and one of any kind that names a quantity;
    or two of which one cancels the other. The fields of each are those of `EnterOrder`. A list of
    two has no third name and quantity.
    """

    account_id: int
    instrument_id: int
    contingency: Contingency
    client_list_id: bytes
    first_side: Side
    first_order_type: OrderType
    first_time_in_force: TimeInForce
    first_flags: OrderFlags
    first_price_ticks: int
    first_quantity_lots: int
    first_client_order_id: bytes
    first_expire_time_ns: int
    first_self_trade_prevention: SelfTradePrevention
    first_trigger_price_ticks: int
    first_trailing_bps: int
    first_display_lots: int
    second_side: Side
    second_order_type: OrderType
    second_time_in_force: TimeInForce
    second_flags: OrderFlags
    second_price_ticks: int
    second_quantity_lots: int
    second_client_order_id: bytes
    second_expire_time_ns: int
    second_self_trade_prevention: SelfTradePrevention
    second_trigger_price_ticks: int
    second_trailing_bps: int
    second_display_lots: int
    third_side: Side = Side.BUY
    third_order_type: OrderType = OrderType.LIMIT
    third_time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCEL
    third_flags: OrderFlags = OrderFlags.NONE
    third_price_ticks: int = 0
    third_quantity_lots: int = 0
    third_client_order_id: bytes = b""
    third_expire_time_ns: int = 0
    third_self_trade_prevention: SelfTradePrevention = SelfTradePrevention.ACCOUNT_DEFAULT
    third_trigger_price_ticks: int = 0
    third_trailing_bps: int = 0
    third_display_lots: int = 0

    @property
    def orders(self) -> tuple[EnterOrder, ...]:
        """Return the orders, each as the command that would enter it alone."""
        has_third = self.third_client_order_id != b"" or self.third_quantity_lots != 0
        return tuple(
            EnterOrder(
                self.session_id,
                self.session_number,
                self.account_id,
                self.instrument_id,
                **{name: getattr(self, f"{which}_{name}") for name in _LISTED},
            )
            for which in ("first", "second", "third")[: 2 + has_third]
        )


_LISTED = (
    "side",
    "order_type",
    "time_in_force",
    "flags",
    "price_ticks",
    "quantity_lots",
    "client_order_id",
    "expire_time_ns",
    "self_trade_prevention",
    "trigger_price_ticks",
    "trailing_bps",
    "display_lots",
)


def list_orders(
    contingency: Contingency, client_list_id: bytes, *orders: EnterOrder
) -> EnterOrderList:
    """Return the command that enters orders, all of one account and instrument, as a list."""
    first = orders[0]
    return EnterOrderList(
        first.session_id,
        first.session_number,
        first.account_id,
        first.instrument_id,
        contingency,
        client_list_id,
        *(getattr(order, name) for order in orders for name in _LISTED),
    )


class ReplaceOrder(Command, frozen=True, gc=False):
    """New terms for an open order.

    It is named by `order_id`, or by `original_client_order_id` where that is 0.
    `quantity_lots` is the new total: what has been filled already counts against it.
    """

    account_id: int
    instrument_id: int
    order_id: int
    price_ticks: int
    quantity_lots: int
    client_order_id: bytes
    original_client_order_id: bytes


class CancelOrder(Command, frozen=True, gc=False):
    """Take an open order out; named as in `ReplaceOrder`."""

    account_id: int
    instrument_id: int
    order_id: int
    client_order_id: bytes
    original_client_order_id: bytes


class CancelAllOrders(Command, frozen=True, gc=False):
    """Take out an account's open orders in an instrument or, where that is 0, in all.

    Of these only the orders that `entered_by` has entered, unless that is 0: the id of a session;
    and of those only the ones that have all of `flags`.
    """

    account_id: int
    instrument_id: int
    client_order_id: bytes
    sides: Sides = Sides.BOTH
    entered_by: int = 0
    flags: OrderFlags = OrderFlags.NONE


class ExpireOrders(Command, frozen=True, gc=False):
    """Take out the open orders, and end the auctions, whose time is over at `timestamp_ns`.

    The matching process orders this itself, before it executes anything later. It ends at most
    `steps_max` orders, or one auction by as many trades, and is ordered again while there is more;
    0 is without bound, as it once was.
    """

    steps_max: int = 0


class ListAsset(Command, frozen=True, gc=False):
    """Make an asset known. Its smallest unit is 10 ** -scale."""

    asset_id: int
    scale: int
    name: bytes


class ListInstrument(Command, frozen=True, gc=False):
    """Make an instrument known.

    One lot is `lot_units` smallest units of the base asset. One lot at a price of one tick costs
    `tick_lot_units` smallest units of the quote asset. Fees are parts per million of what a side
    receives. The limits, from `quantity_lots_min` on, are those of `SetLimits`, and the increments
    those of `ChangeIncrements`.
    """

    instrument_id: int
    base_asset_id: int
    quote_asset_id: int
    lot_units: int
    tick_lot_units: int
    notional_units_min: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    symbol: bytes
    phase: TradingPhase = TradingPhase.TRADING
    quantity_lots_min: int = 0
    quantity_lots_max: int = 0
    notional_units_max: int = 0
    open_orders_max: int = 0
    price_band_ppm: int = 0
    market_collar_ppm: int = 0
    volatility_band_ppm: int = 0
    volatility_auction_ns: int = 0
    price_increment_ticks: int = 1
    quantity_increment_lots: int = 1


class ChangeIncrements(Command, frozen=True, gc=False):
    """New steps for the prices and quantities of orders, in the instrument's own ticks and lots.

    These stay what they were listed as, so no figure of the past changes. Open orders that are off
    the new steps are canceled, the oldest first and at most `cancels_max` of them; while there are
    more the steps stay as well, and the command is to be sent again. With 0 it is refused instead.
    """

    instrument_id: int
    price_increment_ticks: int
    quantity_increment_lots: int
    cancels_max: int


class SetLimits(Command, frozen=True, gc=False):
    """New limits for the orders that follow; see `vocabulary.limits.Limits`."""

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


class SetReferencePrice(Command, frozen=True, gc=False):
    """The price that bands and collars are about, until the next trade; 0: there is none."""

    instrument_id: int
    price_ticks: int


class ChangePhase(Command, frozen=True, gc=False):
    """Let an instrument come to a phase; orders that have crossed in an auction trade first.

    Delisting cancels all its orders, and is for good. Where there are more than `steps_max`, it
    takes cancels only from then on, and the command is to be sent again. Where more trades than
    that are due, the clock goes on with them at once. 0 is without bound, as it once was.
    """

    instrument_id: int
    phase: TradingPhase
    steps_max: int = 0


class SetFees(Command, frozen=True, gc=False):
    """New fees for the trades that follow, in parts per million of what a side receives.

    They are those of accounts for whose tier there are no others. A maker's below zero is a rebate.
    """

    instrument_id: int
    maker_fee_ppm: int
    taker_fee_ppm: int


class SetSelfTradePrevention(Command, frozen=True, gc=False):
    """What orders of an account that follow do where they would trade with one of its own."""

    account_id: int
    self_trade_prevention: SelfTradePrevention


class SetTierFees(Command, frozen=True, gc=False):
    """As `SetFees`, for the accounts of a tier, in an instrument or (0) in all.

    Of a tier's fees those for the instrument come before those for all; the instrument's own, for
    accounts of any tier, come last.
    """

    fee_tier: int
    instrument_id: int
    maker_fee_ppm: int
    taker_fee_ppm: int


class ClearTierFees(Command, frozen=True, gc=False):
    """Let a tier have no fees of its own in an instrument, or (0) none for all of them."""

    fee_tier: int
    instrument_id: int


class AssignFeeTier(Command, frozen=True, gc=False):
    """Put an account into a fee tier, or (0) into none."""

    account_id: int
    fee_tier: int


class SuspendAccount(Command, frozen=True, gc=False):
    """The kill switch: cancel an account's open orders, and take no more of it.

    It keeps its funds, and may be credited. It need not have any yet.
    """

    account_id: int


class ResumeAccount(Command, frozen=True, gc=False):
    """Let an account trade again."""

    account_id: int


class AmendTrade(Command, frozen=True, gc=False):
    """What both amendments of a trade say of it.

    The engine does not remember trades, so the desk says from the ledger what this one was, as it
    stands after so many amendments. A fee below zero is a rebate (see `TradeExecuted`). The
    trade's own record is `trade_sequence`, 0 where that is not said.
    """

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


class BustTrade(AmendTrade, frozen=True, gc=False):
    """Undo a trade: each side gives back what it got, and gets back its fee."""

    trade_sequence: int = 0
    buyer_is_maker: bool = False


class CorrectTrade(AmendTrade, frozen=True, gc=False):
    """Let a trade have had another price or a smaller quantity, with the fees of today."""

    corrected_price_ticks: int
    corrected_quantity_lots: int
    buyer_is_maker: bool
    trade_sequence: int = 0


class CreditFunds(Command, frozen=True, gc=False):
    """Funds that arrived from outside, in the asset's smallest units."""

    account_id: int
    asset_id: int
    amount_units: int
