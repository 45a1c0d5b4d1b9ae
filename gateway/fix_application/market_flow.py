"""One market-data session: what it asks goes to who knows, and is forgotten when it leaves."""

from __future__ import annotations

from gateway.auth import Identity
from gateway.fix import values
from gateway.fix.codec import FixMessage
from gateway.fix.session import Session
from gateway.fix.store import LiveStore
from gateway.fix_application.market_data import MARKET_DATA_REQUEST, MarketData
from gateway.fix_application.reference_data import ReferenceData
from gateway.fix_application.security_list import (
    SECURITY_LIST,
    SECURITY_LIST_REQUEST,
    security_list,
)
from gateway.fix_application.small_flow import SmallFlow


class MarketDataFlow(SmallFlow):
    """A session's requests; what it subscribed to ends with its connection."""

    def __init__(
        self, identity: Identity, market: MarketData, reference: ReferenceData, now_ns: int
    ) -> None:
        super().__init__(identity, LiveStore(now_ns))
        self._market = market
        self._reference = reference

    def detach(self) -> None:
        """Forget the connection, and what it had subscribed to."""
        self._market.forget(self)
        self._reference.forget(self)
        super().detach()

    def _receive(self, session: Session, message: FixMessage, now_ns: int) -> None:
        """Answer a request."""
        subscriptions = self._reference.by_request.get(message.msg_type)
        if message.msg_type == MARKET_DATA_REQUEST:
            self._market.receive(self, message, now_ns)
        elif subscriptions is not None:
            subscriptions.receive(self, message, now_ns)
        elif message.msg_type == SECURITY_LIST_REQUEST:
            self.send(SECURITY_LIST, security_list(message, self._market.catalogue), now_ns)
        else:
            reason = values.BusinessRejectReason.UNSUPPORTED_MESSAGE_TYPE
            session.send_business_reject(message, reason, "Unsupported Message Type", now_ns)

    def send(self, msg_type: bytes, body: bytes, now_ns: int) -> None:
        assert self.session is not None
        self.session.send_application(msg_type, body, now_ns)

    def refuse(
        self, message: FixMessage, reason: bytes, text: str, now_ns: int, ref_id: bytes
    ) -> None:
        """Answer with BusinessMessageReject(j); `ref_id` is what the request calls itself."""
        assert self.session is not None
        self.session.send_business_reject(message, reason, text, now_ns, ref_id)
