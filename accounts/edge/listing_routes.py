"""Where HTTP finds the desk's operations on assets and instruments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from accounts import listing_api as api
from accounts.edge.listing_desk import ListingDesk
from accounts.ops_api import Reply, Request
from accounts.routes import Access, Route


def listing_routes(desk: ListingDesk) -> list[Route]:
    return [
        Route(
            "POST",
            "/assets",
            Access.OPS,
            desk.list_asset,
            api.AssetReply,
            HTTPStatus.CREATED,
            body=api.ListAssetRequest,
        ),
        Route(
            "POST",
            "/instruments",
            Access.OPS,
            desk.list_instrument,
            api.ChangedInstrumentReply,
            HTTPStatus.CREATED,
            body=api.ListInstrumentRequest,
        ),
        Route("GET", "/instruments", Access.OPS, desk.list_instruments, api.InstrumentsReply),
        _change("halt", desk.halt_instrument),
        _change("resume", desk.resume_instrument),
        _change("delist", desk.delist_instrument),
        _change("phase", desk.change_phase, api.ChangePhaseRequest),
        _change("fees", desk.set_fees, api.SetFeesRequest),
        _change("limits", desk.set_limits, api.SetLimitsRequest),
        _change(
            "increments", desk.change_increments, api.ChangeIncrementsRequest, api.IncrementsReply
        ),
        _change(
            "reference-price",
            desk.set_reference_price,
            api.SetReferencePriceRequest,
            api.ReferencePriceReply,
        ),
    ]


def _change(
    what: str,
    handler: Callable[..., Awaitable[Reply]],
    body: type[Request] | None = None,
    reply: type[Reply] = api.ChangedInstrumentReply,
) -> Route:
    """Return the route of a change of one instrument."""
    return Route(
        "POST",
        f"/instruments/{{symbol}}/{what}",
        Access.OPS,
        handler,
        reply,
        parameters=api.SymbolPath,
        body=body,
    )
