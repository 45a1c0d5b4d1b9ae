"""Bugs that an engine like this one could have, each planted by the change of one place."""

from __future__ import annotations

from typing import NamedTuple


class Bug(NamedTuple):
    """`sound` stands once in the file; with `broken` in its place the engine is wrong."""

    name: str
    path: str
    sound: str
    broken: str


_CORE = "matching/core"

BUGS = [
    Bug(
        "the newest order at a price trades first",
        f"{_CORE}/matcher.py",
        "resting = level.oldest",
        "resting = level.newest",
    ),
    Bug(
        "the best level is not moved up by a better order",
        f"{_CORE}/ladder.py",
        "if self.best is None or key > self.sign * self.best.price_ticks:",
        "if self.best is None or key > self.sign * self.best.price_ticks + 1:",
    ),
    Bug(
        "a level's lots forget a canceled order",
        f"{_CORE}/ladder.py",
        "        level.lots -= order.leaves_lots\n        if level.oldest is None:",
        "        level.lots -= 0\n        if level.oldest is None:",
    ),
    Bug(
        "an order trades one tick beyond its limit",
        f"{_CORE}/order_book.py",
        "        return best.price_ticks <= limit_ticks if side == BUY else"
        " best.price_ticks >= limit_ticks",
        "        return best.price_ticks < limit_ticks if side == BUY else"
        " best.price_ticks > limit_ticks",
    ),
    Bug(
        "fill or kill looks at one level too few",
        f"{_CORE}/order_book.py",
        "            lots -= level.lots\n            if lots <= 0:\n                return True",
        "            if lots <= 0:\n                return True\n            lots -= level.lots",
    ),
    Bug(
        "a buyer's price improvement is kept",
        f"{_CORE}/matcher.py",
        "        incoming.spends.available += unheld - incoming_spent\n",
        "",
    ),
    Bug(
        "the taker pays the maker's fee",
        f"{_CORE}/matcher.py",
        "book.taker_ppm(incoming.account)",
        "book.maker_ppm(incoming.account)",
    ),
    Bug(
        "fees are rounded down",
        f"{_CORE}/fees.py",
        "(rest * fee_ppm + 999_999) // 1_000_000",
        "rest * fee_ppm // 1_000_000",
    ),
    Bug(
        "a rebate may pass the fee that pays it",
        f"{_CORE}/fees.py",
        "return -min(millions * rate + rest * rate // 1_000_000, taker_fee_units)",
        "return -(millions * rate + rest * rate // 1_000_000)",
    ),
    Bug(
        "a canceled order's funds stay held",
        f"{_CORE}/matcher.py",
        "        released_units = order.hold_per_lot * order.leaves_lots\n"
        "        order.spends.release(released_units)\n"
        "        self.report_cancel(order, order.trigger is None",
        "        released_units = order.hold_per_lot * order.leaves_lots\n"
        "        self.report_cancel(order, order.trigger is None",
    ),
    Bug(
        "a replace for more keeps its place",
        f"{_CORE}/matcher.py",
        "kept_priority = price_ticks == previous_price and leaves_lots <= previous_leaves",
        "kept_priority = price_ticks == previous_price",
    ),
    Bug(
        "a replace forgets what was filled",
        f"{_CORE}/engine.py",
        "        leaves_lots = lots - (order.quantity_lots - order.leaves_lots)",
        "        leaves_lots = lots",
    ),
    Bug(
        "a replace takes the name of a closed order",
        f"{_CORE}/engine.py",
        "        if is_renamed and self.is_taken(names, words, at + REPLACE_NAME_AT):\n",
        "        if False and self.is_taken(names, words, at + REPLACE_NAME_AT):\n",
    ),
    Bug(
        "another account's order can be canceled",
        f"{_CORE}/engine.py",
        "if order is None or order.account is not account or order.instrument_id != instrument_id:",
        "if order is None or order.instrument_id != instrument_id:",
    ),
    Bug(
        "a suspended account may still replace",
        f"{_CORE}/engine.py",
        "        book: OrderBook | None = near.book(self.state, instrument_id)\n\n"
        "        if account is not None and account.is_suspended:",
        "        book: OrderBook | None = near.book(self.state, instrument_id)\n\n"
        "        if account is None and account_id < 0:",
    ),
    Bug(
        "post-only orders take liquidity",
        f"{_CORE}/engine.py",
        "        if flags & POST_ONLY and book.crosses(side, price_ticks):",
        "        if flags & POST_ONLY and book.crosses(side, price_ticks - 1):",
    ),
    Bug(
        "a client order id is forgotten an hour early",
        f"{_CORE}/client_order_ids.py",
        "REMEMBERED_NS = 24 * 3600 * 10**9",
        "REMEMBERED_NS = 23 * 3600 * 10**9",
    ),
    Bug(
        "two client order ids lie in one row",
        f"{_CORE}/name_rows.py",
        "            self.free = self.words(row)[LATER_AT]\n",
        "",
    ),
    Bug(
        "a client order id that is forgotten hides one behind it",
        f"{_CORE}/client_order_ids.py",
        "            if (slot - home) & self.mask >= (slot - hole) & self.mask:\n",
        "            if (slot - home) & self.mask > (slot - hole) & self.mask:\n",
    ),
    Bug(
        "a day order ends a day late",
        f"{_CORE}/order_terms.py",
        "return now_ns // DAY_NS * DAY_NS + DAY_NS if time_in_force == DAY else 0",
        "return now_ns // DAY_NS * DAY_NS + 2 * DAY_NS if time_in_force == DAY else 0",
    ),
    Bug(
        "stops trigger one tick late",
        f"{_CORE}/triggers.py",
        "            price_ticks <= self.price_ticks\n",
        "            price_ticks < self.price_ticks\n",
    ),
    Bug(
        "a trailing stop follows the wrong way",
        f"{_CORE}/triggers.py",
        "        if self.awaits_fall:\n            return price_ticks > self.best_ticks",
        "        if self.awaits_fall:\n            return price_ticks < self.best_ticks",
    ),
    Bug(
        "expiring the maker ends the taker, too",
        f"{_CORE}/self_trade.py",
        "    elif mode == EXPIRE_MAKER:\n        ends = RESTING_ENDS",
        "    elif mode == EXPIRE_MAKER:\n        ends = RESTING_ENDS | INCOMING_ENDS",
    ),
    Bug(
        "an auction's price is not the next reference",
        f"{_CORE}/auction_trades.py",
        "        book.set_reference(price_ticks)\n",
        "        book.set_reference(price_ticks + 1)\n",
    ),
    Bug(
        "a tier's fees for all instruments come before those for one",
        f"{_CORE}/fee_tiers.py",
        "        for of in (0, instrument_id):",
        "        for of in (instrument_id, 0):",
    ),
    Bug(
        "a trade can be busted twice",
        f"{_CORE}/amendments.py",
        "    book.amendments[command.trade_id] = amendments + 1 if is_there_still else BUSTED",
        "    book.amendments[command.trade_id] = amendments",
    ),
    Bug(
        "a corrected trade's fee stays as it was",
        f"{_CORE}/amendments.py",
        "        fees = (amended.corrected_buyer_fee_units, amended.corrected_seller_fee_units)\n",
        "",
    ),
    Bug(
        "the state hash leaves the orders out",
        f"{_CORE}/state.py",
        "                        add(*order_row(order))\n",
        "                        pass\n",
    ),
    Bug(
        "a snapshot forgets an account's suspension",
        f"{_CORE}/snapshot.py",
        "    account.is_suspended = is_suspended\n",
        "    account.is_suspended = False\n",
    ),
    Bug(
        "a stop's trigger price may be off the increment",
        f"{_CORE}/order_terms.py",
        "        if is_off or trigger_price_ticks % book.price_increment_ticks:\n",
        "        if is_off:\n",
    ),
    Bug(
        "what an order leaves may be off the new increment",
        f"{_CORE}/increments.py",
        "    lots = (order.quantity_lots, order.leaves_lots, order.hidden_lots",
        "    lots = (order.quantity_lots, order.quantity_lots, order.hidden_lots",
    ),
    Bug(
        "an auction's price may be off the increment",
        f"{_CORE}/auction.py",
        "        book.price_increment_ticks,\n",
        "        1,\n",
    ),
    Bug(
        "an amount comes to a quantity off the increment",
        f"{_CORE}/quote_amounts.py",
        "    return lots - lots % book.quantity_increment_lots\n",
        "    return lots\n",
    ),
    Bug(
        "a snapshot forgets an increment",
        f"{_CORE}/snapshot.py",
        "    book.set_increments(price_increment_ticks, quantity_increment_lots)\n",
        "    book.set_increments(price_increment_ticks, 1)\n",
    ),
    Bug(
        "an order joins an auction across its own account's",
        f"{_CORE}/matcher.py",
        "        return own_orders.pass_by(self, book, order)\n",
        "        return True\n",
    ),
    Bug(
        "at its own account's price an order does not cross in an auction",
        f"{_CORE}/own_orders.py",
        "        if opposite.sign * (level.price_ticks - incoming.price_ticks) < 0:\n",
        "        if opposite.sign * (level.price_ticks - incoming.price_ticks) <= 0:\n",
    ),
    Bug(
        "a bounded expiry ends auctions before orders",
        f"{_CORE}/engine.py",
        "            if steps == steps_max > 0:\n                return\n",
        "            if steps == steps_max > 0:\n                break\n",
    ),
    Bug(
        "a bounded auction takes one trade too many",
        f"{_CORE}/auction_trades.py",
        "        if trades == trades_max > 0:\n",
        "        if trades > trades_max > 0:\n",
    ),
    Bug(
        "a bounded auction that goes on looks for a price again",
        f"{_CORE}/auction.py",
        "    while price_ticks := book.uncross_ticks or book_cross(book).price_ticks:\n",
        "    while price_ticks := book_cross(book).price_ticks:\n",
    ),
    Bug(
        "a bounded delisting leaves those that wait",
        f"{_CORE}/auction.py",
        "    return not (book.buys.best or book.sells.best or book.waiting_count)\n",
        "    return not (book.buys.best or book.sells.best)\n",
    ),
    Bug(
        "a session's mass cancel ends the orders of other sessions",
        f"{_CORE}/matcher.py",
        "                and entered_by in (0, order.entered_by)\n",
        "",
    ),
    Bug(
        "a mass cancel of orders with a flag ends those without",
        f"{_CORE}/matcher.py",
        "                and order.flags & flags == flags\n",
        "",
    ),
    Bug(
        "fill or kill counts the orders of its own account",
        f"{_CORE}/self_trade.py",
        "                return False  # it would end here, or be smaller from here on\n",
        "                lots -= order.leaves_lots\n",
    ),
    Bug(
        "a command makes one match more than it may",
        f"{_CORE}/matcher.py",
        "            if self.matches == self.matches_max:\n",
        "            if self.matches > self.matches_max:\n",
    ),
    Bug(
        "fill or kill is filled in part by as many matches as there may be",
        f"{_CORE}/match_bounds.py",
        "    return matches <= matches_max\n",
        "    return True\n",
    ),
    Bug(
        "an auction for too many matches never ends",
        f"{_CORE}/auction.py",
        "        book.auction_ends_ns = max(matcher.state.timestamp_ns, 1)\n\n",
        "\n",
    ),
    Bug(
        "a pair whose turn has come is no pair any more",
        f"{_CORE}/list_entry.py",
        "        OrderList(order_list.list_id, Contingency.ONE_CANCELS_OTHER.value,"
        " order, *others)\n",
        "",
    ),
    Bug(
        "of a pair whose turn has come nothing is refused for its terms",
        f"{_CORE}/list_entry.py",
        "        refusal = refusal or order_terms.command_refusal(",
        "        refusal = 0 if each is not order else order_terms.command_refusal(",
    ),
    Bug(
        "canceling one order of three leaves the third",
        f"{_CORE}/order_lists.py",
        "    for other in order.order_list.dissolve(order):\n",
        "    for other in order.order_list.dissolve(order)[:1]:\n",
    ),
    Bug(
        "a snapshot forgets which session entered an order",
        f"{_CORE}/snapshot.py",
        "    order.entered_by = entered_by\n",
        "",
    ),
]
