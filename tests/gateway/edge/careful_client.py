"""A FIX client whose gateways are killed, and who misses nothing."""

import asyncio
import random

from tests.gateway.fix_client import FixClient


class CarefulClient:
    """A client that does what FIX asks: keeps its numbers, sends again, notices every gap."""

    def __init__(self, port: int) -> None:
        self.sent: dict[int, tuple[str, str]] = {}  # by MsgSeqNum(34): ClOrdID(11) and price
        self.reports: list[dict[int, str]] = []
        self.resent = 0
        self._port = port
        self._next_number = 1
        self._expected = 1
        self._client: FixClient

    async def log_on(self) -> None:
        self._client = await FixClient.connect(self._port)
        self._client.next_number = self._next_number
        self._client.send("A", {98: 0, 108: 30, 553: "alice", 554: "secret-of-alice"})
        self._next_number = self._client.next_number
        while (await self._receive())[35] != "A":
            pass

    @property
    def local_port(self) -> int:
        return self._client.local_port

    def enter(self, client_order_id: str, price: str) -> None:
        number = self._client.enter(client_order_id, "buy", "0.001", price)
        self.sent[number] = client_order_id, price
        self._next_number = number + 1

    async def enter_up_to(self, last: int, rng: random.Random) -> None:
        """Enter orders until there are `last`, in bursts; at once after the last ones."""
        entered = len(self.sent)
        while entered < last:
            for _ in range(min(rng.randrange(1, 40), last - entered)):
                # Every tenth is refused by the gateway itself, every seventh by the engine.
                price = "1.001" if entered % 10 == 9 else "0" if entered % 7 == 6 else "50000"
                self.enter(f"c{entered}", price)
                entered += 1
            if entered < last:  # who is killed is so while the last ones are on their way
                await asyncio.sleep(rng.random() * 0.004)

    async def listen(self) -> None:
        """Take in what comes, until the connection is gone."""
        while True:
            await self._receive()

    async def _receive(self) -> dict[int, str]:
        message = await self._client.receive()
        number = int(message[34])
        if message[35] == "2":
            self._resend(int(message[7]))
        if message[35] == "4":
            assert number <= self._expected
            self._expected = max(self._expected, int(message[36]))
            return message
        if number > self._expected:
            self._client.send("2", {7: self._expected, 16: 0})
            self._next_number = self._client.next_number
            return message if message[35] == "A" else {35: ""}
        if number < self._expected:
            assert message.get(43) == "Y", message
            return message
        self._expected += 1
        if message[35] == "8":
            self.reports.append(message)
        return message

    def _resend(self, begin: int) -> None:
        for number in range(begin, self._next_number):
            self.resent += 1
            if number in self.sent:
                client_order_id, price = self.sent[number]
                fields: dict[int, object] = {11: client_order_id, 55: "BTCUSDT", 54: 1}
                fields |= {60: "20240101-00:00:00", 38: "0.001", 40: 2, 44: price, 59: 1}
                self._client.send("D", fields, number=number, is_poss_dup=True)
            else:
                fill: dict[int, object] = {123: "Y", 36: number + 1}
                self._client.send("4", fill, number=number, is_poss_dup=True)


async def wait_for_reports(
    client: CarefulClient, listening: asyncio.Task[None], count: int
) -> None:
    async with asyncio.timeout(20):
        while len(client.reports) < count:
            assert not listening.done(), listening.exception()
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)  # whatever came twice would come now
    listening.cancel()
    await asyncio.wait([listening])
