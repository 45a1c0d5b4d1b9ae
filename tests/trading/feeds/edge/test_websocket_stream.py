import asyncio

from websockets.asyncio.server import ServerConnection, serve

from trading.feeds.edge.websocket_stream import connect


async def test_what_is_sent_behind_the_other_side_s_goodbye_is_lost_and_nothing_else() -> None:
    async def part(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close()

    async with serve(part, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        stream = await connect(f"ws://127.0.0.1:{port}", lambda *_: None)
        stream.send([b"go"])
        async with asyncio.timeout(5):
            while stream.is_open:
                await asyncio.sleep(0)
            stream.send([b"too late"])
            await stream.closed.wait()
