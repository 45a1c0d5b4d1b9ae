"""All that a client can ask for: its name over WebSocket, its place over HTTP."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from gateway.json_api import list_requests as lists
from gateway.json_api import replace_requests as replaces
from gateway.json_api import requests as r


class Security(Enum):
    """What a request must carry. All but `PUBLIC` are signed, by a key that has the permission."""

    PUBLIC = auto()
    READ = auto()
    TRADE = auto()


class Operation(NamedTuple):
    """`method` and `path` are empty where an operation exists over WebSocket only."""

    name: str
    request_type: type[r.Request]
    security: Security
    method: str = ""
    path: str = ""


_PUBLIC, _READ, _TRADE = Security.PUBLIC, Security.READ, Security.TRADE

OPERATIONS = (
    Operation("ping", r.Request, _PUBLIC, "GET", "/api/v3/ping"),
    Operation("time", r.Request, _PUBLIC, "GET", "/api/v3/time"),
    Operation("exchangeInfo", r.Symbols, _PUBLIC, "GET", "/api/v3/exchangeInfo"),
    Operation("depth", r.Depth, _PUBLIC, "GET", "/api/v3/depth"),
    Operation("trades.recent", r.Trades, _PUBLIC, "GET", "/api/v3/trades"),
    Operation("trades.historical", r.HistoricalTrades, _PUBLIC, "GET", "/api/v3/historicalTrades"),
    Operation("trades.aggregate", r.AggregateTrades, _PUBLIC, "GET", "/api/v3/aggTrades"),
    Operation("klines", r.Klines, _PUBLIC, "GET", "/api/v3/klines"),
    Operation("ticker.24hr", r.Symbols, _PUBLIC, "GET", "/api/v3/ticker/24hr"),
    Operation("ticker.price", r.Symbols, _PUBLIC, "GET", "/api/v3/ticker/price"),
    Operation("ticker.book", r.Symbols, _PUBLIC, "GET", "/api/v3/ticker/bookTicker"),
    Operation("order.place", r.PlaceOrder, _TRADE, "POST", "/api/v3/order"),
    Operation("order.test", r.PlaceOrder, _TRADE, "POST", "/api/v3/order/test"),
    Operation("order.cancel", r.CancelOrder, _TRADE, "DELETE", "/api/v3/order"),
    Operation(
        "order.cancelReplace",
        replaces.CancelReplace,
        _TRADE,
        "POST",
        "/api/v3/order/cancelReplace",
    ),
    Operation(
        "order.amend.keepPriority",
        replaces.Amend,
        _TRADE,
        "PUT",
        "/api/v3/order/amend/keepPriority",
    ),
    Operation("orderList.place.oco", lists.PlaceOco, _TRADE, "POST", "/api/v3/orderList/oco"),
    Operation("orderList.place.oto", lists.PlaceOto, _TRADE, "POST", "/api/v3/orderList/oto"),
    Operation("orderList.place.otoco", lists.PlaceOtoco, _TRADE, "POST", "/api/v3/orderList/otoco"),
    Operation("orderList.cancel", lists.CancelList, _TRADE, "DELETE", "/api/v3/orderList"),
    Operation("orderList.status", lists.QueryList, _READ, "GET", "/api/v3/orderList"),
    Operation("openOrderLists.status", lists.OpenLists, _READ, "GET", "/api/v3/openOrderList"),
    Operation("order.status", r.QueryOrder, _READ, "GET", "/api/v3/order"),
    Operation("openOrders.cancelAll", r.CancelOpenOrders, _TRADE, "DELETE", "/api/v3/openOrders"),
    # As Binance's futures have it: /fapi/v1/countdownCancelAll.
    Operation(
        "openOrders.countdownCancelAll",
        r.CountdownCancelAll,
        _TRADE,
        "POST",
        "/api/v3/countdownCancelAll",
    ),
    Operation("openOrders.status", r.OpenOrders, _READ, "GET", "/api/v3/openOrders"),
    Operation("allOrders", r.AllOrders, _READ, "GET", "/api/v3/allOrders"),
    Operation("myTrades", r.MyTrades, _READ, "GET", "/api/v3/myTrades"),
    Operation("account.status", r.Account, _READ, "GET", "/api/v3/account"),
    Operation("account.commission", r.Commission, _READ, "GET", "/api/v3/account/commission"),
    # What Binance's clients ask for at their start, beside the spot API.
    Operation("capital.config", r.SignedRequest, _READ, "GET", "/sapi/v1/capital/config/getall"),
    Operation("asset.tradeFee", r.TradeFees, _READ, "GET", "/sapi/v1/asset/tradeFee"),
    Operation("margin.pairs", r.SignedRequest, _READ, "GET", "/sapi/v1/margin/allPairs"),
    Operation(
        "margin.isolatedPairs", r.SignedRequest, _READ, "GET", "/sapi/v1/margin/isolated/allPairs"
    ),
    Operation("userDataStream.subscribe.signature", r.SignedRequest, _READ),
    Operation("userDataStream.unsubscribe", r.Unsubscribe, _PUBLIC),
)

BY_NAME = {operation.name: operation for operation in OPERATIONS}
