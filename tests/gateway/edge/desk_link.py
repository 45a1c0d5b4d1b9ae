"""The ops desk's own link to the matching process: it busts and corrects trades."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Self

import msgspec

from matching.client import MatchingClient
from tests.gateway.engine_room import BTCUSDT
from tests.matching.core.busts import Busts
from vocabulary import commands as c
from vocabulary.codec import Record
from vocabulary.events import CommandRejected

DESK_SESSION = 4_711
PATIENCE_S = 5.0


class DeskLink:
    """Knows every trade of BTCUSDT from the records, as the desk does from the ledger."""

    def __init__(self, matching_address: str) -> None:
        self._busts = Busts()
        self._numbers = count(1)
        self._done: asyncio.Queue[Record] = asyncio.Queue()
        self._client = MatchingClient(
            matching_address, "desk", from_sequence=1, on_records=self._on_records
        )

    async def __aenter__(self) -> Self:
        await self._client.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.stop()

    async def bust(self, trade_id: int) -> None:
        await self._submit(await self._trade(trade_id))

    async def correct(self, trade_id: int, price_ticks: int, lots: int) -> None:
        bust = await self._trade(trade_id)
        await self._submit(self._busts.correction(bust, price_ticks, lots))

    async def _trade(self, trade_id: int) -> c.BustTrade:
        async with asyncio.timeout(PATIENCE_S):
            while (BTCUSDT, trade_id) not in self._busts.by_trade:
                await asyncio.sleep(0.005)
        return self._busts.by_trade[BTCUSDT, trade_id]

    async def _submit(self, command: c.AmendTrade) -> None:
        self._client.submit(
            msgspec.structs.replace(
                command, session_id=DESK_SESSION, session_number=next(self._numbers)
            )
        )
        async with asyncio.timeout(PATIENCE_S):
            record = await self._done.get()
        assert not isinstance(record.events[0], CommandRejected), record

    def _on_records(self, records: list[Record]) -> None:
        for record in records:
            for event in record.events:
                self._busts.note(event, record.sequence)
            if record.command.session_id == DESK_SESSION:
                self._done.put_nowait(record)
