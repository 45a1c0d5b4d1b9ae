"""Drop copy: every report about an account's orders, or a firm's, whichever door they came through.

A session has numbers and messages of its own, kept over connections and restarts, so a copy that
was missed is sent again. It begins with what happens after its first logon. Each message has
CopyMsgIndicator(797)=Y, and Account(1) where the session copies several.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.auth import Identity
from gateway.fix import values
from gateway.fix.codec import FixMessage
from gateway.fix.session import Session, SessionSettings
from gateway.fix.store import SessionStore
from gateway.fix_application.delivery import deliver, deliver_message, watermark_of
from gateway.fix_application.post_trade import POST_TRADE_REQUESTS, PostTrade
from gateway.fix_application.small_flow import SmallFlow
from gateway.orders import Report
from vocabulary.catalogue import Catalogue

_COPY = b"797=Y\x01"


class DropCopyFlow(SmallFlow):
    """One drop-copy session over all its connections. Times are UTC nanoseconds."""

    def __init__(
        self,
        identity: Identity,
        store: SessionStore,
        settings: SessionSettings,
        catalogue: Catalogue,
        post_trade: PostTrade | None = None,
    ) -> None:
        super().__init__(identity, store)
        self._settings = settings
        self._catalogue = catalogue
        self._post_trade = post_trade
        self._others: frozenset[int] = frozenset()
        self._others_since_ns = 0

    def detach(self) -> None:
        """Forget the connection, and what it had subscribed to."""
        super().detach()
        if self._post_trade is not None:
            self._post_trade.forget(self)

    def _receive(self, session: Session, message: FixMessage, now_ns: int) -> None:
        """Answer what is asked about trades and balances, and refuse all else."""
        if message.msg_type in POST_TRADE_REQUESTS and self._post_trade is not None:
            self._post_trade.answer(self, message, now_ns)
        else:
            reason = values.BusinessRejectReason.UNSUPPORTED_MESSAGE_TYPE
            session.send_business_reject(message, reason, "drop copy takes no requests", now_ns)

    def copy_others(self, account_ids: Iterable[int], since_ns: int) -> None:
        """Copy what happens in other accounts from a time on."""
        self._others = frozenset(account_ids) - {self.identity.account_id}
        self._others_since_ns = since_ns

    def copies(self, account_id: int, timestamp_ns: int) -> bool:
        """Say whether it is to have what happened in an account then."""
        return account_id == self.identity.account_id or (
            account_id in self._others and timestamp_ns >= self._others_since_ns
        )

    def deliver(self, report: Report, account_id: int, now_ns: int) -> None:
        """Send a copy, or keep it for the next logon; but one that has its message already."""
        if not self.copies(account_id, report.timestamp_ns):
            return
        deliver(
            report,
            session=self.session,
            store=self.store,
            identity=self.identity,
            settings=self._settings,
            catalogue=self._catalogue,
            now_ns=now_ns,
            more=_COPY + b"1=%d\x01" % account_id if self._others else _COPY,
        )

    def deliver_message(
        self, msg_type: bytes, body: bytes, place: tuple[int, int], now_ns: int
    ) -> None:
        """Likewise, of what a record brings behind its reports: `place` goes on where they end."""
        deliver_message(
            msg_type,
            _COPY + body,
            watermark_of(*place),
            self.session,
            self.store,
            self.identity,
            self._settings,
            now_ns,
        )
