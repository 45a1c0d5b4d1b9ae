"""What FIX sessions ask about trades and balances, answered at every door, and told as it changes.

Trades come from memory where that has all that is asked for, else from the trade history, balances
from the matching process: so some answers come later than their turn. A subscription ends with its
connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any, Protocol

import structlog

from gateway.amended_fills import amended_fill
from gateway.auth import Identity
from gateway.edge.balances import Balances, Standing
from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.session import Session
from gateway.fix_application import positions as fix_positions
from gateway.fix_application import trade_capture as fix_trade_capture
from gateway.fix_application.positions import Position, PositionCriteria
from gateway.fix_application.trade_capture import CapturedTrade, Refused, TradeCriteria
from gateway.json_api.errors import ApiError
from gateway.order_tracker import Orders
from gateway.orders import Report
from gateway.throttle import Throttle, Throttled
from gateway.trade_history import HistoryUnavailableError, TradeHistory, TradeRange
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import Record
from vocabulary.types import Side

REQUESTS_PER_S = 20
"""How many of these requests an account may make, over all its sessions."""

SUBSCRIPTIONS_MAX = 100
"""How many subscriptions a session may have open, of each kind."""

_SNAPSHOT, _SUBSCRIBE, _UNSUBSCRIBE = (
    values.SubscriptionRequestType.SNAPSHOT,
    values.SubscriptionRequestType.SNAPSHOT_PLUS_UPDATES,
    values.SubscriptionRequestType.DISABLE_PREVIOUS,
)

log = structlog.get_logger("gateway")


class Flow(Protocol):
    """A session of order entry or drop copy."""

    identity: Identity
    session: Session | None

    def flush(self) -> None: ...


class _Subscriptions:
    """What a session has subscribed to, by the client's id."""

    def __init__(self) -> None:
        self.trades: dict[bytes, TradeCriteria] = {}
        self.positions: dict[bytes, PositionCriteria] = {}
        self.told: dict[bytes, dict[int, Position]] = {}  # by id and asset


