"""The trade history's tables on DynamoDB, as who pages through them sees them.

`vocabulary.trade_history` has the keys. All reads are consistent: what progress counts is there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gateway.trade_history import (
    FoundFills,
    FoundTrades,
    HistoryUnavailableError,
    TradeRange,
)
from vocabulary.trade_history import (
    BLOCKS_PER_NS,
    PROGRESS,
    WRITER,
    HistoricFill,
    HistoricTrade,
    Item,
    Place,
    block_of,
    block_series,
    blocks_series,
    fills_owner,
    first_fill_key,
    read_fill,
    read_trade,
)

CONNECT_TIMEOUT_S = 1
READ_TIMEOUT_S = 2
PAGE_ITEMS_MIN = 200  # as some of what is read may be in front of the range


class HistoryTables:
    """Pages of trades and fills. All methods block, and raise `HistoryUnavailableError`.

    No call to DynamoDB begins behind the deadline, a time of `time.monotonic`.
    """

    def __init__(self, place: Place, calls_at_once: int) -> None:
        self._names = place.tables
        self._db: Any = boto3.client(
            "dynamodb",
            region_name=place.region,
            endpoint_url=place.endpoint,
            config=Config(
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
                max_pool_connections=calls_at_once,
                retries={"mode": "standard", "total_max_attempts": 2},
            ),
        )

    def trades(self, wanted: TradeRange, deadline_s: float) -> FoundTrades:
        through_ns = self._through_ns(deadline_s)
        if wanted.is_from_start:
            found = self._first_trades(wanted, deadline_s)
        else:
            found = self._last_trades(wanted, deadline_s)[::-1]
        return FoundTrades(found, through_ns)

    def fills(self, account_id: int, wanted: TradeRange, deadline_s: float) -> FoundFills:
        through_ns = self._through_ns(deadline_s)
        found: list[HistoricFill] = []
        for fill in self._fills(account_id, wanted, deadline_s):
            if wanted.start_ns <= fill.timestamp_ns <= wanted.end_ns:
                found.append(fill)
                if len(found) == wanted.limit:
                    break
            elif (fill.timestamp_ns > wanted.end_ns) == wanted.is_from_start:
                break  # behind the range; in front of it the next one may be within
        return FoundFills(found if wanted.is_from_start else found[::-1], through_ns)

    def _through_ns(self, deadline_s: float) -> int:
        """Return up to which time everything is in the tables."""
        key = {"reader": {"S": WRITER}, "place": {"S": PROGRESS}}
        answer = self._ask(
            "get_item", deadline_s, TableName=self._names.progress, Key=key, ConsistentRead=True
        )
        return int(answer["Item"]["time_ns"]["N"]) if "Item" in answer else 0

    def _first_trades(self, wanted: TradeRange, deadline_s: float) -> list[HistoricTrade]:
        symbol = wanted.symbol
        newest = self._block(symbol, deadline_s, newest=True)
        begin = self._block(symbol, deadline_s, newest=True, before_ns=wanted.start_ns)
        begin = begin or self._block(symbol, deadline_s, newest=False)
        if newest is None or begin is None:
            return []
        found: list[HistoricTrade] = []
        next_id = max(wanted.first_id, begin)
        for block in range(block_of(next_id), block_of(newest) + 1):
            for trade in self._block_trades(wanted, block, next_id, deadline_s):
                if trade.timestamp_ns > wanted.end_ns:
                    return found
                if trade.timestamp_ns >= wanted.start_ns:
                    found.append(trade)
                    if len(found) == wanted.limit:
                        return found
        return found

    def _last_trades(self, wanted: TradeRange, deadline_s: float) -> list[HistoricTrade]:
        """Return the newest first."""
        symbol = wanted.symbol
        oldest = self._block(symbol, deadline_s, newest=False)
        begin = self._block(symbol, deadline_s, newest=True, before_ns=wanted.end_ns + 1)
        if oldest is None or begin is None:
            return []
        found: list[HistoricTrade] = []
        for block in range(block_of(begin), block_of(oldest) - 1, -1):
            for trade in self._block_trades(wanted, block, wanted.first_id, deadline_s):
                if trade.timestamp_ns < wanted.start_ns:
                    return found
                if trade.timestamp_ns <= wanted.end_ns:
                    found.append(trade)
                    if len(found) == wanted.limit:
                        return found
        return found

    def _block_trades(
        self, wanted: TradeRange, block: int, first_id: int, deadline_s: float
    ) -> Iterator[HistoricTrade]:
        """Yield a block's trades from an id on, in the direction of the range."""
        items = self._query(
            self._names.trades,
            "series = :series AND #number >= :first",
            {
                ":series": {"S": block_series(wanted.symbol, block)},
                ":first": {"N": str(first_id)},
            },
            deadline_s,
            ExpressionAttributeNames={"#number": "number"},
            ScanIndexForward=wanted.is_from_start,
            Limit=max(wanted.limit, PAGE_ITEMS_MIN),
        )
        return map(read_trade, items)

    def _block(
        self, symbol: str, deadline_s: float, *, newest: bool, before_ns: int | None = None
    ) -> int | None:
        """Return the first trade id of the newest or the oldest block, that began before a time."""
        condition, values = "series = :series", {":series": {"S": blocks_series(symbol)}}
        more: dict[str, Any] = {}
        if before_ns is not None:
            condition += " AND #number < :before"
            values[":before"] = {"N": str(before_ns * BLOCKS_PER_NS)}
            more["ExpressionAttributeNames"] = {"#number": "number"}
        found = self._query(
            self._names.trades,
            condition,
            values,
            deadline_s,
            ScanIndexForward=not newest,
            Limit=1,
            **more,
        )
        item = next(found, None)
        return None if item is None else int(item["first_id"]["N"])

    def _block_behind(self, symbol: str, time_ns: int, deadline_s: float) -> int | None:
        """Return the first trade id of the first block that began behind a time."""
        found = self._query(
            self._names.trades,
            "series = :series AND #number >= :behind",
            {
                ":series": {"S": blocks_series(symbol)},
                ":behind": {"N": str((time_ns + 1) * BLOCKS_PER_NS)},
            },
            deadline_s,
            ExpressionAttributeNames={"#number": "number"},
            Limit=1,
        )
        item = next(found, None)
        return None if item is None else int(item["first_id"]["N"])

    def _fills(
        self, account_id: int, wanted: TradeRange, deadline_s: float
    ) -> Iterator[HistoricFill]:
        """Yield fills in the direction of the range, some of them in front of it."""
        first_id, end_id = wanted.first_id, None
        if wanted.start_ns:
            begin = self._block(wanted.symbol, deadline_s, newest=True, before_ns=wanted.start_ns)
            first_id = max(first_id, begin or 0)
        if not wanted.is_from_start:
            end_id = self._block_behind(wanted.symbol, wanted.end_ns, deadline_s)
        values = {
            ":owner": {"S": fills_owner(account_id, wanted.symbol)},
            ":first": {"S": first_fill_key(first_id)},
            ":end": {"S": first_fill_key(end_id) if end_id is not None else "~"},
        }
        more: dict[str, Any] = {"Limit": max(wanted.limit, PAGE_ITEMS_MIN)}
        if wanted.order_id is not None:
            values[":order"] = {"N": str(wanted.order_id)}
            more = {"FilterExpression": "#order = :order"}
            more["ExpressionAttributeNames"] = {"#order": "order"}
        items = self._query(
            self._names.fills,
            "#owner = :owner AND #fill BETWEEN :first AND :end",
            values,
            deadline_s,
            ScanIndexForward=wanted.is_from_start,
            **more
            | {
                "ExpressionAttributeNames": {"#owner": "owner", "#fill": "fill"}
                | more.get("ExpressionAttributeNames", {})
            },
        )
        yield from map(read_fill, items)

    def _query(
        self,
        table: str,
        condition: str,
        values: dict[str, dict[str, str]],
        deadline_s: float,
        **more: Any,
    ) -> Iterator[Item]:
        while True:
            answer = self._ask(
                "query",
                deadline_s,
                TableName=table,
                ConsistentRead=True,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                **more,
            )
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            more["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _ask(self, operation: str, deadline_s: float, **parameters: Any) -> Any:
        if time.monotonic() > deadline_s:
            raise HistoryUnavailableError("it took too long")
        try:
            return getattr(self._db, operation)(**parameters)
        except (BotoCoreError, ClientError) as error:
            raise HistoryUnavailableError(str(error)) from error
