"""What a client may ask of an order that it has: another one in its place, or less of it."""

from __future__ import annotations

from typing import Literal

from gateway.json_api import requests as r


class CancelReplace(r.PlaceOrder, kw_only=True):
    """A new order, and which one is canceled before it."""

    cancel_replace_mode: Literal["STOP_ON_FAILURE", "ALLOW_FAILURE"]
    cancel_order_id: r.Identifier | None = None
    cancel_orig_client_order_id: str | None = None
    cancel_new_client_order_id: str | None = None

    def cancel(self) -> r.CancelOrder:
        """Return the cancel alone."""
        return r.CancelOrder(
            timestamp=self.timestamp,
            symbol=self.symbol,
            order_id=self.cancel_order_id,
            orig_client_order_id=self.cancel_orig_client_order_id,
            new_client_order_id=self.cancel_new_client_order_id,
        )


class Amend(r.NamedOrder, kw_only=True):
    """Less of an order, which keeps its place. Without a new name it keeps its own."""

    new_qty: str
    new_client_order_id: str | None = None