class FixPostTrade:
    """Give it every record once `Orders` has it. `history` is None where there is none."""

    def __init__(self, orders: Orders, balances: Balances, history: TradeHistory | None) -> None:
        self._orders = orders
        self._balances = balances
        self._history = history
        self._throttles: dict[int, Throttle] = {}
        self.subscriptions: dict[Flow, _Subscriptions] = {}
        """Of each session; where there are none, records need not be given."""
        self._touched: set[Flow] = set()
        self._changed_accounts: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def answer(self, flow: Flow, request: FixMessage, now_ns: int) -> None:
        """Answer an AD or an AN, now or later."""
        account_id = flow.identity.account_id
        throttle = self._throttles.setdefault(account_id, Throttle(REQUESTS_PER_S))
        is_trades = request.msg_type == fix_trade_capture.TRADE_CAPTURE_REPORT_REQUEST
        try:
            throttle.take_order(now_ns)
            if is_trades:
                self._answer_trades(flow, request, now_ns)
            else:
                self._answer_positions(flow, request, now_ns)
        except (Refused, Throttled) as error:
            other = values.TradeRequestResult.OTHER  # the same number as PosReqResult(728)'s
            text = error.text if isinstance(error, Refused) else "too many requests, ask later"
            refused = error if isinstance(error, Refused) else Refused(other, text)
            self._refuse(flow, request, refused, now_ns)

    def forget(self, flow: Flow) -> None:
        """Let a session's subscriptions end."""
        self.subscriptions.pop(flow, None)
        self._touched.discard(flow)

    def on_record(self, record: Record, reports: list[Report], now_ns: int) -> None:
        """Tell those who have subscribed to what a record brings."""
        command = record.command
        changed = {report.order.account_id for report in reports if report.order is not None}
        fills = [report.fill for report in reports if report.fill is not None]
        if isinstance(command, c.BustTrade | c.CorrectTrade):
            # Also of orders that nothing else is remembered of.
            fills = self._amended(record)
            changed |= {fill.account_id for fill in fills}
        if isinstance(command, c.CreditFunds):
            changed.add(command.account_id)
        for fill in fills:
            trade = fix_trade_capture.captured(fill)
            for flow, subscriptions in self.subscriptions.items():
                if flow.identity.account_id == fill.account_id:
                    for request_id, criteria in subscriptions.trades.items():
                        if criteria.match(trade):
                            body = fix_trade_capture.update(request_id, trade)
                            self._send(flow, fix_trade_capture.TRADE_CAPTURE_REPORT, body, now_ns)
        self._changed_accounts |= changed

    def flush(self) -> None:
        """Write what has gathered, and ask for the balances that have changed."""
        for flow in self._touched:
            flow.flush()
        self._touched.clear()
        if not self._changed_accounts:
            return
        for flow, subscriptions in self.subscriptions.items():
            account_id = flow.identity.account_id
            if subscriptions.positions and account_id in self._changed_accounts:
                self._balances.ask_standing(account_id, partial(self._tell_changes, flow))
        self._changed_accounts.clear()

    # Trades

    def _answer_trades(self, flow: Flow, request: FixMessage, now_ns: int) -> None:
        kind = request.get(tags.SubscriptionRequestType) or _SNAPSHOT
        request_id = request.get(tags.TradeRequestID) or b""
        if kind == _UNSUBSCRIBE:
            known = self.subscriptions.get(flow)
            if known is None or known.trades.pop(request_id, None) is None:
                raise _unknown("TradeRequestID(568)")
            body = fix_trade_capture.ack(request)
            self._send(flow, fix_trade_capture.TRADE_CAPTURE_REPORT_REQUEST_ACK, body, now_ns)
            return
        criteria = fix_trade_capture.criteria_of(request, self._orders.catalogue)
        if kind == _SUBSCRIBE:
            mine = self.subscriptions.setdefault(flow, _Subscriptions())
            _check_new(mine.trades, request_id, "TradeRequestID(568)")
            mine.trades[request_id] = criteria
        account_id = flow.identity.account_id
        remembered = [
            trade
            for trade in map(fix_trade_capture.captured, self._orders.fills(account_id))
            if criteria.match(trade)
        ]
        known_from_ns = self._orders.fills_known_from_ns(account_id)
        is_whole = known_from_ns == 0 or criteria.start_ns > known_from_ns
        enough = not criteria.has_dates and len(remembered) >= fix_trade_capture.REPORTS_MAX
        if is_whole or enough or self._history is None or criteria.instrument is None:
            text = "" if is_whole or enough else self._what_is_missing()
            self._tell_trades(flow, request, criteria, remembered, text, now_ns)
            return
        self._later(self._look(flow, request, criteria, remembered, self._history))

    def _what_is_missing(self) -> str:
        if self._history is None:
            return "older trades are not remembered"
        return "older trades are found by Symbol(55) only"

    async def _look(
        self,
        flow: Flow,
        request: FixMessage,
        criteria: TradeCriteria,
        remembered: list[CapturedTrade],
        history: TradeHistory,
    ) -> None:
        session, account_id = flow.session, flow.identity.account_id
        instrument = criteria.instrument
        assert instrument is not None
        wanted = TradeRange(
            instrument.symbol,
            2 if criteria.trade_id else fix_trade_capture.REPORTS_MAX,
            is_from_start=criteria.has_dates or bool(criteria.trade_id),
            first_id=criteria.trade_id,
            start_ns=criteria.start_ns,
            end_ns=criteria.end_ns,
            order_id=criteria.order_id or self._named(account_id, criteria) or None,
        )
        try:
            found = await history.fills(account_id, wanted)
            lags = found.through_ns < self._orders.fills_known_from_ns(account_id)
            problem = "the history of old trades lags, ask again later" if lags else ""
        except HistoryUnavailableError:
            problem = "old trades can't be read now, ask again later"
        now_ns = time.time_ns()
        if flow.session is None or flow.session is not session:
            return  # who asked is gone
        if problem:
            if (mine := self.subscriptions.get(flow)) is not None:
                mine.trades.pop(request.get(tags.TradeRequestID) or b"", None)
            refused = Refused(values.TradeRequestResult.OTHER, problem)
            self._refuse(flow, request, refused, now_ns)
        else:
            old = [fix_trade_capture.captured_of_old(fill, instrument) for fill in found.fills]
            nameless = criteria._replace(client_order_id=b"")
            united = {each.key: each for each in old if nameless.match(each)}
            united |= {each.key: each for each in remembered}
            trades = [united[key] for key in sorted(united)]
            self._tell_trades(flow, request, criteria, trades, "", now_ns)
        flow.flush()

    def _named(self, account_id: int, criteria: TradeCriteria) -> int:
        """Return the id of the order that ClOrdID(11) names; -1: none that is remembered."""
        if not criteria.client_order_id:
            return 0
        order = self._orders.order(account_id, client_order_id=criteria.client_order_id)
        return order.order_id if order is not None else -1

    def _tell_trades(
        self,
        flow: Flow,
        request: FixMessage,
        criteria: TradeCriteria,
        trades: list[CapturedTrade],
        text: str,
        now_ns: int,
    ) -> None:
        most = fix_trade_capture.REPORTS_MAX
        trades = trades[:most] if criteria.has_dates else trades[-most:]
        body = fix_trade_capture.ack(request, count=len(trades), text=text)
        self._send(flow, fix_trade_capture.TRADE_CAPTURE_REPORT_REQUEST_ACK, body, now_ns)
        for body in fix_trade_capture.reports(request, trades):
            self._send(flow, fix_trade_capture.TRADE_CAPTURE_REPORT, body, now_ns)

    def _amended(self, record: Record) -> list[Any]:
        fills = []
        for event in record.events:
            if isinstance(event, e.TradeBusted):
                for side in Side:
                    fill = amended_fill(record, event, side, self._orders.catalogue)
                    remembered = self._orders.fills(fill.account_id, event.instrument_id)
                    known = [
                        each
                        for each in remembered
                        if (each.trade_id, each.side) == (fill.trade_id, side)
                    ]
                    fills.append(known[0] if known else fill)
        return fills

    # Balances

    def _answer_positions(self, flow: Flow, request: FixMessage, now_ns: int) -> None:
        kind = request.get(tags.SubscriptionRequestType) or _SNAPSHOT
        request_id = request.get(tags.PosReqID) or b""
        account_id = flow.identity.account_id
        if kind == _UNSUBSCRIBE:
            known = self.subscriptions.get(flow)
            if known is None or known.positions.pop(request_id, None) is None:
                raise _unknown("PosReqID(710)")
            known.told.pop(request_id, None)
            body = fix_positions.ack(request, account_id)
            self._send(flow, fix_positions.REQUEST_FOR_POSITIONS_ACK, body, now_ns)
            return
        criteria = fix_positions.criteria_of(request, account_id, self._orders.catalogue)
        if kind == _SUBSCRIBE:
            mine = self.subscriptions.setdefault(flow, _Subscriptions())
            _check_new(mine.positions, request_id, "PosReqID(710)")
            mine.positions[request_id] = criteria
        tell = partial(self._tell_positions, flow, flow.session, request, criteria)
        self._balances.ask_standing(account_id, tell)

    def _tell_positions(
        self,
        flow: Flow,
        session: Session | None,
        request: FixMessage,
        criteria: PositionCriteria,
        found: Standing | ApiError,
    ) -> None:
        now_ns = time.time_ns()
        if flow.session is None or flow.session is not session:
            return  # who asked is gone
        request_id, account_id = request.get(tags.PosReqID) or b"", flow.identity.account_id
        if isinstance(found, ApiError):
            if (mine := self.subscriptions.get(flow)) is not None:
                mine.positions.pop(request_id, None)
            text = "balances can't be read now, ask again later"
            self._refuse(flow, request, Refused(values.PosReqResult.OTHER, text), now_ns)
            flow.flush()
            return
        sequence = found.sequence
        all_of_them = [Position(*each) for each in found.balances]
        positions = criteria.choose(all_of_them)
        body = fix_positions.ack(request, account_id, sequence=sequence, count=len(positions))
        self._send(flow, fix_positions.REQUEST_FOR_POSITIONS_ACK, body, now_ns)
        for body in fix_positions.reports(request_id, account_id, sequence, positions, now_ns):
            self._send(flow, fix_positions.POSITION_REPORT, body, now_ns)
        mine = self.subscriptions.get(flow)
        if mine is not None and request_id in mine.positions:
            mine.told[request_id] = {each.asset.asset_id: each for each in all_of_them}
        flow.flush()

    def _tell_changes(self, flow: Flow, found: Standing | ApiError) -> None:
        mine = self.subscriptions.get(flow)
        if mine is None or flow.session is None or isinstance(found, ApiError):
            return  # the next change tells this one, too
        now_ns, account_id = time.time_ns(), flow.identity.account_id
        for request_id, told in mine.told.items():
            criteria = mine.positions[request_id]
            for position in (Position(*each) for each in found.balances):
                asset_id = position.asset.asset_id
                if criteria.asset_id in {None, asset_id} and told.get(asset_id) != position:
                    told[asset_id] = position
                    body = fix_positions.update(
                        request_id, account_id, found.sequence, position, now_ns
                    )
                    self._send(flow, fix_positions.POSITION_REPORT, body, now_ns)
        flow.flush()

    # Both

    def _refuse(self, flow: Flow, request: FixMessage, refused: Refused, now_ns: int) -> None:
        if request.msg_type == fix_trade_capture.TRADE_CAPTURE_REPORT_REQUEST:
            body = fix_trade_capture.ack(request, refused=refused)
            self._send(flow, fix_trade_capture.TRADE_CAPTURE_REPORT_REQUEST_ACK, body, now_ns)
            return
        body = fix_positions.ack(request, flow.identity.account_id, refused=refused)
        self._send(flow, fix_positions.REQUEST_FOR_POSITIONS_ACK, body, now_ns)

    def _send(self, flow: Flow, msg_type: bytes, body: bytes, now_ns: int) -> None:
        if flow.session is not None:
            flow.session.send_application(msg_type, body, now_ns)
            self._touched.add(flow)

    def _later(self, look: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(look)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check_new(known: dict[bytes, Any], request_id: bytes, name: str) -> None:
    """Raise `Refused` for an id that is in use, or one too many."""
    other = values.TradeRequestResult.OTHER
    if request_id in known:
        raise Refused(other, f"{name} is in use")
    if len(known) >= SUBSCRIPTIONS_MAX:
        raise Refused(other, f"at most {SUBSCRIPTIONS_MAX} subscriptions")


def _unknown(name: str) -> Refused:
    return Refused(values.TradeRequestResult.OTHER, f"{name} is none of a subscription")
