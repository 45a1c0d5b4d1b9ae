"""TLS for a client that has none, as stunnel gives it: QuickFIX of PyPI is built without."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


@asynccontextmanager
async def tls_tunnel(port: int, authority: Path) -> AsyncIterator[int]:
    """Give a port whose connections go on to another over TLS; it must be of `authority`."""
    context = ssl.create_default_context(cafile=str(authority))

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            venue_reader, venue_writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context
            )
        except ConnectionError:  # the venue is away: so are we
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, venue_writer), _pass_on(venue_reader, writer))

    server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
