"""The trade history on DynamoDB: its tables, their keys, and what an item holds.

    PREFIX-trades    series                number         one trade each
                     BTCUSDT#17            trade id       block 17: trades 17,000 to 17,999
                     BTCUSDT#blocks        NS and block   when it began: UTC ns x 10 ** 12 + 17
    PREFIX-fills     owner                 fill           one side of a trade each
                     7#BTCUSDT             TRADE_ID#maker account 7's, `#taker` behind `#maker`
    PREFIX-progress  reader                place          how far the writer is
                     trade-history         progress, and `listing#SEQUENCE` for each listing

An instrument's trade ids count from 1 without a hole, and rise with time. So a block is found by
arithmetic from an id, and from a time by one look at `blocks`; an account's fills need no index by
time of their own. `docs/history.md` has the reasons, sizes and costs.

Prices and amounts are decimals in text, of the tick when the trade was made: whoever reads an item
needs no listing. Where the desk amended a trade its items have `amendments`, how often, and
`busted` if it is undone; a corrected one's are as they are now, a busted one's as they were. Every
item but the writer's progress may have `expires`, UTC seconds, behind which DynamoDB deletes it.

History
-------
1   The first version.
2   `amendments` and `busted`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

BLOCK_TRADES: Final = 1_000
"""A block takes no more writes than one partition of DynamoDB takes in a second."""

BLOCKS_PER_NS: Final = 10**12
"""Room for the block in a number that orders blocks by the time of their first trade."""

WRITER: Final = "trade-history"
PROGRESS: Final = "progress"

Item = dict[str, dict[str, Any]]
"""An item as DynamoDB's API has it: values by name, each under the letter of its type."""


class Tables(NamedTuple):
    """The tables of a history, by name."""

    trades: str
    fills: str
    progress: str


class Place(NamedTuple):
    """Where a history lies. Credentials come from where boto3 finds them."""

    region: str
    prefix: str
    endpoint: str | None

    @property
    def tables(self) -> Tables:
        return Tables(f"{self.prefix}-trades", f"{self.prefix}-fills", f"{self.prefix}-progress")


class Key(NamedTuple):
    """How a table is keyed: attribute name and type of partition and of sort key."""

    partition: str
    sort: str
    sort_type: str


TRADES_KEY = Key("series", "number", "N")
FILLS_KEY = Key("owner", "fill", "S")
PROGRESS_KEY = Key("reader", "place", "S")


class HistoricTrade(NamedTuple):
    """One trade. `sequence` is its record's in the journal."""

    symbol: str
    trade_id: int
    timestamp_ns: int
    price: str
    quantity: str
    quote_quantity: str
    buyer_is_maker: bool
    buyer_order_id: int
    seller_order_id: int
    sequence: int
    amendments: int = 0
    is_busted: bool = False


class HistoricFill(NamedTuple):
    """One side of a trade. A fee below zero is a rebate."""

    account_id: int
    symbol: str
    trade_id: int
    is_maker: bool
    order_id: int
    is_buyer: bool
    price: str
    quantity: str
    quote_quantity: str
    fee: str
    fee_asset: str
    timestamp_ns: int
    sequence: int
    amendments: int = 0
    is_busted: bool = False


class ItemChange(NamedTuple):
    """New values of an item: of the first of `keys` whose item has the values of `where`."""

    is_fill: bool
    keys: tuple[Item, ...]
    values: Item
    where: Item


def place_of(url: str) -> Place:
    """Return what `dynamodb://REGION/TABLE_PREFIX[?endpoint=URL]` names. Raises `ValueError`."""
    parts = urlsplit(url)
    prefix = parts.path.removeprefix("/")
    if parts.scheme != "dynamodb" or not parts.netloc or not re.fullmatch(r"[\w.-]{1,200}", prefix):
        raise ValueError(f"{url!r} is not dynamodb://REGION/TABLE_PREFIX[?endpoint=URL]")
    return Place(parts.netloc, prefix, parse_qs(parts.query).get("endpoint", [None])[0])


def block_of(trade_id: int) -> int:
    return trade_id // BLOCK_TRADES


def begins_block(trade_id: int) -> bool:
    """Say whether a trade is the first of its block; ids count from 1."""
    return trade_id % BLOCK_TRADES == 0 or trade_id == 1


def block_series(symbol: str, block: int) -> str:
    return f"{symbol}#{block}"


def blocks_series(symbol: str) -> str:
    """Return the series that tells when each block of a symbol began."""
    return f"{symbol}#blocks"


def fills_owner(account_id: int, symbol: str) -> str:
    return f"{account_id}#{symbol}"


def fill_key(trade_id: int, *, is_maker: bool) -> str:
    """Return a key that sorts as trade ids do; both sides of a trade may be one account's."""
    return f"{trade_id:020}#{'maker' if is_maker else 'taker'}"


def first_fill_key(trade_id: int) -> str:
    """Return what sorts in front of both fills of a trade, and behind those of all before it."""
    return f"{trade_id:020}#"


