"""Accounts' funds, asked of the matching process: at most one query at a time for each account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

import structlog

from gateway.edge import background
from gateway.json_api.account_replies import Balance
from gateway.json_api.errors import ApiError, ErrorCode
from matching.client import MatchingClient, MatchingUnavailable
from vocabulary.catalogue import Catalogue

QUERIES_AT_ONCE = 256
TIMEOUT_S = 5.0

log = structlog.get_logger("gateway")

Receive = Callable[[list[Balance] | ApiError], None]


class Standing(NamedTuple):
    """An account's funds exactly after `sequence`."""

    sequence: int
    balances: list[Balance]


ReceiveStanding = Callable[[Standing | ApiError], None]


class Balances:
    """Hands over funds as they are after the question, all assets of an account by id.

    Whoever asks while another's query runs waits for the next: an answer never lacks what was done
    before the question.
    """

    def __init__(self, matching: MatchingClient, catalogue: Catalogue) -> None:
        self._matching = matching
        self._catalogue = catalogue
        self._waiting: dict[int, list[ReceiveStanding]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = background.start(self._run(), "balances")

    async def stop(self) -> None:
        await background.stop(self._task)

    def ask(self, account_id: int, receive: Receive) -> None:
        """Have `receive` called with the account's funds, or with an error."""

        def receive_balances(found: Standing | ApiError) -> None:
            receive(found.balances if isinstance(found, Standing) else found)

        self.ask_standing(account_id, receive_balances)

    def ask_standing(self, account_id: int, receive: ReceiveStanding) -> None:
        """Have `receive` called with the account's funds and their sequence, or with an error."""
        self._waiting.setdefault(account_id, []).append(receive)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                account_ids = list(islice(self._waiting, QUERIES_AT_ONCE))
                asked = {each: self._waiting.pop(each) for each in account_ids}
                found = await asyncio.gather(*map(self._query, asked))
                for receivers, standing in zip(asked.values(), found, strict=True):
                    for receive in receivers:
                        _hand_over(standing, receive)

    async def _query(self, account_id: int) -> Standing | ApiError:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                report = await self._matching.funds(account_id)
        except (TimeoutError, MatchingUnavailable):
            return ApiError(ErrorCode.DISCONNECTED, "Balances can't be read now; try again.")
        units = {each.asset_id: (each.available_units, each.held_units) for each in report.funds}
        balances = [
            Balance(asset, *units.get(asset.asset_id, (0, 0)))
            for asset in self._catalogue.assets.values()
        ]
        return Standing(report.sequence, balances)


def _hand_over(standing: Standing | ApiError, receive: ReceiveStanding) -> None:
    try:
        receive(standing)
    except Exception:  # one client's answer that can't be made is not to cost the others theirs
        log.exception("balances not told")
