"""Sessions that ended give back what they held, whether or not another visitor comes.

Streamlit keeps a session for two minutes after its tab is closed, in case it comes back, and then
forgets it only when the next one is put beside it: uploads of the last visitor of a day would stay
in memory until the first of the next.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from streamlit import runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage

from skinmodel.imaging.images import give_back

SECONDS: Final = 15.0
"""How often is looked."""


@asynccontextmanager
async def forget_ended_sessions(_server: Any) -> AsyncIterator[None]:
    """Look after ended sessions for as long as the server runs."""
    task = asyncio.create_task(_look_again_and_again())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _look_again_and_again() -> None:
    while True:
        await asyncio.sleep(SECONDS)
        # In the event loop, as Streamlit's own calls: nothing else touches the storage meanwhile.
        storage = getattr(runtime.get_instance()._session_mgr, "_session_storage", None)
        if isinstance(storage, MemorySessionStorage) and shut_down_expired(storage):
            await asyncio.to_thread(_collect)


def shut_down_expired(storage: MemorySessionStorage) -> int:
    """Shut down the sessions whose time to come back is over, uploads included.

    Returns:
        How many there were.
    """
    expired = storage._cache.expire()  # type: ignore[attr-defined]  # a TTLCache
    for _, info in expired:
        info.session.shutdown()
    return len(expired)


def _collect() -> None:
    gc.collect()  # a session refers to itself
    give_back()
