"""The trade history's tables on DynamoDB, as their writer sees them."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from prometheus_client import Counter

from objects.store import ConflictError
from vocabulary.trade_history import (
    FILLS_KEY,
    PROGRESS_KEY,
    TRADES_KEY,
    Item,
    ItemChange,
    Key,
    Place,
)

BATCH_ITEMS = 25  # BatchWriteItem takes no more
CALLS_AT_ONCE = 8
TIMEOUT_S = 5
ATTEMPTS_MAX = 10
"""Of one call, within some 20 seconds of back-off; then the batch fails as a whole."""

BACKOFF_MIN_S = 0.05
BACKOFF_MAX_S = 5.0

THROTTLED = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
}

CALLS = Counter("agio_trade_history_calls", "Batches of items sent to DynamoDB", ["table"])
AGAIN = Counter("agio_trade_history_again", "Calls sent again, by what DynamoDB answered", ["why"])

log = structlog.get_logger("trade-history")


class HistoryFailedError(Exception):
    """DynamoDB does not answer, or refuses; says why. Trying again may help."""


class HistoryTables:
    """Writes items, and the writer's progress behind them.

    All methods block, and raise `HistoryFailedError`. `stop`, from any thread, ends their waits.
    """

    def __init__(self, place: Place) -> None:
        self._names = place.tables
        self._db: Any = boto3.client(
            "dynamodb",
            region_name=place.region,
            endpoint_url=place.endpoint,
            config=Config(
                connect_timeout=TIMEOUT_S,
                read_timeout=TIMEOUT_S,
                max_pool_connections=CALLS_AT_ONCE,
                retries={"mode": "standard", "total_max_attempts": 1},  # we know what to repeat
            ),
        )
        self._threads = ThreadPoolExecutor(CALLS_AT_ONCE, "trade-history")
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Wait for nothing any more: what was begun is finished, or fails at its next wait."""
        self._stopping.set()

    def make(self, *, expire: bool) -> None:
        """Make the tables that are not there, and have items deleted once they expire."""
        names = self._names
        with _failures_named("tables"):
            for name, key in (
                (names.trades, TRADES_KEY),
                (names.fills, FILLS_KEY),
                (names.progress, PROGRESS_KEY),
            ):
                self._make_table(name, key)
            if expire:
                for name in (names.trades, names.fills):
                    self._let_expire(name)

    def write(self, trades: Sequence[Item], fills: Sequence[Item]) -> None:
        """Put items, several calls at once; when it returns all are there, in any order."""
        chunks = [
            (table, items[first : first + BATCH_ITEMS])
            for table, items in ((self._names.trades, trades), (self._names.fills, fills))
            for first in range(0, len(items), BATCH_ITEMS)
        ]
        # All are waited for: what fails must not be written beside a later attempt.
        done = [self._threads.submit(self._write_chunk, *chunk) for chunk in chunks]
        failures = [error for future in done if (error := future.exception()) is not None]
        if failures:
            raise failures[0]

    def change(self, change: ItemChange) -> None:
        """Change an item that is there; one that has expired stays away."""
        table = self._names.fills if change.is_fill else self._names.trades
        for key in change.keys:
            if self._change_item(table, key, change):
                return

    def _change_item(self, table: str, key: Item, change: ItemChange) -> bool:
        """Return whether it is the item that is meant, and changed."""
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                self._pause(attempt)
            CALLS.labels(table).inc()
            try:
                self._db.update_item(
                    TableName=table,
                    Key=key,
                    UpdateExpression="SET " + ", ".join(f"#{n} = :{n}" for n in change.values),
                    ConditionExpression=" AND ".join(f"#{n} = :{n}" for n in change.where),
                    ExpressionAttributeNames={f"#{n}": n for n in change.values | change.where},
                    ExpressionAttributeValues={
                        f":{n}": value for n, value in (change.values | change.where).items()
                    },
                )
            except ClientError as error:
                if code_of(error) == "ConditionalCheckFailedException":
                    return False
                if code_of(error) not in THROTTLED and _is_ours(error):
                    raise HistoryFailedError(f"{table}: {error}") from error
            except BotoCoreError as error:
                log.debug("no answer", table=table, reason=str(error))
            else:
                return True
        raise HistoryFailedError(f"{table}: an item was not changed")

    def put_progress(self, item: Item) -> None:
        """Put an item of the table of progress, whatever was there."""
        with _failures_named("progress"):
            self._db.put_item(TableName=self._names.progress, Item=item)

    def progress_items(self, reader: str) -> list[Item]:
        """Return all that a reader has in the table of progress."""
        pages = self._db.get_paginator("query")
        with _failures_named("progress"):
            return [
                item
                for page in pages.paginate(
                    TableName=self._names.progress,
                    ConsistentRead=True,
                    KeyConditionExpression="reader = :reader",
                    ExpressionAttributeValues={":reader": {"S": reader}},
                )
                for item in page["Items"]
            ]

    def replace_progress(self, item: Item, before: Item | None) -> None:
        """Put an item where `before` stands; None: where nothing does. Raises `ConflictError`.

        An attempt whose answer was lost finds its own work, and is content.
        """
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(place)"}
        if before is not None:
            condition = {
                "ConditionExpression": "#sequence = :sequence AND writer = :writer",
                "ExpressionAttributeNames": {"#sequence": "sequence"},
                "ExpressionAttributeValues": {
                    ":sequence": before["sequence"],
                    ":writer": before["writer"],
                },
            }
        table = self._names.progress
        with _failures_named("progress"):
            try:
                self._db.put_item(TableName=table, Item=item, **condition)
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                key = {name: item[name] for name in (PROGRESS_KEY.partition, PROGRESS_KEY.sort)}
                found = self._db.get_item(TableName=table, Key=key, ConsistentRead=True)
                if found.get("Item") != item:
                    raise ConflictError("another process writes this trade history") from None

    def _write_chunk(self, table: str, items: Sequence[Item]) -> None:
        """Put at most 25 items, and again what was not taken, with more and more patience."""
        left = [{"PutRequest": {"Item": item}} for item in items]
        why = ""
        attempt = 0
        while attempt < ATTEMPTS_MAX:
            if attempt:
                AGAIN.labels(why).inc()
                self._pause(attempt)
            CALLS.labels(table).inc()
            attempt += 1
            try:
                answer = self._db.batch_write_item(RequestItems={table: left})
            except ClientError as error:
                why = "throttled" if code_of(error) in THROTTLED else "failed"
                if why == "failed" and _is_ours(error):
                    raise HistoryFailedError(f"{table}: {error}") from error
            except BotoCoreError as error:
                why = "away"
                log.debug("no answer", table=table, reason=str(error))
            else:
                before = len(left)
                left = answer.get("UnprocessedItems", {}).get(table, [])
                if not left:
                    return
                why = "unprocessed"
                if len(left) < before:
                    attempt = 1  # it goes on, if slowly
        raise HistoryFailedError(f"{table}: {len(left)} items not taken, at last {why}")

    def _pause(self, attempt: int) -> None:
        """Wait for a random part of a time that doubles, so that writers do not fall in step."""
        limit_s = min(BACKOFF_MIN_S * 2**attempt, BACKOFF_MAX_S)
        if self._stopping.wait(random.uniform(0, limit_s)):  # noqa: S311 (not a secret)
            raise HistoryFailedError("stopped")

    def _make_table(self, name: str, key: Key) -> None:
        try:
            self._db.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": key.partition, "AttributeType": "S"},
                    {"AttributeName": key.sort, "AttributeType": key.sort_type},
                ],
                KeySchema=[
                    {"AttributeName": key.partition, "KeyType": "HASH"},
                    {"AttributeName": key.sort, "KeyType": "RANGE"},
                ],
            )
            log.info("table made", table=name)
        except ClientError as error:
            if code_of(error) != "ResourceInUseException":
                raise
        self._db.get_waiter("table_exists").wait(
            TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )

    def _let_expire(self, name: str) -> None:
        found = self._db.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        if found["TimeToLiveStatus"] in {"DISABLED", "DISABLING"}:
            self._db.update_time_to_live(
                TableName=name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"},
            )


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_ours(error: ClientError) -> bool:
    """Say whether a refusal would be one again: a 4xx that is not throttling."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)) < 500


@contextmanager
def _failures_named(what: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise HistoryFailedError(f"{what}: {error}") from error
