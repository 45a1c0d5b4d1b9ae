"""JSON orders of one client, from its request to its answer, on an engine without a network."""

import json
from typing import Any

import msgspec

from gateway.json_api import list_requests as lists
from gateway.json_api import order_queries
from gateway.json_api import requests as r
from gateway.json_api.errors import ApiError
from gateway.json_api.replace_requests import Amend, CancelReplace
from gateway.json_orders import JsonOrders
from tests.gateway.engine_room import ALICE, EngineRoom
from vocabulary import commands as c

SESSION_ID = 2**63 - 1
NOW_NS = 1_700_000_000_000_000_000


class Desk:
    """Commands wait in `submitted` until `run` has the engine execute them."""

    def __init__(self, orders_per_s_max: int = 1000) -> None:
        self.room = EngineRoom()
        self.submitted: list[c.Command] = []
        self.orders = JsonOrders(
            session_id=SESSION_ID,
            order_entry=self.room.order_entry,
            orders=self.room.orders,
            submit=self.submitted.append,
            orders_per_s_max=orders_per_s_max,
        )
        self.answers: list[Any] = []

    def run(self) -> Any:
        """Execute what was submitted; return the one answer."""
        for command in self.submitted:
            reports = self.room.apply(command)
            self.orders.on_record(self.room.records[-1], reports)
        self.submitted.clear()
        (answer,) = self.answers
        self.answers.clear()
        if isinstance(answer, ApiError):
            return answer
        return json.loads(msgspec.json.encode(answer))

    def terms(self, **change: Any) -> dict[str, Any]:
        """Return the parameters of an order, changed; those that are None are left out."""
        terms: dict[str, Any] = {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.1",
            "price": "100.00",
            "timestamp": 1,
        }
        return {name: value for name, value in (terms | change).items() if value is not None}

    def submit(self, **change: Any) -> None:
        request = r.parse(self.terms(**change), r.PlaceOrder)
        self.orders.place(ALICE, request, NOW_NS, self.answers.append)

    def place(self, **change: Any) -> Any:
        self.submit(**change)
        return self.run()

    def cancel(self, **names: Any) -> Any:
        request = r.parse({"symbol": "BTCUSDT", "timestamp": 1, **names}, r.CancelOrder)
        self.orders.cancel(ALICE, request, NOW_NS, self.answers.append)
        return self.run()

    def cancel_replace(self, **change: Any) -> Any:
        request = r.parse(self.terms(cancelReplaceMode="STOP_ON_FAILURE") | change, CancelReplace)
        self.orders.cancel_replace(ALICE, request, NOW_NS, self.answers.append)
        return self.run()

    def amend(self, **change: Any) -> Any:
        request = r.parse({"symbol": "BTCUSDT", "timestamp": 1, **change}, Amend)
        self.orders.amend(ALICE, request, NOW_NS, self.answers.append)
        return self.run()

    def place_list(self, terms: dict[str, Any], kind: type[r.Request]) -> Any:
        request: Any = r.parse(terms, kind)
        self.orders.place_list(ALICE, request, NOW_NS, self.answers.append)
        return self.run()

    def cancel_list(self, **names: Any) -> Any:
        request = r.parse({"symbol": "BTCUSDT", "timestamp": 1, **names}, lists.CancelList)
        self.orders.cancel_list(ALICE, request, NOW_NS, self.answers.append)
        return self.run()

    def status(self, order_id: int) -> str:
        request = r.QueryOrder(timestamp=1, symbol="BTCUSDT", order_id=order_id)
        return order_queries.order_status(self.room.orders, ALICE, request).status

    def cancel_all(self, **more: Any) -> Any:
        request = r.parse({"symbol": "BTCUSDT", "timestamp": 1, **more}, r.CancelOpenOrders)
        self.orders.cancel_all(ALICE, request, NOW_NS, self.answers.append)
        return self.run()
