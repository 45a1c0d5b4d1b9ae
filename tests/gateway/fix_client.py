"""A FIX client of a few lines on simplefix: it knows nothing of our own library."""

import asyncio
import ssl
from datetime import UTC, datetime
from typing import Self

import simplefix

OUR_COMP_ID = "AGIO"
TIMEOUT_S = 10.0
RECV_WINDOW = 25000

Fields = dict[int, object]
Pairs = list[tuple[int, object]]  # where tags come several times, in groups


def utc_now() -> str:
    """Return a SendingTime(52)."""
    return datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]


class FixClient:
    """One connection. `next_number` is the MsgSeqNum(34) of the next message to send.

    `last_pairs` are all fields of the last message received: of a group, too. In messages to send a
    list repeats its tag.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, comp_id: str
    ) -> None:
        self.comp_id = comp_id
        self.next_number = 1
        self.last_pairs: list[tuple[int, str]] = []
        self.logon: dict[int, str] = {}
        self._reader = reader
        self._writer = writer
        self._parser = simplefix.FixParser()

    @classmethod
    async def connect(
        cls, port: int, comp_id: str = "TRADER", tls: ssl.SSLContext | None = None
    ) -> Self:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        return cls(reader, writer, comp_id)

    @property
    def local_port(self) -> int:
        port: int = self._writer.get_extra_info("sockname")[1]
        return port

    async def log_on(
        self, username: str, password: str, *, is_reset: bool = False, heartbeat_s: int = 30
    ) -> dict[int, str]:
        """Send a Logon(A); return the answer."""
        fields: Fields = {98: 0, 108: heartbeat_s, 553: username, 554: password}
        if is_reset:
            fields[141] = "Y"
        self.send("A", fields)
        return await self.receive()

    def encode(
        self,
        msg_type: str,
        fields: Fields | Pairs,
        *,
        number: int,
        is_poss_dup: bool,
        now: str = "",
    ) -> bytes:
        message = simplefix.FixMessage()
        now = now or utc_now()
        message.append_pair(8, "FIX.4.4")
        message.append_pair(35, msg_type)
        message.append_pair(49, self.comp_id)
        message.append_pair(56, OUR_COMP_ID)
        message.append_pair(34, number)
        if is_poss_dup:
            message.append_pair(43, "Y")
            message.append_pair(122, now)
        message.append_pair(52, now)
        if isinstance(fields, dict) and RECV_WINDOW in fields:
            message.append_pair(RECV_WINDOW, fields.pop(RECV_WINDOW))
        for tag, value in fields.items() if isinstance(fields, dict) else fields:
            for each in value if isinstance(value, list) else [value]:
                message.append_pair(tag, each)
        data: bytes = message.encode()
        return data

    def send(
        self,
        msg_type: str,
        fields: Fields | Pairs,
        *,
        number: int | None = None,
        is_poss_dup: bool = False,
    ) -> int:
        """Send a message, numbered next unless told otherwise; return its number."""
        if number is None:
            number = self.next_number
            self.next_number += 1
        self._writer.write(self.encode(msg_type, fields, number=number, is_poss_dup=is_poss_dup))
        return number

    def send_bytes(self, data: bytes) -> None:
        self._writer.write(data)

    async def receive(self) -> dict[int, str]:
        """Return the next message. Raises `ConnectionError` at the end of the stream."""
        async with asyncio.timeout(TIMEOUT_S):
            while (message := self._parser.get_message()) is None:
                data = await self._reader.read(65_536)
                if not data:
                    raise ConnectionError("closed by the venue")
                self._parser.append_buffer(data)
        self.last_pairs = [(int(tag), value.decode()) for tag, value in message.pairs]
        return dict(self.last_pairs)

    async def expect(self, msg_type: str) -> dict[int, str]:
        """Return the next message, heartbeats apart, which must be of a type."""
        while True:
            message = await self.receive()
            if message[35] == msg_type:
                return message
            assert message[35] == "0", message

    async def expect_closed(self) -> None:
        try:
            message = await self.receive()
        except ConnectionError:
            return
        raise AssertionError(message)

    async def log_out(self) -> None:
        self.send("5", {})
        await self.expect("5")
        await self.close()

    async def close(self) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    def enter(
        self,
        client_order_id: str,
        side: str,
        quantity: str,
        price: str,
        *,
        number: int | None = None,
        is_poss_dup: bool = False,
        **more: object,
    ) -> int:
        """Send a NewOrderSingle(D) for BTCUSDT; `more` are further fields as t59=3."""
        fields: Fields = {
            11: client_order_id,
            55: "BTCUSDT",
            54: {"buy": 1, "sell": 2}[side],
            60: datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S"),
            38: quantity,
            40: 2,
            44: price,
            59: 1,
        }
        fields |= {int(tag[1:]): value for tag, value in more.items()}
        fields = {tag: value for tag, value in fields.items() if value is not None}
        return self.send("D", fields, number=number, is_poss_dup=is_poss_dup)

    def cancel(self, client_order_id: str, original: str, **more: object) -> int:
        """Send an OrderCancelRequest(F)."""
        fields: Fields = {
            11: client_order_id,
            41: original,
            55: "BTCUSDT",
            54: 1,
            60: datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S"),
        }
        fields |= {int(tag[1:]): value for tag, value in more.items()}
        return self.send("F", fields)

    def replace(self, client_order_id: str, original: str, quantity: str, price: str) -> int:
        """Send an OrderCancelReplaceRequest(G)."""
        fields: Fields = {
            11: client_order_id,
            41: original,
            55: "BTCUSDT",
            54: 1,
            60: datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S"),
            38: quantity,
            40: 2,
            44: price,
        }
        return self.send("G", fields)
