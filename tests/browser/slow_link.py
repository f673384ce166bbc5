"""A slow link between a browser and a server: every byte is late, and few go up at a time.

It delays websockets, over which Streamlit's pages talk, like any other connection.
"""

import asyncio
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

CHUNK = 65536
WAITING = 64  # chunks under way; a sender of more waits


async def carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, rate: float
) -> None:
    """Pass on what is read, in order, ``rate`` bytes a second, each ``delay`` seconds late."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING)
    sent = 0.0

    async def deliver() -> None:
        while True:
            due, chunk = await under_way.get()
            await asyncio.sleep(due - loop.time())
            if not chunk:
                return
            writer.write(chunk)
            await writer.drain()

    delivery = asyncio.create_task(deliver())
    try:
        while chunk := await reader.read(CHUNK):
            sent = max(sent, loop.time()) + len(chunk) / rate
            await under_way.put((sent + delay, chunk))
        await under_way.put((max(sent, loop.time()) + delay, b""))
        await delivery
    except ConnectionError:
        pass  # one end has gone: so does the other
    finally:
        delivery.cancel()
        writer.close()


@contextmanager
def slow_link(address: str, delay: float, upload_rate: float) -> Iterator[str]:
    """Yield an address that leads to a server over a slow link.

    Args:
        address: of the server.
        delay: in seconds, each way.
        upload_rate: bytes a second that a connection passes on to the server.
    """
    target = urlsplit(address)
    loop = asyncio.new_event_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(target.hostname, target.port)
        up = carry(reader, there[1], delay, upload_rate)
        down = carry(there[0], writer, delay, math.inf)
        for task in map(asyncio.create_task, (up, down)):
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    server = loop.run_until_complete(asyncio.start_server(connect, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, name="slow-link", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
