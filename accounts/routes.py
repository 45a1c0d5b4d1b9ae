"""A route of the ops HTTP, and the OpenAPI 3.1 document of a table of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from accounts.ops_api import ErrorReply, Reply, Request


class Access(Enum):
    """Whose bearer token opens a route."""

    ANYONE = "anyone"
    OPS = "ops"
    SERVICE = "service"


@dataclass(frozen=True)
class Route:
    """`handler` is called with `parameters` (from path and query), if any, then `body`, if any."""

    method: str
    path: str
    access: Access
    handler: Callable[..., Awaitable[Reply | None]]
    reply: type[Reply] | None
    status: HTTPStatus = HTTPStatus.OK
    parameters: type[Request] | None = None
    body: type[Request] | None = None

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        assert self.handler.__doc__, f"{self.handler} needs a docstring"
        return self.handler.__doc__.strip().splitlines()[0].rstrip(".")

    @property
    def changes_something(self) -> bool:
        """Whether an operator does something by it; what services say is not audited."""
        return self.method != "GET" and self.access is not Access.SERVICE


def openapi_document(routes: Iterable[Route], title: str, version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of all routes, made of the models that check them."""
    routes = list(routes)
    bodies = {route.body for route in routes if route.body}
    replies = {route.reply for route in routes if route.reply} | {ErrorReply}
    inputs: list[type[BaseModel]] = sorted(bodies, key=lambda model: model.__name__)
    outputs: list[type[BaseModel]] = sorted(replies, key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "validation") for model in inputs]
        + [(model, "serialization") for model in outputs],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                access.value: {"type": "http", "scheme": "bearer"}
                for access in (Access.OPS, Access.SERVICE)
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "security": [] if route.access is Access.ANYONE else [{route.access.value: []}],
        "responses": {
            str(route.status.value): _answer(route.status.phrase, route.reply),
            "default": _answer("Refused, or not possible now", ErrorReply),
        },
    }
    if route.parameters:
        operation["parameters"] = _parameters(route.path, route.parameters)
    if route.body:
        operation["requestBody"] = {"required": True, "content": _content(route.body)}
    return operation


def _parameters(path: str, model: type[Request]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "path" if f"{{{name}}}" in path else "query",
            "required": name in required,
            "schema": field,
        }
        for name, field in schema["properties"].items()
    ]


def _answer(description: str, model: type[Reply] | None) -> dict[str, Any]:
    return {"description": description} | ({"content": _content(model)} if model else {})


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
