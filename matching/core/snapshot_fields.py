"""Which fields the engine's state consists of, and which of them a snapshot keeps.

Every field of every class that the state is made of stands here: a saved one is a column of the
class's rows, a derived one is rebuilt from them or from where the object stands. A test compares
the table with the classes, so a field that stands in neither column fails by its name.
"""

from typing import Final, NamedTuple

from matching.core.client_order_ids import ClientOrderId, ClientOrderIds
from matching.core.holds import Account, Funds
from matching.core.ladder import Ladder, Page
from matching.core.name_rows import NameRows
from matching.core.order import Level, Order
from matching.core.order_book import OrderBook
from matching.core.order_lists import OrderList
from matching.core.order_table import OrderTable
from matching.core.state import State
from matching.core.triggers import Trigger, Triggers, Turn


class Fields(NamedTuple):
    """What of a class is saved, and what follows from that and from where an object stands."""

    saved: tuple[str, ...]
    derived: tuple[str, ...] = ()


FIELDS: Final[dict[type, Fields]] = {
    State: Fields(
        ("sequence", "timestamp_ns"),
        (
            "assets",
            "issued_units",
            "books",
            "symbols",
            "tier_fees",
            "name_rows",
            "accounts",
            "orders",
            "expiries",
            "near_accounts",
            "near_books",
            "auctions",
        ),
    ),
    Account: Fields(
        ("account_id", "self_trade_prevention", "fee_tier", "is_suspended"),
        ("funds", "client_order_ids", "open_order_count", "base_funds", "quote_funds"),
    ),
    Funds: Fields(("asset_id", "available", "held")),
    OrderBook: Fields(
        (
            "instrument_id",
            "base_asset_id",
            "quote_asset_id",
            "lot_units",
            "tick_lot_units",
            "limits",
            "reference_ticks",
            "maker_fee_ppm",
            "taker_fee_ppm",
            "phase",
            "auction_ends_ns",
            "indicative_ticks",
            "indicative_lots",
            "surplus_lots",
            "trade_count",
            "prevented_count",
            "last_trade_ticks",
        ),
        (
            "quantity_lots_min",
            "quantity_lots_max",
            "notional_units_min",
            "notional_units_max",
            "notional_tick_lots_max",
            "open_orders_max",
            "open_counts",
            "has_bands",
            "lowest_limit_ticks",
            "highest_limit_ticks",
            "lowest_market_ticks",
            "highest_market_ticks",
            "tier_fees",
            "has_volatility_band",
            "lowest_calm_ticks",
            "highest_calm_ticks",
            "amendments",
            "uncross_ticks",
            "uncross_phase",
            "has_increments",
            "price_increment_ticks",
            "quantity_increment_lots",
            "triggers",
            "waiting_count",
            "base_fees",
            "quote_fees",
            "buys",
            "sells",
        ),
    ),
    Order: Fields(
        (
            "order_id",
            "entered_by",
            "instrument_id",
            "side",
            "price_ticks",
            "quantity_lots",
            "flags",
            "leaves_lots",
            "hidden_lots",
            "display_lots",
            "hold_per_lot",
            "expire_time_ns",
            "self_trade_prevention",
        ),
        (
            "budget_units",
            "account",
            "name_row",
            "spends",
            "receives",
            "level",
            "older",
            "newer",
            "chained",
            "trigger",
            "order_list",
        ),
    ),
    Trigger: Fields(
        ("order_type", "time_in_force", "price_ticks", "trailing_bps", "best_ticks"),
        ("awaits_fall", "is_market", "is_turn", "key", "row"),
    ),
    Turn: Fields(("command",), ("is_turn", "row")),
    OrderList: Fields(("list_id", "contingency"), ("orders", "row")),
    Triggers: Fields((), ("orders", "falling", "rising", "trailing", "prices")),
    ClientOrderId: Fields(
        ("order_id", "content", "closed_ns", "text"),
        ("is_open",),
    ),
    ClientOrderIds: Fields(
        (),
        (
            "rows",
            "tables",
            "only",
            "table_shift",
            "mask",
            "count",
            "open_first",
            "open_last",
            "closed_first",
            "closed_last",
            "closed_count",
            "oldest_ns",
        ),
    ),
    NameRows: Fields((), ("pages", "end", "free", "closed_max")),
    OrderTable: Fields((), ("buckets", "mask", "count")),
    Ladder: Fields((), ("sign", "best", "levels", "mask", "count", "pages")),
    Page: Fields((), ("number", "occupied")),
    Level: Fields((), ("price_ticks", "lots", "oldest", "newest", "chained")),
}
