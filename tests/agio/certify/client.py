"""A FIX client that does what a certification asks of it, or fails at one thing."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Any

from gateway.fix import tags
from gateway.fix.codec import Decoder, FixMessage, encode
from gateway.fix.events import RejectReceived
from gateway.fix.session import Session, SessionSettings
from gateway.fix.states import State
from gateway.fix.store import MemoryStore
from gateway.fix.timestamps import format_utc_timestamp

TICK_S = 0.05
ORDER = "55=BTCUSDT|54=1|38=0.01|40=2|44=%s|59=1|"


class Client:
    """Our own initiator, over all its connections. `broken` names the check that it fails.

    `sign` makes the fields of a Logon(A) that prove whose it is of what is to be signed.
    """

    def __init__(
        self,
        port: int,
        broken: str = "",
        sign: Callable[[bytes], list[tuple[int, bytes]]] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._port = port
        self._sign = sign
        self._tls = tls
        self._broken = broken
        self._task = ""
        self._orders = 0
        self._named = b""
        self._store = MemoryStore(time.time_ns())
        self._session: Session | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._serving: asyncio.Task[None] | None = None
        self._later: set[asyncio.Task[Any]] = set()

    def do(self, name: str, _task: str) -> None:
        """Do what is asked for; a broken client does it wrongly where it is that check."""
        self._task = name
        act: Callable[[], Any] | None = {
            "logon": lambda: self.log_on(is_reset=True),
            "again": lambda: self.log_on(is_reset=True),
            "order": self.enter,
            "new_order": lambda: self.enter("50000.001" if self._fails("new_order") else "50000"),
            "replace": self.replace,
            "cancel": self.cancel,
            "order_reject": lambda: self.enter("50000.001"),
            "business_reject": self.enter,
            "session_reject": self.enter,
            "resend": self.enter,
            "cancel_on_disconnect": self.drop,
            "logout": self.log_out,
        }.get(name)
        if act is not None:
            asyncio.get_running_loop().call_soon(act)

    def log_on(self, *, is_reset: bool) -> None:
        task = asyncio.create_task(self._serve(is_reset=is_reset))
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def enter(self, price: str = "50000") -> None:
        self._orders += 1
        self._named = b"order-%d" % self._orders
        self._send(b"D", f"11={self._named.decode()}|{ORDER % price}")

    def replace(self) -> None:
        if self._fails("replace"):
            return
        original = self._named
        self._named = b"replaced-%d" % self._orders
        body = f"41={original.decode()}|11={self._named.decode()}|{ORDER % '49999'}"
        self._send(b"G", body.replace("59=1|", ""))

    def cancel(self) -> None:
        original = "no-such" if self._fails("cancel") else self._named.decode()
        self._send(b"F", f"41={original}|11=cancel-{self._orders}|55=BTCUSDT|54=1|")

    def drop(self) -> None:
        assert self._writer is not None
        assert self._session is not None
        if self._fails("cancel_on_disconnect"):
            self._session.send_logout("", time.time_ns())
            self._flush()
            return
        self._writer.transport.abort()
        asyncio.get_running_loop().call_later(0.3, lambda: self.log_on(is_reset=False))

    def log_out(self) -> None:
        assert self._session is not None
        assert self._writer is not None
        if self._fails("logout"):
            self._writer.transport.abort()
            return
        self._session.send_logout("", time.time_ns())
        self._flush()

    async def stop(self) -> None:
        for task in list(self._later):
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    def _fails(self, name: str) -> bool:
        return self._broken == name and self._task == name

    async def _serve(self, *, is_reset: bool) -> None:
        settings = SessionSettings(
            b"CLIENT",
            b"AGIO",
            heartbeat_interval_s=1,
            username=b"" if self._fails("logon") or self._sign else b"key",
            password=b"secret",
            reset_on_logon=is_reset,
        )
        now_ns = time.time_ns()
        session = self._session = Session.initiator(settings, self._store, now_ns)
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)
        fields = [(tags.CancelOnDisconnect, b"S")]
        if self._sign is not None:
            number = 1 if is_reset else self._store.next_sender_msg_seq_num
            parts = (b"A", b"CLIENT", b"AGIO", b"%d" % number, format_utc_timestamp(now_ns))
            fields += [(tags.Username, b"key"), *self._sign(b"\x01".join(parts))]
        session.send_logon(now_ns, fields)
        self._flush()
        while True:
            try:
                async with asyncio.timeout(TICK_S):
                    data = await reader.read(65_536)
            except TimeoutError:
                session.tick(time.time_ns())
            except ConnectionError:
                return
            else:
                if not data:
                    return
                session.receive_data(data, time.time_ns())
            if self._handle(session):
                self._writer.transport.abort()
                return
            self._flush()
            if session.state is State.CLOSED:
                self._writer.close()
                return

    def _handle(self, session: Session) -> bool:
        """Take what came; say whether it makes a broken client leave at once."""
        leaves = False
        for event in session.events_received():
            if isinstance(event, FixMessage):
                session.taken(event.msg_seq_num)
                if event.msg_type == b"8" and self._fails("partial_fill"):
                    session.send_reject(event, 5, None, "what is this?", time.time_ns())
                is_refusal = event.msg_type == b"j" or event.get(tags.ExecType) == b"8"
                leaves |= is_refusal and (
                    self._fails("order_reject") or self._fails("business_reject")
                )
            elif isinstance(event, RejectReceived):
                leaves |= self._fails("session_reject")
        return leaves

    def _send(self, msg_type: bytes, body: str) -> None:
        assert self._session is not None
        now_ns = time.time_ns()
        time_field = b"60=%b\x01" % format_utc_timestamp(now_ns)
        fields = body.replace("|", "\x01").encode() + time_field
        self._session.send_application(msg_type, fields, now_ns)
        self._flush()

    def _flush(self) -> None:
        assert self._session is not None
        assert self._writer is not None
        data = self._session.data_to_send()
        for message in Decoder().receive_data(data):
            spoilt = self._spoilt(message)
            if spoilt:
                self._writer.write(spoilt)

    def _spoilt(self, message: FixMessage) -> bytes:
        """Return a message as it leaves: a broken client's is wrong, or gone."""
        kind, raw = message.msg_type, message.raw
        lost = {"heartbeat": b"0", "gap": b"2", "venue_logout": b"5"}
        if self._fails(self._task) and lost.get(self._task) == kind:
            return b""
        body = raw[raw.index(b"\x0135=") + 1 : -7]
        if self._fails("test_request") and kind == b"0":
            return encode(body.replace(b"112=certify", b"112=another"))
        if self._fails("resend") and message.is_poss_dup and kind == b"D":
            original = message.get(tags.OrigSendingTime) or b""
            return encode(body.replace(b"43=Y\x01", b"").replace(b"122=%b\x01" % original, b""))
        return raw
