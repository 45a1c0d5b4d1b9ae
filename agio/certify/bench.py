"""The bench on which a client is checked: it waits, watches, and plays the venue's part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agio.certify.line import Line, Lost, Predicate
from agio.certify.proof import ExpectedProof
from agio.certify.venue import CertificationVenue
from gateway.fix import tags
from gateway.fix.codec import FixMessage
from gateway.orders import Order


class Failed(Exception):
    """A check that was not passed; the text says what was seen, or missing."""


class Bench:
    """What checks see and do. Each wait is for `patience_s` at most."""

    def __init__(
        self,
        venue: CertificationVenue,
        line: Line,
        patience_s: float,
        proof: ExpectedProof | None = None,
    ) -> None:
        self._venue = venue
        self._line = line
        self._patience_s = patience_s
        self._proof = proof
        self._test_requests = 0

    # What is seen

    @property
    def logon(self) -> FixMessage:
        assert self._line.logon is not None, "nobody has logged on"
        return self._line.logon

    def check_proof(self) -> None:
        """Raise `Failed` if the last Logon(A) does not prove whose it is as it was agreed."""
        fault = self._proof.fault(self.logon) if self._proof is not None else ""
        if fault:
            raise Failed(fault)

    @property
    def seen(self) -> list[FixMessage]:
        """The client's messages since the check began."""
        return self._line.seen

    @property
    def next_number(self) -> int:
        """The MsgSeqNum(34) of our next message."""
        assert self._line.flow is not None
        return self._line.flow.store.next_sender_msg_seq_num

    @property
    def is_up(self) -> bool:
        return self._line.is_up

    def hang_up(self) -> None:
        """End the connection without a word."""
        self._line.hang_up()

    def open_orders(self) -> list[Order]:
        return self._venue.open_orders()

    def forget(self) -> None:
        self._line.forget()

    # What is waited for

    async def until(
        self, condition: Callable[[], bool], what: str, seconds: float | None = None
    ) -> None:
        """Raise `Failed` with `what` if it does not happen, or the connection ends before."""
        await self.eventually(lambda: condition() or not self._line.is_connected, what, seconds)
        if not condition():
            raise Failed(f"{what}: the connection ended")

    async def message(
        self, wanted: Predicate, what: str, seconds: float | None = None
    ) -> FixMessage:
        """Return a message of the client's, the first that fits. Raises `Failed`."""
        await self.until(lambda: any(map(wanted, self.seen)), what, seconds)
        return next(filter(wanted, self.seen))

    async def until_up(self, what: str) -> None:
        """Wait until both sides are logged on: an answer to TestRequest(1) shows it."""
        deadline_s = time.monotonic() + self._patience_s
        while True:
            await self.eventually(
                lambda: self._line.is_up, what, max(deadline_s - time.monotonic(), 0.001)
            )
            try:
                await self._hear_from_client()
            except Failed:  # many engines try again by themselves, until their operator acts
                if time.monotonic() > deadline_s:
                    raise
            else:
                return

    async def until_down(self, what: str) -> None:
        await self.eventually(lambda: not self._line.is_connected, what)

    async def eventually(
        self, condition: Callable[[], bool], what: str, seconds: float | None = None
    ) -> None:
        """Raise `Failed` with `what` if it does not happen, connection or not."""
        try:
            await self._line.until(condition, seconds or self._patience_s, what)
        except Lost as lost:
            raise Failed(str(lost)) from None

    async def still_there(self) -> None:
        """Raise `Failed` unless the client goes on: alive, and without having refused anything."""
        await self._hear_from_client()
        for message in self.seen:
            if message.msg_type in {b"3", b"j"}:
                text = (message.get(tags.Text) or b"").decode("utf-8", "replace")
                raise Failed(f"the client refused a message of ours: {text}")

    async def _hear_from_client(self) -> None:
        begin = len(self.seen)
        self.send_test_request()
        await self.until(
            lambda: any(map(_is_heartbeat, self.seen[begin:])), "the client fell silent"
        )

    def order(self) -> Order:
        """Return the client's oldest open order, which a check may need."""
        orders = self.open_orders()
        if not orders:
            raise Failed("the order is gone")
        return orders[0]

    async def lose(self, wanted: Predicate, what: str) -> FixMessage:
        """Let the next such message of the client's be lost on its way, and return it."""
        self._line.lose_next(wanted)
        try:
            await self.until(lambda: self._line.lost is not None, what)
        finally:
            self._line.loses = None
        lost = self._line.lost
        assert lost is not None
        return lost

    # What is done

    def send_test_request(self) -> bytes:
        """Send TestRequest(1), and return its TestReqID(112)."""
        self._test_requests += 1
        name = b"certify-%d" % self._test_requests
        if self._line.session is not None:
            self._line.session.send_test_request(name, time.time_ns())
            self._line.flush()
        return name

    def trade_with(self, order: Order, lots: int, *, is_lost: bool = False) -> None:
        """Trade with an order of the client's; its report may be lost on its way."""
        self._line.loses_reports = is_lost
        self._venue.trade_with(order, lots)
        self._line.loses_reports = False

    @contextmanager
    def rejecting(self, unwanted: Predicate) -> Iterator[None]:
        """Let the next such message be refused by Reject(3)."""
        self._line.rejects = unwanted
        try:
            yield
        finally:
            self._line.rejects = None

    def log_out(self, text: str) -> None:
        """Log the client out."""
        if self._line.session is not None:
            self._line.session.send_logout(text, time.time_ns())
            self._line.flush()

    @contextmanager
    def venue_away(self) -> Iterator[None]:
        """Let the matching process seem to be away."""
        self._venue.connected = False
        try:
            yield
        finally:
            self._venue.connected = True


def _is_heartbeat(message: FixMessage) -> bool:
    return message.msg_type == b"0" and not message.is_poss_dup
