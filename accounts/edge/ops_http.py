"""The ops HTTP: from bytes to a route's typed request, from its reply or error back to bytes."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any

import asyncpg
import structlog
from aiohttp import web
from prometheus_client import Counter
from pydantic import ValidationError

from accounts.edge.ledger_store import POSTGRES_ERRORS
from accounts.ops_api import ErrorDetail, ErrorReply, OpsError, Reply, Request
from accounts.routes import Access, Route, openapi_document

BODY_BYTES_MAX = 64 * 1024
SHOWN_CHARACTERS_MAX = 60

HTTP_ERROR_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}

UNKNOWN = "unknown"
MAYBE_DONE = "what was asked may or may not have been done"

# The server was never spoken to, so nothing can have happened.
NOT_CONNECTED = (ConnectionRefusedError, asyncpg.CannotConnectNowError)

REQUESTS = Counter("agio_accounts_ops_requests", "Requests to the ops HTTP", ["action", "status"])

log = structlog.get_logger("accounts")

AddAudit = Callable[[str, str, str, str], Awaitable[None]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OpsHttp:
    """Serves a table of routes on `host` and `port` (0: any free one, told by `port` once started).

    `tokens` open what each `Access` guards. `add_audit` gets actor, action, target and result of
    every request that may have changed something.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        *,
        host: str,
        port: int,
        tokens: dict[Access, str],
        add_audit: AddAudit,
        version: str,
    ) -> None:
        self.port = port
        self._host = host
        self._tokens = {access: token.encode() for access, token in tokens.items()}
        self._add_audit = add_audit
        routes = list(routes)
        document = openapi_document(routes, "agio ops", version)

        async def show_openapi(_request: web.Request) -> web.Response:
            return web.json_response(document)

        application = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[_answer_errors])
        application.router.add_route("GET", "/openapi.json", show_openapi)
        for route in routes:
            application.router.add_route(route.method, route.path, self._serve(route))
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    def _serve(self, route: Route) -> Handler:
        action = route.handler.__name__

        async def serve(request: web.Request) -> web.StreamResponse:
            status = 500
            try:
                reply = await answer(request)
                status = reply.status
            except OpsError as error:
                status = error.status
                raise
            finally:
                REQUESTS.labels(action, status).inc()
            return reply

        async def answer(request: web.Request) -> web.StreamResponse:
            self._check_token(request, route.access)
            try:
                reply = await route.handler(*await _arguments(request, route))
            except OpsError as error:
                await self._audit(request, route, f"{error.status} {error.code}")
                raise
            except POSTGRES_ERRORS as error:
                log.warning("Postgres failed the desk", error=f"{type(error).__name__}: {error}")
                told = _postgres_error(error, route)
                if told.code == UNKNOWN:
                    await self._audit(request, route, f"{told.status} {told.code}")
                raise told from error
            except web.HTTPException:  # aiohttp's own, of the body
                raise
            except Exception as error:
                log.exception("request failed", action=action)
                await self._audit(request, route, f"500 {UNKNOWN}")
                raise OpsError(500, UNKNOWN, f"a fault of ours: {MAYBE_DONE}") from error
            await self._audit(request, route, str(route.status.value))
            return _response(route.status, reply)

        return serve

    def _check_token(self, request: web.Request, access: Access) -> None:
        if access is Access.ANYONE:
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        given = token.encode(errors="replace") if scheme.lower() == "bearer" else b""
        if not hmac.compare_digest(given, self._tokens[access]):
            log.warning("token refused", method=request.method, target=request.path)
            raise OpsError(401, "unauthorized", f"this needs the {access.value} bearer token")

    async def _audit(self, request: web.Request, route: Route, result: str) -> None:
        if not route.changes_something:
            return
        action = route.handler.__name__
        log.info("ops", action=action, target=request.path, result=result)
        try:
            await self._add_audit(route.access.value, action, request.path, result)
        except POSTGRES_ERRORS as error:
            # What is done is done: a halt must work, and say so, without Postgres.
            log.error("audit not written", action=action, target=request.path, error=str(error))  # noqa: TRY400


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into an error of our own shape."""
    try:
        return await handler(request)
    except OpsError as error:
        return _error_response(error)
    except web.HTTPException as error:  # aiohttp's own: no such path, wrong method, too large
        code = HTTP_ERROR_CODES.get(error.status, "bad_request")
        allow = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
        return _error_response(OpsError(error.status, code, error.reason), allow)


async def _arguments(request: web.Request, route: Route) -> list[Request]:
    arguments: list[Request] = []
    if route.parameters is not None:
        given = {**request.query, **request.match_info}
        if len(given) != len(request.query) + len(request.match_info):
            raise OpsError(422, "invalid_request", "a parameter is given twice")
        arguments.append(_validated(route.parameters.model_validate, given))
    elif request.query:
        raise OpsError(422, "invalid_request", "this takes no query parameters")
    if route.body is not None:
        if request.content_type != "application/json":
            raise OpsError(
                415, "unsupported_media_type", f"Content-Type {request.content_type!r} is not JSON"
            )
        data = await request.read()
        arguments.append(_validated(route.body.model_validate_json, data))
    return arguments


def _validated(validate: Callable[[Any], Request], given: dict[str, str] | bytes) -> Request:
    try:
        return validate(given)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            raise OpsError(400, "malformed_json", first["msg"]) from None
        field = ".".join(str(part) for part in first["loc"]) or None
        shown = repr(first["input"])[:SHOWN_CHARACTERS_MAX]
        message = f"{field or 'request'} {shown}: {first['msg']}"
        raise OpsError(422, "invalid_request", message, field) from None


def _postgres_error(error: BaseException, route: Route) -> OpsError:
    if route.changes_something and not isinstance(error, NOT_CONNECTED):
        return OpsError(504, UNKNOWN, f"the database went away: {MAYBE_DONE}")
    return OpsError(503, "database_unavailable", "the database can't be reached; nothing was done")


def _response(status: HTTPStatus, reply: Reply | None) -> web.Response:
    if reply is None:
        return web.Response(status=status)
    return web.Response(
        status=status, body=reply.model_dump_json().encode(), content_type="application/json"
    )


def _error_response(error: OpsError, headers: dict[str, str] | None = None) -> web.Response:
    detail = ErrorDetail(code=error.code, message=error.message, field=error.field)
    body = ErrorReply(error=detail).model_dump_json(exclude_none=True)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers = {"WWW-Authenticate": "Bearer"}
    return web.Response(
        status=error.status,
        body=body.encode(),
        content_type="application/json",
        headers=headers,
    )
