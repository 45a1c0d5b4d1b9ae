"""The venue's one session over FIX: TradingSessionStatusRequest(g), TradingSessionStatus(h).

It never ends by itself. Its TradSesStatus(340) is that of the instrument that is furthest from
closed: open as long as any of them trades, halted while no order can be taken at all.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix_application.subscriptions import Client, Problem, Refused, Subscriptions
from vocabulary.catalogue import Catalogue
from vocabulary.types import TradingPhase

TRADING_SESSION_STATUS_REQUEST, TRADING_SESSION_STATUS = b"g", b"h"

TRADING_SESSION_ID = b"24H"

_STATUS = values.TradSesStatus
_STATUSES = (
    (_STATUS.OPEN, {TradingPhase.TRADING, TradingPhase.VOLATILITY_AUCTION}),
    (_STATUS.PRE_CLOSE, {TradingPhase.CLOSING_AUCTION}),
    (_STATUS.PRE_OPEN, {TradingPhase.PRE_OPEN, TradingPhase.OPENING_AUCTION}),
    (_STATUS.HALTED, {TradingPhase.HALTED, TradingPhase.CANCEL_ONLY}),
)
_REASON = values.TradSesStatusRejReason


class TradingSessions(Subscriptions):
    """Who is told how the session stands. `takes_orders`: the matching process is there."""

    id_tag = tags.TradSesReqID
    id_name = "TradSesReqID(335)"

    def __init__(self, catalogue: Catalogue, takes_orders: Callable[[], bool]) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._takes_orders = takes_orders
        self._told = _STATUS.UNKNOWN

    def topic(self, message: FixMessage) -> str:
        session_id = message.get(tags.TradingSessionID)
        if session_id not in {None, TRADING_SESSION_ID}:
            text = f"TradingSessionID(336) must be {TRADING_SESSION_ID.decode()}"
            raise Refused(Problem.UNKNOWN_TOPIC, text)
        return TRADING_SESSION_ID.decode()

    def answer(self, client: Client, request_id: bytes, topic: str, now_ns: int) -> None:
        client.send(TRADING_SESSION_STATUS, _body(request_id, topic, "N", self._status()), now_ns)

    def refuse(self, client: Client, message: FixMessage, refused: Refused, now_ns: int) -> None:
        is_unknown = refused.problem is Problem.UNKNOWN_TOPIC
        reason = _REASON.UNKNOWN_TRADING_SESSION_ID if is_unknown else _REASON.OTHER
        body = b"335=%b\x01336=%b\x01340=%b\x01567=%b\x0158=%b\x01" % (
            message.get(tags.TradSesReqID) or b"",
            message.get(tags.TradingSessionID) or TRADING_SESSION_ID,
            _STATUS.REQUEST_REJECTED,
            reason,
            refused.text.encode(),
        )
        client.send(TRADING_SESSION_STATUS, body, now_ns)

    def check(self, now_ns: int) -> None:
        """Tell how the session stands, if otherwise than before."""
        status = self._status()
        if status == self._told:
            return
        self._told = status
        topic = TRADING_SESSION_ID.decode()
        for client, request_id in self.subscribers(topic):
            body = _body(request_id, topic, "Y", status)
            self.tell(client, TRADING_SESSION_STATUS, body, now_ns)

    def _status(self) -> bytes:
        if not self._takes_orders():
            return _STATUS.HALTED
        phases = set(self._catalogue.phases.values())
        return next((status for status, of in _STATUSES if of & phases), _STATUS.CLOSED)


def _body(request_id: bytes, session_id: str, unsolicited: str, status: bytes) -> bytes:
    return b"335=%b\x01336=%b\x01338=%b\x01325=%b\x01340=%b\x01" % (
        request_id,
        session_id.encode(),
        values.TradSesMethod.ELECTRONIC,
        unsolicited.encode(),
        status,
    )
