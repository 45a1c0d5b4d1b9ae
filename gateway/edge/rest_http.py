"""The REST door: HTTP requests into operations, their results into JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import structlog
from aiohttp import web
from prometheus_client import Counter, Histogram

from gateway.edge.json_operations import JsonOperations
from gateway.edge.order_traces import Arrival
from gateway.json_api import requests as r
from gateway.json_api.errors import ApiError, ErrorCode, internal_error, mandatory
from gateway.json_api.operations import OPERATIONS, Operation, Security
from gateway.json_api.signing import check_signed, split_signature

BODY_BYTES_MAX = 64 * 1024
PARAMETERS_MAX = 32
ASKED_CHARACTERS_MAX = 80  # of a method and a path, told to whoever asked
TRACE_HEADERS = ("traceparent", "X-Amzn-Trace-Id")
"""What names a client's own trace: W3C Trace Context, AWS X-Ray."""

REQUESTS = Counter("agio_gateway_rest_requests", "REST requests", ["operation", "status"])
SECONDS = Histogram("agio_gateway_rest_seconds", "Time to answer a REST request", ["operation"])

log = structlog.get_logger("gateway")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RestServer:
    """Serves `/api/v3` on `host` and `port`; port 0 takes a free one, which `port` then tells."""

    def __init__(
        self, *, host: str, port: int, operations: JsonOperations, shares_port: bool = False
    ) -> None:
        self.port = port
        self._shares_port = shares_port
        self._host = host
        self._operations = operations
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[_json_errors])
        for operation in OPERATIONS:
            if operation.path:
                handler = partial(self._handle, operation)
                # A HEAD for each GET would be one more thing to keep right.
                if operation.method == "GET":
                    app.router.add_get(operation.path, handler, allow_head=False)
                else:
                    app.router.add_route(operation.method, operation.path, handler)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, self._host, self.port, reuse_port=self._shares_port or None
        )
        await site.start()
        self.port = self._runner.addresses[0][1]
        log.info("REST door open", host=self._host, port=self.port)

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def health(self) -> dict[str, object]:
        return {"ready": self._runner is not None and bool(self._runner.addresses)}

    async def _handle(self, operation: Operation, http_request: web.Request) -> web.Response:
        started_s = time.perf_counter()
        arrival = None
        if self._operations.traces is not None:
            carrier = {
                name: value
                for name in TRACE_HEADERS
                if (value := http_request.headers.get(name)) is not None
            }
            arrival = Arrival("rest", time.time_ns(), carrier, answers_later=True)
        body = await http_request.read()
        try:
            result = await self._perform(operation, http_request, body, arrival)
        except ApiError as error:
            result = error
        status = result.http_status if isinstance(result, ApiError) else 200
        REQUESTS.labels(operation.name, status).inc()
        SECONDS.labels(operation.name).observe(time.perf_counter() - started_s)
        if self._operations.traces is not None and arrival is not None:
            self._operations.traces.answered(arrival)
        return _response(result)

    async def _perform(
        self,
        operation: Operation,
        http_request: web.Request,
        body: bytes,
        arrival: Arrival | None,
    ) -> Any:
        # The bytes as they came: it is them that a signature signs.
        query = http_request.raw_path.partition("?")[2].encode("utf-8", "surrogateescape")
        parameters = _parameters(query, body)
        credential = None
        if operation.security is Security.PUBLIC:
            request = r.parse(parameters, operation.request_type)
        else:
            api_key = http_request.headers.get("X-MBX-APIKEY")
            credential = await self._operations.credential(api_key)
            payload, signature = split_signature(query, body)
            if parameters.pop("signature", None) is None:
                raise mandatory("signature")
            request = r.parse(parameters, operation.request_type)
            assert isinstance(request, r.SignedRequest)
            check_signed(
                credential, operation.security, request, payload, signature, time.time_ns()
            )
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer = partial(_set_result, answered)
        self._operations.perform(operation, request, credential, answer, arrival)
        return await answered


def _parameters(query: bytes, body: bytes) -> dict[str, r.Value]:
    """Return the parameters of a query and a form. Raises `ApiError`."""
    parameters: dict[str, r.Value] = {}
    for part in filter(None, (query, body)):
        try:
            pairs = parse_qsl(
                part.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=PARAMETERS_MAX,
            )
        except ValueError:  # UnicodeDecodeError is one
            raise ApiError(
                ErrorCode.ILLEGAL_CHARS, "Illegal characters found in the parameters."
            ) from None
        for name, value in pairs:
            if name in parameters:
                raise ApiError(
                    ErrorCode.TOO_MANY_PARAMETERS, f"Parameter '{name[:40]}' was sent twice."
                )
            parameters[name] = value
    return parameters


def _set_result(answered: asyncio.Future[Any], result: Any) -> None:
    if not answered.done():  # the client may have gone
        answered.set_result(result)


def _response(result: Any) -> web.Response:
    status = 200
    if isinstance(result, ApiError):
        status = result.http_status
        result = result.body()
    return web.Response(
        body=msgspec.json.encode(result), status=status, content_type="application/json"
    )


@web.middleware
async def _json_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say in JSON what aiohttp would say in text, and of a fault of ours only that it was one."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        asked = f"{request.method} {request.path}"[:ASKED_CHARACTERS_MAX]
        return web.json_response(
            {"code": int(ErrorCode.UNSUPPORTED_OPERATION), "msg": f"{error.reason}: {asked}"},
            status=error.status,
            headers={"Allow": error.headers["Allow"]} if "Allow" in error.headers else None,
        )
    except Exception:
        log.exception("request failed", path=request.path)
        return _response(internal_error())