def trade_item(trade: HistoricTrade, expires_s: int | None) -> Item:
    item: Item = {
        "series": {"S": block_series(trade.symbol, block_of(trade.trade_id))},
        "number": {"N": str(trade.trade_id)},
        "time_ns": {"N": str(trade.timestamp_ns)},
        "price": {"S": trade.price},
        "qty": {"S": trade.quantity},
        "quote": {"S": trade.quote_quantity},
        "buyer_is_maker": {"BOOL": trade.buyer_is_maker},
        "buyer": {"N": str(trade.buyer_order_id)},
        "seller": {"N": str(trade.seller_order_id)},
        "sequence": {"N": str(trade.sequence)},
    }
    return item | _expires(expires_s)


def block_item(first: HistoricTrade, expires_s: int | None) -> Item:
    """Return the item that tells where and when the block begins of which this trade is first."""
    number = first.timestamp_ns * BLOCKS_PER_NS + block_of(first.trade_id)
    return {
        "series": {"S": blocks_series(first.symbol)},
        "number": {"N": str(number)},
        "first_id": {"N": str(first.trade_id)},
    } | _expires(expires_s)


def fill_item(fill: HistoricFill, expires_s: int | None) -> Item:
    item: Item = {
        "owner": {"S": fills_owner(fill.account_id, fill.symbol)},
        "fill": {"S": fill_key(fill.trade_id, is_maker=fill.is_maker)},
        "order": {"N": str(fill.order_id)},
        "is_buyer": {"BOOL": fill.is_buyer},
        "price": {"S": fill.price},
        "qty": {"S": fill.quantity},
        "quote": {"S": fill.quote_quantity},
        "fee": {"S": fill.fee},
        "fee_asset": {"S": fill.fee_asset},
        "time_ns": {"N": str(fill.timestamp_ns)},
        "sequence": {"N": str(fill.sequence)},
    }
    return item | _expires(expires_s)


def read_trade(item: Mapping[str, Mapping[str, Any]]) -> HistoricTrade:
    return HistoricTrade(
        symbol=item["series"]["S"].rpartition("#")[0],
        trade_id=int(item["number"]["N"]),
        timestamp_ns=int(item["time_ns"]["N"]),
        price=item["price"]["S"],
        quantity=item["qty"]["S"],
        quote_quantity=item["quote"]["S"],
        buyer_is_maker=item["buyer_is_maker"]["BOOL"],
        buyer_order_id=int(item["buyer"]["N"]),
        seller_order_id=int(item["seller"]["N"]),
        sequence=int(item["sequence"]["N"]),
        **_amendment(item),
    )


def read_fill(item: Mapping[str, Mapping[str, Any]]) -> HistoricFill:
    account_id, _, symbol = item["owner"]["S"].partition("#")
    trade_id, _, role = item["fill"]["S"].partition("#")
    return HistoricFill(
        account_id=int(account_id),
        symbol=symbol,
        trade_id=int(trade_id),
        is_maker=role == "maker",
        order_id=int(item["order"]["N"]),
        is_buyer=item["is_buyer"]["BOOL"],
        price=item["price"]["S"],
        quantity=item["qty"]["S"],
        quote_quantity=item["quote"]["S"],
        fee=item["fee"]["S"],
        fee_asset=item["fee_asset"]["S"],
        timestamp_ns=int(item["time_ns"]["N"]),
        sequence=int(item["sequence"]["N"]),
        **_amendment(item),
    )


def trade_change(symbol: str, trade_id: int, buyer_order_id: int, values: Item) -> ItemChange:
    series = block_series(symbol, block_of(trade_id))
    key: Item = {"series": {"S": series}, "number": {"N": str(trade_id)}}
    return ItemChange(
        is_fill=False, keys=(key,), values=values, where={"buyer": {"N": str(buyer_order_id)}}
    )


def fill_change(
    account_id: int, symbol: str, trade_id: int, *, is_buyer: bool, values: Item
) -> ItemChange:
    """Return a change of a side of a trade, whose role in it need not be known."""
    owner = {"S": fills_owner(account_id, symbol)}
    keys: tuple[Item, ...] = tuple(
        {"owner": owner, "fill": {"S": fill_key(trade_id, is_maker=is_maker)}}
        for is_maker in (True, False)
    )
    return ItemChange(
        is_fill=True, keys=keys, values=values, where={"is_buyer": {"BOOL": is_buyer}}
    )


def amendment_values(amendments: int, *, is_busted: bool) -> Item:
    return {"amendments": {"N": str(amendments)}, "busted": {"BOOL": is_busted}}


def _amendment(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "amendments": int(item.get("amendments", {"N": "0"})["N"]),
        "is_busted": item.get("busted", {"BOOL": False})["BOOL"],
    }


def _expires(expires_s: int | None) -> Item:
    return {} if expires_s is None else {"expires": {"N": str(expires_s)}}
