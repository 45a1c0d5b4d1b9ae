"""A TCP proxy before Postgres that cuts the connection at the n-th message of a client."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class CuttingProxy:
    """Counts what clients write, once armed, and cuts both ways at the write `cut_at`, from 0.

    With `deliver` that last write still reaches the server, and only its answer is lost: so a
    COMMIT is carried out, and its client never learns.
    """

    def __init__(self, postgres_url: str) -> None:
        self._target = urlsplit(postgres_url)
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self._cut_at: int | None = None
        self._deliver = False
        self.writes = 0
        self.has_cut = False

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        credentials = self._target.netloc.rpartition("@")[0]
        return self._target._replace(netloc=f"{credentials}@127.0.0.1:{port}").geturl()

    def arm(self, cut_at: int, *, deliver: bool) -> None:
        """Cut once, from now on; later connections are left alone."""
        self._cut_at, self._deliver, self.writes, self.has_cut = cut_at, deliver, 0, False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(
            self._target.hostname, self._target.port
        )
        loop = asyncio.get_running_loop()
        forward = loop.create_task(self._pipe(reader, server_writer, writer, counts=True))
        back = loop.create_task(self._pipe(server_reader, writer, server_writer, counts=False))
        self._pipes |= {forward, back}

    async def _pipe(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        other_writer: asyncio.StreamWriter,
        *,
        counts: bool,
    ) -> None:
        try:
            while data := await reader.read(1 << 20):
                if counts and self._cut_at is not None:
                    if self.writes == self._cut_at:
                        self.has_cut, self._cut_at = True, None
                        other_writer.transport.abort()  # no answer gets through from here on
                        if self._deliver:
                            writer.write(data)
                            await writer.drain()
                        return
                    self.writes += 1
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
