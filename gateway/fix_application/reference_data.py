"""What is known of instruments and of the venue beside prices: e, c and g, and what changes them.

Phases come with the market feed, in their place among its books; all else with the records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.fix_application.security_definition import (
    SECURITY_DEFINITION_REQUEST,
    SecurityDefinitions,
)
from gateway.fix_application.security_status import SECURITY_STATUS_REQUEST, SecurityStatuses
from gateway.fix_application.subscriptions import Client, Subscriptions
from gateway.fix_application.trading_session import TRADING_SESSION_STATUS_REQUEST, TradingSessions
from gateway.market_view import FeedStatus
from vocabulary import events as e
from vocabulary.catalogue import Catalogue
from vocabulary.market_data import StatusChanged
from vocabulary.types import TradingPhase


class ReferenceData:
    """All that sessions have subscribed to; `by_request` finds it by MsgType(35).

    `takes_orders`: the matching process is there.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        statuses: Mapping[str, FeedStatus],
        takes_orders: Callable[[], bool],
    ) -> None:
        self._catalogue = catalogue
        self._statuses = SecurityStatuses(catalogue, statuses)
        self._definitions = SecurityDefinitions(catalogue)
        self._sessions = TradingSessions(catalogue, takes_orders)
        self.by_request: dict[bytes, Subscriptions] = {
            SECURITY_STATUS_REQUEST: self._statuses,
            SECURITY_DEFINITION_REQUEST: self._definitions,
            TRADING_SESSION_STATUS_REQUEST: self._sessions,
        }
        self._defined: dict[int, bool] = {}
        """The instruments whose terms changed since the last `tell_changes`; True: it is new."""
        self._rereferenced: dict[int, None] = {}
        self.is_changed = False
        """Whether `tell_changes` has anything to look at."""

    @property
    def has_news(self) -> bool:
        return any(each.has_news for each in self.by_request.values())

    def on_status(self, symbol: str, change: StatusChanged, now_ns: int) -> None:
        """Tell a change of the market feed; `flush` lets it go."""
        self._statuses.on_status(symbol, change, now_ns)

    def on_listing(self, event: e.Event) -> None:
        """Note a change of the catalogue."""
        self.is_changed = True
        match event:
            case e.InstrumentListed():
                self._defined[event.instrument_id] = True
            case e.PhaseChanged():
                if event.phase is TradingPhase.DELISTED:
                    self._defined.setdefault(event.instrument_id, False)
            case e.ReferencePriceSet():
                self._rereferenced[event.instrument_id] = None
            case e.LimitsChanged():
                self._defined.setdefault(event.instrument_id, False)
                self._rereferenced[event.instrument_id] = None
            case e.FeesChanged() | e.IncrementsChanged():
                self._defined.setdefault(event.instrument_id, False)

    def tell_changes(self, now_ns: int) -> None:
        """Tell what was noted, each instrument as it is now; `flush` lets it go."""
        self.is_changed = False
        for instrument_id, is_new in self._defined.items():
            instrument = self._catalogue.instruments[instrument_id]
            self._definitions.on_change(instrument, is_new=is_new, now_ns=now_ns)
        for instrument_id in self._rereferenced:
            symbol = self._catalogue.instruments[instrument_id].symbol
            self._statuses.on_reference(symbol, now_ns)
        self._defined.clear()
        self._rereferenced.clear()
        self._sessions.check(now_ns)

    def tick(self, now_ns: int) -> None:
        """Tell whether orders can be taken, if that has changed; `flush` lets it go."""
        self._sessions.check(now_ns)

    def forget(self, client: Client) -> None:
        """End all that a session has subscribed to."""
        for each in self.by_request.values():
            each.forget(client)

    def flush(self) -> None:
        """Let go of what was told since the last call."""
        for each in self.by_request.values():
            each.flush()
