"""What a client may ask about lists of orders (binance-spot-api-docs, rest-api.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from gateway.json_api.errors import ApiError, ErrorCode
from gateway.json_api.requests import (
    Identifier,
    PlaceOrder,
    SelfTradePreventionMode,
    SignedRequest,
)
from vocabulary.types import ID_MAX, Contingency

Side = Literal["BUY", "SELL"]
TimeInForce = Literal["GTC", "IOC", "FOK", "DAY"]
TrailingDelta = Annotated[int, Meta(ge=1, le=ID_MAX)]
DependentType = Literal[
    "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"
]
PendingType = Literal[
    "LIMIT",
    "MARKET",
    "LIMIT_MAKER",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]


class PlaceList(SignedRequest, kw_only=True):
    """What the lists of all kinds have."""

    symbol: str
    list_client_order_id: str | None = None
    new_order_resp_type: Literal["ACK", "RESULT", "FULL"] | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None

    def order(self, which: str, side: Side, quantity: str, name: str) -> PlaceOrder:
        """Return one of the orders, as the request that would place it alone."""

        def given(parameter: str) -> str | None:
            value: str | None = getattr(self, f"{which}_{parameter}", None)
            return value

        return PlaceOrder(
            timestamp=self.timestamp,
            symbol=self.symbol,
            side=side,
            type=getattr(self, f"{which}_type"),
            time_in_force=getattr(self, f"{which}_time_in_force", None),
            quantity=quantity,
            iceberg_qty=given("iceberg_qty"),
            price=given("price"),
            stop_price=given("stop_price"),
            trailing_delta=getattr(self, f"{which}_trailing_delta", None),
            new_client_order_id=given("client_order_id") or name,
            self_trade_prevention_mode=self.self_trade_prevention_mode,
        )


class PlaceOco(PlaceList, kw_only=True):
    """Two orders of which one cancels the other, one above the price and one below it."""

    contingency = Contingency.ONE_CANCELS_OTHER

    side: Side
    quantity: str
    above_type: DependentType
    above_client_order_id: str | None = None
    above_iceberg_qty: str | None = None
    above_price: str | None = None
    above_stop_price: str | None = None
    above_trailing_delta: TrailingDelta | None = None
    above_time_in_force: TimeInForce | None = None
    below_type: DependentType
    below_client_order_id: str | None = None
    below_iceberg_qty: str | None = None
    below_price: str | None = None
    below_stop_price: str | None = None
    below_trailing_delta: TrailingDelta | None = None
    below_time_in_force: TimeInForce | None = None

    def orders(self, name: str) -> tuple[PlaceOrder, PlaceOrder]:
        """Return both, the stop as the second; one that has no name gets one from the list's."""
        gain, stop = gain_and_stop(self.side)
        return (
            self.order(gain, self.side, self.quantity, f"{name}.1"),
            self.order(stop, self.side, self.quantity, f"{name}.2"),
        )


class PlaceTriggers(PlaceList, kw_only=True):
    """A working order, and what is placed once it is filled."""

    contingency = Contingency.ONE_TRIGGERS_OTHER

    working_type: Literal["LIMIT", "LIMIT_MAKER"]
    working_side: Side
    working_client_order_id: str | None = None
    working_price: str
    working_quantity: str
    working_iceberg_qty: str | None = None
    working_time_in_force: TimeInForce | None = None


class PlaceOto(PlaceTriggers, kw_only=True):
    """One pending order behind the working one."""

    pending_type: PendingType
    pending_side: Side
    pending_client_order_id: str | None = None
    pending_price: str | None = None
    pending_stop_price: str | None = None
    pending_trailing_delta: TrailingDelta | None = None
    pending_quantity: str
    pending_iceberg_qty: str | None = None
    pending_time_in_force: TimeInForce | None = None

    def orders(self, name: str) -> tuple[PlaceOrder, PlaceOrder]:
        """Return both; one that has no name gets one from the list's."""
        return (
            self.order("working", self.working_side, self.working_quantity, f"{name}.1"),
            self.order("pending", self.pending_side, self.pending_quantity, f"{name}.2"),
        )


class PlaceOtoco(PlaceTriggers, kw_only=True):
    """Two pending orders behind the working one, of which one cancels the other, as in an OCO."""

    pending_side: Side
    pending_quantity: str
    pending_above_type: DependentType
    pending_above_client_order_id: str | None = None
    pending_above_price: str | None = None
    pending_above_stop_price: str | None = None
    pending_above_trailing_delta: TrailingDelta | None = None
    pending_above_iceberg_qty: str | None = None
    pending_above_time_in_force: TimeInForce | None = None
    pending_below_type: DependentType
    pending_below_client_order_id: str | None = None
    pending_below_price: str | None = None
    pending_below_stop_price: str | None = None
    pending_below_trailing_delta: TrailingDelta | None = None
    pending_below_iceberg_qty: str | None = None
    pending_below_time_in_force: TimeInForce | None = None

    def orders(self, name: str) -> tuple[PlaceOrder, ...]:
        """Return all, the stop as the third; one that has no name gets one from the list's."""
        gain, stop = gain_and_stop(self.pending_side)
        pending = (self.pending_side, self.pending_quantity)
        return (
            self.order("working", self.working_side, self.working_quantity, f"{name}.1"),
            self.order(f"pending_{gain}", *pending, f"{name}.2"),
            self.order(f"pending_{stop}", *pending, f"{name}.3"),
        )


AnyList = PlaceOco | PlaceOto | PlaceOtoco


def gain_and_stop(side: Side) -> tuple[str, str]:
    """Return on which side of the price two orders are of which one gains and one protects."""
    return ("below", "above") if side == "BUY" else ("above", "below")


class NamedList(SignedRequest, kw_only=True):
    """A list by our id or by its client's."""

    order_list_id: Identifier | None = None

    def check(self, name: str | None) -> None:
        """Raise `ApiError` unless exactly one of the two names is there."""
        if (self.order_list_id is None) == (name is None):
            raise ApiError(
                ErrorCode.OPTIONAL_PARAMS_BAD_COMBO,
                "Send either 'orderListId' or the list's client order id.",
            )


class CancelList(NamedList, kw_only=True):
    symbol: str
    list_client_order_id: str | None = None
    new_client_order_id: str | None = None


class QueryList(NamedList, kw_only=True):
    orig_client_order_id: str | None = None


class OpenLists(SignedRequest, kw_only=True):
    pass
