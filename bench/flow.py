"""A seeded flow of orders such as a busy book sees, as packed commands.

Per 100 commands 40 cancels, 10 replaces, 9 immediate-or-cancel and 3 market orders; the rest are
limit orders that rest, nearly always, about a price that walks and is drawn back. About a thousand
orders rest at any time. One in six cancels and replaces comes too late, as on a real venue.
"""

from __future__ import annotations

from random import Random

from vocabulary import commands as c
from vocabulary.codec import pack
from vocabulary.types import INT64_MAX, OrderFlags, OrderType, Side, TimeInForce

ACCOUNTS = 1000
RESTING = 1000
ANCHOR_TICKS = 10_000

Flow = list[bytes]


def listings() -> Flow:
    """Return what lists the flow's instrument, without fees, and funds its accounts amply."""
    commands: list[c.Command] = [
        c.ListAsset(1, 1, 1, 0, b"BASE"),
        c.ListAsset(1, 2, 2, 0, b"QUOTE"),
        c.ListInstrument(1, 3, 1, 1, 2, 1, 1, 0, 0, 0, b"BASEQUOTE"),
    ]
    share = INT64_MAX // ACCOUNTS // 2
    for account_id in range(1, ACCOUNTS + 1):
        commands.append(c.CreditFunds(1, 4, account_id, 1, share))
        commands.append(c.CreditFunds(1, 4, account_id, 2, share))
    return [pack(command) for command in commands]


class FlowMaker:
    """Draws commands. `first_sequence` is the journal sequence that the first of them will have."""

    def __init__(self, seed: int, first_sequence: int) -> None:
        self.random = Random(seed)
        self.sequence = first_sequence
        self.mid = ANCHOR_TICKS
        self.placed: list[tuple[int, int, Side]] = []  # order id, account, side

    def take(self, count: int) -> Flow:
        return [pack(self.draw()) for _ in range(count)]

    def draw(self) -> c.Command:
        chance = self.random.random()
        if chance < 0.02:
            pull = 0.01 * (ANCHOR_TICKS - self.mid)
            self.mid += 1 if self.random.random() < 0.5 + max(-0.4, min(0.4, pull)) else -1
        kind = self.random.random()
        if kind < 0.09:
            command = self.enter(TimeInForce.IMMEDIATE_OR_CANCEL)
        elif kind < 0.12:
            command = self.enter(TimeInForce.IMMEDIATE_OR_CANCEL, OrderType.MARKET)
        elif kind < 0.22 and self.placed:
            command = self.replace()
        elif self.random.random() < len(self.placed) / (2 * RESTING):
            command = self.cancel()
        else:
            command = self.enter(TimeInForce.GOOD_TILL_CANCEL)
        self.sequence += 1
        return command

    def enter(
        self, time_in_force: TimeInForce, order_type: OrderType = OrderType.LIMIT
    ) -> c.Command:
        side = Side.BUY if self.random.random() < 0.5 else Side.SELL
        account_id = 1 + int(ACCOUNTS * self.random.random())
        towards = 1 if side is Side.BUY else -1
        if order_type is OrderType.MARKET:
            price = 0
        elif time_in_force is TimeInForce.IMMEDIATE_OR_CANCEL or self.random.random() < 0.03:
            price = self.mid + towards * int(6 * self.random.random())
        else:
            price = self.mid - towards * (1 + int(250 * self.random.random() ** 2))
            self.placed.append((self.sequence, account_id, side))
        return c.EnterOrder(
            1,
            self.sequence,
            account_id,
            1,
            side,
            order_type,
            time_in_force,
            OrderFlags.NONE,
            price,
            1 + int(100 * self.random.random()),
            b"%d" % self.sequence,
        )

    def replace(self) -> c.Command:
        order_id, account_id, side = self.placed[int(len(self.placed) * self.random.random())]
        towards = 1 if side is Side.BUY else -1
        price = self.mid - towards * (1 + int(250 * self.random.random() ** 2))
        lots = 1 + int(100 * self.random.random())
        return c.ReplaceOrder(1, self.sequence, account_id, 1, order_id, price, lots, b"", b"")

    def cancel(self) -> c.Command:
        chosen = int(len(self.placed) * self.random.random())
        order_id, account_id, _ = self.placed[chosen]
        self.placed[chosen] = self.placed[-1]
        self.placed.pop()
        return c.CancelOrder(1, self.sequence, account_id, 1, order_id, b"", b"")
