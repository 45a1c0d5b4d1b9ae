"""A proxy before an AWS endpoint that throttles, takes half of a batch, hangs or is away."""

from __future__ import annotations

import asyncio
import json
import random
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

THROTTLED = {
    "__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException",
    "message": "Rate of requests exceeds the allowed throughput.",
}


class ThrottlingProxy:
    """Passes requests on, but for a share of them that `chance` picks.

    `throttled` of the batches are refused; of `halved` ones the second half comes back as not
    processed. While `is_away` every connection is cut; while `is_slow` no request is answered.
    """

    def __init__(self, endpoint: str, seed: int = 7) -> None:
        self.throttled = self.halved = 0.0
        self.is_away = self.is_slow = False
        self.operations: list[str] = []
        self.refused = 0
        self._endpoint = endpoint
        self._chance = random.Random(seed)
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._client = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        self.is_slow = False
        await self._runner.cleanup()
        await self._client.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        operation = request.headers.get("X-Amz-Target", request.method).rpartition(".")[2]
        self.operations.append(operation)
        while self.is_slow:
            await asyncio.sleep(0.05)
        if self.is_away:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if operation == "BatchWriteItem":
            if self._chance.random() < self.throttled:
                self.refused += 1
                return web.json_response(THROTTLED, status=400)
            if self._chance.random() < self.halved:
                return await self._take_half(request, json.loads(body))
        return await self._pass_on(request, body)

    async def _take_half(self, request: web.Request, batch: Any) -> web.StreamResponse:
        [(table, puts)] = batch["RequestItems"].items()
        half = len(puts) // 2
        if half:
            taken = json.dumps({"RequestItems": {table: puts[:half]}}).encode()
            await self._pass_on(request, taken)
        self.refused += 1
        return web.json_response({"UnprocessedItems": {table: puts[half:]}})

    async def _pass_on(self, request: web.Request, body: bytes) -> web.StreamResponse:
        # The host header stays: by it, and the signature, moto knows which service is meant.
        headers = {k: v for k, v in request.headers.items() if k.lower() != "content-length"}
        async with self._client.request(
            request.method, self._endpoint + request.raw_path, headers=headers, data=body
        ) as answer:
            kept = {
                k: v
                for k, v in answer.headers.items()
                if k.lower() not in {"content-length", "transfer-encoding", "connection"}
            }
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)
