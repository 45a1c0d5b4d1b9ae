"""Where HTTP finds the desk's operations on FIX sessions and maintenance, and the gateways' way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from accounts import fix_session_api as api
from accounts.edge.fix_session_desk import FixSessionDesk
from accounts.edge.maintenance_desk import MaintenanceDesk
from accounts.maintenance_api import AnnounceMaintenance, MaintenanceReply
from accounts.ops_api import Reply, Request
from accounts.routes import Access, Route

SESSION = "/fix-sessions/{service}/{account_id}/{sender_comp_id}"


def fix_session_routes(desk: FixSessionDesk, maintenance: MaintenanceDesk) -> list[Route]:
    return [
        Route(
            "GET",
            "/fix-sessions",
            Access.OPS,
            desk.list_fix_sessions,
            api.FixSessionsReply,
            parameters=api.FixSessionsQuery,
        ),
        Route(
            "POST",
            "/fix-sessions",
            Access.OPS,
            desk.make_fix_session,
            api.FixSessionReply,
            HTTPStatus.CREATED,
            body=api.MakeFixSession,
        ),
        Route(
            "GET",
            SESSION,
            Access.OPS,
            desk.show_fix_session,
            api.FixSessionReply,
            parameters=api.FixSessionPath,
        ),
        _change("", desk.change_fix_session, api.ChangeFixSession),
        _change("/disable", desk.disable_fix_session, api.DisableFixSession),
        _change("/enable", desk.enable_fix_session),
        _change("/reset", desk.reset_fix_session),
        _change("/logout", desk.log_out_fix_session),
        *_maintenance_routes(maintenance),
        Route(
            "POST",
            "/internal/fix-gateways/{gateway}",
            Access.SERVICE,
            desk.take_fix_standings,
            api.FixRulesReply,
            parameters=api.GatewayPath,
            body=api.TellStandings,
        ),
    ]


def _maintenance_routes(desk: MaintenanceDesk) -> list[Route]:
    path, reply = "/maintenance", MaintenanceReply
    return [
        Route("GET", path, Access.OPS, desk.show_maintenance, reply),
        Route(
            "POST",
            path,
            Access.OPS,
            desk.announce_maintenance,
            reply,
            HTTPStatus.CREATED,
            body=AnnounceMaintenance,
        ),
        Route("DELETE", path, Access.OPS, desk.end_maintenance, reply),
    ]


def _change(
    what: str, handler: Callable[..., Awaitable[Reply]], body: type[Request] | None = None
) -> Route:
    """Return the route of a change of one session."""
    return Route(
        "POST",
        f"{SESSION}{what}",
        Access.OPS,
        handler,
        api.FixSessionReply,
        parameters=api.FixSessionPath,
        body=body,
    )
