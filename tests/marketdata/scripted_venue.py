"""A venue that answers commands with records, as the matching process would, for feeds to read."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from tests.oracles.naive_state import NaiveOrder
from tests.oracles.naive_venue import NaiveVenue
from vocabulary import commands as c
from vocabulary.codec import Record
from vocabulary.types import (
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingPhase,
)

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
NOON_NS = 1_772_280_000 * SECOND_NS  # 2026-02-28 12:00:00 UTC
FUNDS_UNITS = 10**15
BTCUSDT, ETHUSDT = 1, 2
ACCOUNTS = (7, 8, 9)


class ScriptedVenue:
    """Funded accounts 7, 8 and 9, and BTCUSDT. Every command takes the venue `step_ns` on."""

    def __init__(self, step_ns: int = SECOND_NS) -> None:
        self.naive = NaiveVenue()
        self.records: list[Record] = []
        self.now_ns = NOON_NS
        self.step_ns = step_ns
        for asset_id, name in enumerate((b"BTC", b"ETH", b"USDT"), start=1):
            self.apply(c.ListAsset(1, self._number(), asset_id, 8, name))
        self.list_instrument(BTCUSDT, b"BTCUSDT", 1)
        for account_id in ACCOUNTS:
            for asset_id in (1, 2, 3):
                self.apply(c.CreditFunds(1, self._number(), account_id, asset_id, FUNDS_UNITS))

    @property
    def sequence(self) -> int:
        return len(self.records)

    def apply(self, command: c.Command) -> Record:
        self.now_ns += self.step_ns
        sequence = len(self.records) + 1
        record = Record(sequence, self.now_ns, command, self.naive.apply(command, sequence))
        self.records.append(record)
        return record

    def list_instrument(self, instrument_id: int, symbol: bytes, base_asset_id: int) -> Record:
        return self.apply(
            c.ListInstrument(
                1, self._number(), instrument_id, base_asset_id, 3, 10_000, 1, 0, 0, 0, symbol
            )
        )

    def enter(
        self,
        side: Side,
        price_ticks: int,
        lots: int,
        *,
        account_id: int = 7,
        instrument_id: int = BTCUSDT,
        time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCEL,
        order_type: OrderType = OrderType.LIMIT,
        display_lots: int = 0,
        self_trade_prevention: SelfTradePrevention = SelfTradePrevention.ACCOUNT_DEFAULT,
    ) -> Record:
        number = self._number()
        return self.apply(
            c.EnterOrder(
                1,
                number,
                account_id,
                instrument_id,
                side,
                order_type,
                time_in_force,
                OrderFlags.NONE,
                price_ticks,
                lots,
                b"c%d" % number,
                self_trade_prevention=self_trade_prevention,
                display_lots=display_lots,
            )
        )

    def buy(self, price_ticks: int, lots: int, account_id: int = 7) -> Record:
        return self.enter(Side.BUY, price_ticks, lots, account_id=account_id)

    def sell(self, price_ticks: int, lots: int, account_id: int = 8) -> Record:
        return self.enter(Side.SELL, price_ticks, lots, account_id=account_id)

    def trade(self, price_ticks: int, lots: int) -> Record:
        """Let two orders meet that leave nothing in the book."""
        self.sell(price_ticks, lots)
        return self.buy(price_ticks, lots)

    def cancel(self, order_id: int) -> Record:
        order = self._order(order_id)
        return self.apply(
            c.CancelOrder(
                1, self._number(), order.account_id, order.instrument_id, order_id, b"", b""
            )
        )

    def replace(self, order_id: int, price_ticks: int, lots: int) -> Record:
        order, number = self._order(order_id), self._number()
        return self.apply(
            c.ReplaceOrder(
                1,
                number,
                order.account_id,
                order.instrument_id,
                order_id,
                price_ticks,
                lots,
                b"c%d" % number,
                b"",
            )
        )

    def cancel_all(self, account_id: int) -> Record:
        return self.apply(c.CancelAllOrders(1, self._number(), account_id, 0, b""))

    def change_phase(self, phase: TradingPhase) -> Record:
        return self.apply(c.ChangePhase(1, self._number(), BTCUSDT, phase))

    def levels(self, side: Side, instrument_id: int = BTCUSDT) -> dict[int, int]:
        """Return the displayed lots by price, added up from the open orders."""
        levels: dict[int, int] = {}
        for order in self.naive.queue(instrument_id, side):
            levels[order.price] = levels.get(order.price, 0) + order.shown
        return levels

    def _order(self, order_id: int) -> NaiveOrder:
        return next(order for order in self.naive.open if order.order_id == order_id)

    def _number(self) -> int:
        return len(self.records) + 1


Step = tuple[str, Side, int, int, int]
"""What to do, on which side, at which price, how many lots, for or on which account or order."""

steps = st.tuples(
    st.sampled_from(
        ["enter"] * 6 + ["hide"] * 3 + ["take", "fill", "market", "cancel", "replace", "cancel_all"]
    ),
    st.sampled_from(Side),
    st.integers(95, 105),
    st.integers(1, 9),
    st.integers(0, 30),
)


def play(venue: ScriptedVenue, script: list[Step]) -> Iterator[Record]:
    """Carry the steps out, as far as they make sense."""
    for what, side, price_ticks, lots, which in script:
        account_id = ACCOUNTS[which % len(ACCOUNTS)]
        open_orders = venue.naive.open
        match what:
            case "enter":
                yield venue.enter(side, price_ticks, lots, account_id=account_id)
            case "hide":
                yield venue.enter(
                    side,
                    price_ticks,
                    10 * lots,
                    account_id=account_id,
                    display_lots=lots,
                    self_trade_prevention=SelfTradePrevention.DECREMENT,
                )
            case "take" | "fill":
                time_in_force = (
                    TimeInForce.IMMEDIATE_OR_CANCEL if what == "take" else TimeInForce.FILL_OR_KILL
                )
                yield venue.enter(
                    side, price_ticks, lots, account_id=account_id, time_in_force=time_in_force
                )
            case "market":
                yield venue.enter(
                    side,
                    0,
                    lots,
                    account_id=account_id,
                    order_type=OrderType.MARKET,
                    time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
                )
            case "cancel" if open_orders:
                yield venue.cancel(open_orders[which % len(open_orders)].order_id)
            case "replace" if open_orders:
                order_id = open_orders[which % len(open_orders)].order_id
                yield venue.replace(order_id, price_ticks, lots)
            case "cancel_all":
                yield venue.cancel_all(account_id)
