"""The tape: an instrument's newest trades."""

from __future__ import annotations

from collections import deque

from vocabulary.events import TradeBusted, TradeCorrected, TradeExecuted
from vocabulary.market_data import (
    TAPE_PRINTS_MAX,
    AmendedTrade,
    Print,
    TradesPrinted,
    TradesSnapshot,
    amend_print,
)
from vocabulary.types import Side


class Tape:
    """One instrument's newest trades, and how many of them no message has told yet."""

    def __init__(self) -> None:
        self.prints: deque[Print] = deque(maxlen=TAPE_PRINTS_MAX)
        self._untold = 0
        self._amended: list[AmendedTrade] = []

    def print(self, trade: TradeExecuted, timestamp_ns: int) -> None:
        resting, incoming = trade.resting_order_id, trade.incoming_order_id
        buyer_is_maker = trade.incoming_side is Side.SELL
        buyer, seller = (resting, incoming) if buyer_is_maker else (incoming, resting)
        self.prints.append(
            Print(
                trade.trade_id,
                timestamp_ns,
                trade.price_ticks,
                trade.quantity_lots,
                trade.quote_units,
                buyer_is_maker,
                buyer,
                seller,
            )
        )
        self._untold += 1

    def amend(self, event: TradeBusted) -> None:
        """Let a trade be undone, or another one."""
        terms = (event.price_ticks, 0, 0)
        if isinstance(event, TradeCorrected):
            terms = (
                event.corrected_price_ticks,
                event.corrected_quantity_lots,
                event.corrected_quote_units,
            )
        amended = AmendedTrade(event.trade_id, *terms)
        amend_print(self.prints, amended)
        self._amended.append(amended)

    def take(
        self, sequence: int, previous_sequence: int, timestamp_ns: int
    ) -> TradesPrinted | None:
        """Return the trades since the last call, at most those still on the tape; None if none."""
        count = min(self._untold, len(self.prints))
        amended, self._amended = self._amended, []
        if count == 0 and not amended:
            return None
        self._untold = 0
        prints = [self.prints[index] for index in range(-count, 0)]
        return TradesPrinted(sequence, previous_sequence, timestamp_ns, prints, tuple(amended))

    def snapshot(self, sequence: int, timestamp_ns: int) -> TradesSnapshot:
        return TradesSnapshot(sequence, timestamp_ns, list(self.prints))
