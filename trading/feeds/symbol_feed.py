"""One symbol's way from a source's messages to events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from trading.events import (
    BookChanged,
    BookReset,
    FeedLost,
    InstrumentDefined,
    Level,
    PhaseChanged,
    TimePassed,
    TradePrinted,
)
from trading.feeds.arbitration import Arbiter
from trading.feeds.book import Book
from trading.feeds.book_sync import BookSync, CrossedError, OutOfSyncError, Update
from trading.feeds.clock_check import ClockCheck, refuse_absurd
from trading.feeds.rejects import Rejected, RejectedError, RejectReason
from trading.feeds.schema import DepthSnapshot, DepthUpdate, LevelText, Status, Trade
from trading.feeds.sequencer import Sequencer
from vocabulary.instrument import Instrument
from vocabulary.rejects import Refused
from vocabulary.types import TradingPhase

NS_PER_MS = 1_000_000


class Print(NamedTuple):
    """A trade in ticks and lots."""

    trade_id: int
    exchange_ns: int
    received_ns: int
    price_ticks: int
    lots: int
    buyer_is_maker: bool


class SymbolStatus(NamedTuple):
    """The fields of a `PhaseChanged`."""

    phase: TradingPhase
    indicative_price_ticks: int
    indicative_lots: int
    surplus_lots: int


NO_STATUS = SymbolStatus(TradingPhase.TRADING, 0, 0, 0)
"""Until a source tells another, and where none does."""


class SymbolFeed:
    """Keeps a symbol's book and tape, and puts what happens to them into the sequencer.

    `counts` gets what the metrics tell, `reject` what fits the schema but not the book.
    """

    def __init__(
        self,
        instrument: Instrument,
        sequencer: Sequencer,
        counts: Counter[str],
        reject: Callable[[Rejected], None],
    ) -> None:
        self.instrument = instrument
        self.lag_ns = 0
        """How old the oldest message was on arrival, since whoever reads this set it to 0."""
        self._sequencer = sequencer
        self._counts = counts
        self._reject = reject
        self._sync = BookSync()
        self._updates: Arbiter[Update] = Arbiter(counts)
        self._prints: Arbiter[Print] = Arbiter(counts)
        self._update_clock = ClockCheck()
        self._print_clock = ClockCheck()
        self._is_lost = False
        self._status = NO_STATUS
        self._status_id = 0
        self._is_book_told = False

    @property
    def book(self) -> Book | None:
        """Return the book, or None while it waits for a snapshot."""
        return self._sync.book

    @property
    def is_trading(self) -> bool:
        return self._status.phase is TradingPhase.TRADING

    def begin(self, exchange_ns: int, received_ns: int, reason: str) -> None:
        """Tell of the instrument, and that what came before is not known, for `reason`."""
        instrument, tick, lot = self.instrument, self.instrument.tick, self.instrument.lot
        self._sequencer.append(
            InstrumentDefined(
                self._sequencer.next,
                instrument.symbol,
                0,
                exchange_ns,
                received_ns,
                instrument.base.name,
                instrument.quote.name,
                tick.mantissa,
                tick.scale,
                lot.mantissa,
                lot.scale,
            )
        )
        self.lose(reason, received_ns)

    def receive_depth(self, message: DepthUpdate, data: bytes, received_ns: int) -> None:
        """Take a copy of a depth update. Raises `RejectedError`, and nothing has changed then."""
        previous = message.previous()
        exchange_ns = message.event_time_ms * NS_PER_MS
        refuse_absurd(exchange_ns, received_ns)
        bids, asks = self._levels(message.bids), self._levels(message.asks)
        # Past this line nothing can fail.
        last = message.final_update_id
        update = Update(previous, last, exchange_ns, received_ns, bids, asks, data)
        for each in self._updates.receive(previous, last, update, received_ns):
            self._apply(each)

    def receive_trade(self, message: Trade, received_ns: int) -> None:
        """Take a copy of a trade. Raises `RejectedError`, and nothing has changed then."""
        exchange_ns = message.trade_time_ms * NS_PER_MS
        refuse_absurd(exchange_ns, received_ns)
        level = self._level((message.price, message.quantity))
        if level.price_ticks == 0 or level.lots == 0:
            raise RejectedError(RejectReason.INCONSISTENT, "a trade of nothing, or for nothing")
        # Past this line nothing can fail.
        traded = Print(
            message.trade_id,
            exchange_ns,
            received_ns,
            level.price_ticks,
            level.lots,
            message.buyer_is_maker,
        )
        trade_id = message.trade_id
        for each in self._prints.receive(trade_id - 1, trade_id, traded, received_ns):
            self._print(each)

    def receive_snapshot(self, message: DepthSnapshot, received_ns: int) -> None:
        """Take a snapshot, if one is waited for. Raises `RejectedError`."""
        bids, asks = self._levels(message.bids), self._levels(message.asks)
        _check_order(bids, asks, may_cross=self._may_cross(message.last_update_id))
        # Past this line nothing can fail.
        if self._sync.book is not None:
            return
        updates = self._sync.receive_snapshot(Book(message.last_update_id, bids, asks))
        if updates is None:
            self._counts["snapshots_too_old"] += 1
            return
        self._tell_book(received_ns)
        for update in updates:
            self._apply(update)

    def receive_status(self, message: Status, received_ns: int) -> None:
        """Take a copy of a status. Raises `RejectedError`, and nothing has changed then."""
        phase = TradingPhase.__members__.get(message.phase)
        if phase is None:
            raise RejectedError(RejectReason.INCONSISTENT, f"phase {message.phase[:40]!r}")
        exchange_ns = message.event_time_ms * NS_PER_MS
        price = message.indicative_price
        cross = self._level((price, message.indicative_quantity))
        surplus = self._level((price, message.buyers_surplus))
        shortage = self._level((price, message.sellers_surplus))
        # Past this line nothing can fail. The time is not judged: a phase may last for days.
        balance = surplus.lots - shortage.lots
        status = SymbolStatus(phase, cross.price_ticks, cross.lots, balance)
        if message.update_id < self._status_id or status == self._status:
            self._counts["duplicates"] += 1
            return
        self._status_id, self._status = message.update_id, status
        place = (self._sequencer.next, self.instrument.symbol, message.update_id)
        self._sequencer.append(PhaseChanged(*place, exchange_ns, received_ns, phase, *status[1:]))
        if phase is TradingPhase.TRADING:
            self._tell_book(received_ns)
        else:
            self._is_book_told = False

    def tick(self, now_ns: int) -> None:
        """Give up what was waited for too long."""
        while (missing := self._updates.give_up(now_ns)) is not None:
            self._counts["gaps"] += 1
            self._sync.lose()
            self.lose(f"updates {missing.after + 1} to {missing.until} are missing", now_ns)
            for update in missing.items:
                self._apply(update)
        while (lost := self._prints.give_up(now_ns)) is not None:
            self._counts["gaps"] += 1
            if self._sync.book is not None:  # it is whole: only trades are missing
                self.lose(f"trades {lost.after + 1} to {lost.until} are missing", now_ns)
                self._tell_book(now_ns)
            for traded in lost.items:
                self._print(traded)

    def tell_time(self, now_ns: int) -> None:
        """Tell what our clock says, while the book is in sync."""
        book = self._sync.book
        if book is None:
            return
        self._sequencer.append(
            TimePassed(
                self._sequencer.next,
                self.instrument.symbol,
                book.update_id,
                self._newest_ns(now_ns),
                now_ns,
            )
        )

    def disconnect(self, received_ns: int) -> None:
        """No connection is left: what comes next may be anything."""
        self._updates.restart()
        self._prints.restart()
        self._sync.lose()
        self._status_id = 0
        self.lose("no connection", received_ns)

    def lose(self, reason: str, now_ns: int) -> None:
        """Tell, once until the next reset, that events are missing."""
        self._is_book_told = False
        if self._is_lost:
            return
        self._is_lost = True
        sequence = self._updates.last or 0
        self._sequencer.append(
            FeedLost(
                self._sequencer.next,
                self.instrument.symbol,
                sequence,
                self._newest_ns(now_ns),
                now_ns,
                reason,
            )
        )

    def _may_cross(self, update_id: int) -> bool:
        """Say whether the book at an update may be crossed: that of an auction, or from before."""
        return not self.is_trading or update_id < self._status_id

    def _tell_book(self, received_ns: int) -> None:
        """Tell the whole book, if it is known, traded in, and no auction's any more."""
        book = self._sync.book
        if book is None or not self.is_trading or book.is_crossed:
            return
        self._is_lost = False
        self._is_book_told = True
        self._counts["resyncs"] += 1
        self._sequencer.append(
            BookReset(
                self._sequencer.next,
                self.instrument.symbol,
                book.update_id,
                self._newest_ns(received_ns),
                received_ns,
                book.bids.levels(),
                book.asks.levels(),
            )
        )

    def _apply(self, update: Update) -> None:
        self._check_clock(self._update_clock, update.exchange_ns, update.received_ns)
        try:
            may_cross = self._may_cross(update.last)
            has_changed = self._sync.receive_update(update, may_cross=may_cross)
        except OutOfSyncError as error:
            self._counts["gaps"] += 1
            self.lose(str(error), update.received_ns)
            return
        except CrossedError as error:
            self._reject(
                Rejected(RejectReason.CROSSED, str(error), update.received_ns, update.data)
            )
            self.lose(str(error), update.received_ns)
            return
        if has_changed and not self._is_book_told:
            self._tell_book(update.received_ns)
        elif has_changed:
            self._sequencer.append(
                BookChanged(
                    self._sequencer.next,
                    self.instrument.symbol,
                    update.last,
                    update.exchange_ns,
                    update.received_ns,
                    update.bids,
                    update.asks,
                )
            )

    def _print(self, traded: Print) -> None:
        self._check_clock(self._print_clock, traded.exchange_ns, traded.received_ns)
        self._sequencer.append(
            TradePrinted(
                self._sequencer.next,
                self.instrument.symbol,
                traded.trade_id,
                traded.exchange_ns,
                traded.received_ns,
                traded.trade_id,
                traded.price_ticks,
                traded.lots,
                traded.buyer_is_maker,
            )
        )

    def _check_clock(self, clock: ClockCheck, exchange_ns: int, received_ns: int) -> None:
        self.lag_ns = max(self.lag_ns, received_ns - exchange_ns)
        fault = clock.check(exchange_ns, received_ns)
        if fault is not None:
            self._counts[f"clock_{fault}"] += 1

    def _newest_ns(self, now_ns: int) -> int:
        """Return the source's newest time, for what states none; ours if it never told one."""
        return max(self._update_clock.newest_ns, self._print_clock.newest_ns) or now_ns

    def _levels(self, texts: list[LevelText]) -> tuple[Level, ...]:
        levels = tuple([self._level(text) for text in texts])
        if len({level.price_ticks for level in levels}) != len(levels):
            raise RejectedError(RejectReason.INCONSISTENT, "a level is repeated")
        if any(level.price_ticks == 0 for level in levels):
            raise RejectedError(RejectReason.INCONSISTENT, "a level has no price")
        return levels

    def _level(self, text: LevelText) -> Level:
        instrument = self.instrument
        try:
            return Level(instrument.price_ticks(text[0]), instrument.quantity_lots(text[1]))
        except Refused as refused:
            raise RejectedError(RejectReason.OFF_TICK, refused.text) from None


def _check_order(
    bids: tuple[Level, ...], asks: tuple[Level, ...], *, may_cross: bool = False
) -> None:
    """Raise `RejectedError` unless both sides are best first, not empty levels, not crossed."""
    for levels in (bids[::-1], asks):
        prices = [level.price_ticks for level in levels]
        if prices != sorted(prices):
            text = "the snapshot's levels are not in order of price"
            raise RejectedError(RejectReason.INCONSISTENT, text)
    is_crossed = bool(bids and asks) and bids[0].price_ticks >= asks[0].price_ticks
    if is_crossed and not may_cross:
        raise RejectedError(RejectReason.CROSSED, "the snapshot's best prices are crossed")
    if any(level.lots == 0 for level in (*bids, *asks)):
        raise RejectedError(RejectReason.INCONSISTENT, "the snapshot has a level of nothing")
