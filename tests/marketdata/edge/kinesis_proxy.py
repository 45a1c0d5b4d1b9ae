"""A Kinesis that refuses: it stands before another, and of each PutRecords takes only some."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

REFUSED = {
    "ErrorCode": "ProvisionedThroughputExceededException",
    "ErrorMessage": "Rate exceeded for shard",
}


class KinesisProxy:
    """Refuses records by chance, loses answers, and says nothing at all while `is_down`."""

    def __init__(self, endpoint: str, chance: random.Random) -> None:
        self.is_down = False
        self.puts = 0
        self.refused = 0
        self.url = ""
        self._endpoint = endpoint
        self._chance = chance

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.is_down:
            return web.Response(status=503)
        body = await request.read()
        if request.headers["X-Amz-Target"].endswith(".PutRecords"):
            return await self._answer_put(request, json.loads(body))
        return web.Response(body=await self._forward(request, body))

    async def _answer_put(self, request: web.Request, put: dict[str, object]) -> web.Response:
        self.puts += 1
        records = put["Records"]
        assert isinstance(records, list)
        keys = [record["PartitionKey"] for record in records]
        assert len(keys) == len(set(keys)), "two of one key in a call may change their order"
        assert len(records) <= 500
        taken = [self._chance.random() < 0.6 for _ in records]
        results = iter(())
        if any(taken):
            some = [record for record, is_taken in zip(records, taken, strict=True) if is_taken]
            self._chance.shuffle(some)  # PutRecords promises no order
            answer = await self._forward(request, json.dumps(put | {"Records": some}).encode())
            results = iter(json.loads(answer)["Records"])
        if self._chance.random() < 0.1:
            return web.Response(status=500)  # done, but nobody learns of it
        self.refused += taken.count(False)
        told = [next(results) if is_taken else REFUSED for is_taken in taken]
        return web.json_response({"FailedRecordCount": taken.count(False), "Records": told})

    async def _forward(self, request: web.Request, body: bytes) -> bytes:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in {"host", "content-length"}
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._endpoint, data=body, headers=headers) as answer,
        ):
            return await answer.read()


@asynccontextmanager
async def kinesis_proxy(endpoint: str, chance: random.Random) -> AsyncIterator[KinesisProxy]:
    proxy = KinesisProxy(endpoint, chance)
    application = web.Application(client_max_size=16 * 2**20)
    application.router.add_route("*", "/{path:.*}", proxy.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    proxy.url = f"http://{host}:{port}"
    try:
        yield proxy
    finally:
        await runner.cleanup()
