"""Phases, auctions and the clock, in the plainest form."""

from tests.oracles.naive_auction import NOTHING
from tests.oracles.naive_increments import NaiveIncrements
from tests.oracles.naive_matching import COLLECTING
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.rejects import RejectReason as R
from vocabulary.types import CancelReason, TradingPhase


class NaivePhases(NaiveIncrements):
    def expire(self, most: int) -> list[e.Event]:
        due = [order for order in self.open if 0 < order.expire_time_ns <= self.now_ns]
        events = []
        for _ in range(most or len(due)):
            due = [order for order in self.open if 0 < order.expire_time_ns <= self.now_ns]
            if due:
                first = min(due, key=lambda order: (order.expire_time_ns, order.order_id))
                events.append(self.cancel_resting(first, CancelReason.EXPIRED))
        if any(0 < order.expire_time_ns <= self.now_ns for order in self.open):
            return events
        for instrument_id, end_ns in sorted(self.auction_ends_ns.items()):
            if 0 < end_ns <= self.now_ns:
                _, phase = self.uncrossing.get(instrument_id, (0, TradingPhase.TRADING))
                events += self.enter_phase(instrument_id, phase, most)
                if most:
                    break
        return events

    def change_phase(self, command: c.ChangePhase) -> list[e.Event]:
        if command.instrument_id not in self.instruments:
            return [e.CommandRejected(R.UNKNOWN_INSTRUMENT)]
        if self.phases[command.instrument_id] is TradingPhase.DELISTED:
            return [e.CommandRejected(R.INSTRUMENT_DELISTED)]
        return self.enter_phase(command.instrument_id, command.phase, command.steps_max)

    def enter_phase(self, instrument_id: int, phase: TradingPhase, most: int = 0) -> list[e.Event]:
        former = self.phases[instrument_id]
        closes = phase is TradingPhase.CLOSED and former is TradingPhase.CLOSING_AUCTION
        events: list[e.Event] = []
        if phase is TradingPhase.TRADING or closes:
            events += self.uncross(instrument_id, phase, most)
        if instrument_id in self.uncrossing and (phase is TradingPhase.TRADING or closes):
            self.auction_ends_ns[instrument_id] = max(self.now_ns, 1)
            if former in COLLECTING and former is not TradingPhase.PRE_OPEN:
                return events
            return [*events, self.come_to(instrument_id, TradingPhase.OPENING_AUCTION)]
        self.uncrossing.pop(instrument_id, None)
        if phase is TradingPhase.DELISTED:
            events += self.cancel_delisted(instrument_id, most)
            if any(order.instrument_id == instrument_id for order in self.open):
                phase = TradingPhase.CANCEL_ONLY
        last = self.last_trades.get(instrument_id, 0)
        if phase is TradingPhase.TRADING and last:
            self.note_trades(instrument_id, last, last)
        self.auction_ends_ns[instrument_id] = 0
        if phase is TradingPhase.VOLATILITY_AUCTION:
            wait_ns = self.limits[instrument_id].volatility_auction_ns
            self.auction_ends_ns[instrument_id] = self.now_ns + wait_ns if wait_ns else 0
        return [*events, self.come_to(instrument_id, phase)]

    def interruption(self) -> list[e.Event]:
        """Let an auction take over, where the command at hand has left one to be held."""
        instrument_id, self.interrupted = self.interrupted, 0
        if not instrument_id:
            return []
        events = self.enter_phase(instrument_id, TradingPhase.VOLATILITY_AUCTION)
        if self.is_exhausted:
            self.is_exhausted = False
            self.auction_ends_ns[instrument_id] = max(self.now_ns, 1)
        return events

    def come_to(self, instrument_id: int, phase: TradingPhase) -> e.Event:
        self.phases[instrument_id] = phase
        self.indicative.pop(instrument_id, None)
        if phase in COLLECTING and phase is not TradingPhase.PRE_OPEN:
            self.indicative[instrument_id] = NOTHING
        return e.PhaseChanged(instrument_id, phase)

    def indications(self) -> list[e.Event]:
        events: list[e.Event] = []
        for instrument_id, told in sorted(self.indicative.items()):
            if instrument_id in self.uncrossing:
                continue
            cross = self.cross(instrument_id)
            if cross != told:
                self.indicative[instrument_id] = cross
                events.append(e.IndicativePriceChanged(instrument_id, *cross))
        return events
