"""What one session may hold of uploads at a time.

Streamlit limits the size of a file, not how many of them a session sends: a client that never asks
for the page to be run again could fill the server's memory.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from skinmodel.imaging.images import MAX_BYTES

LIMIT: Final = 60 * 1024**2
"""Bytes that any session may hold: two files of the largest size, or a batch of usual pictures."""

POOL: Final = 200 * 1024**2
"""Bytes beyond that for all sessions together, for whoever sends a larger batch first."""

LEAST: Final = 64 * 1024
"""Bytes that a held file counts for at least: its record takes memory too."""

SURROUNDINGS: Final = 1024**2
"""Bytes that a file's name and the frame it is sent in may take; Streamlit allows as many."""

_PATH: Final = "/_stcore/upload_file/"


class UploadQuota:
    """Has a session's oldest upload go where a new one would exceed the limit.

    What is still on its way counts as if it were there, and cannot go: where it leaves no room the
    new upload is refused.
    """

    def __init__(self, app: ASGIApp):
        self._app = app
        self._coming: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; an upload only where there is room for it."""
        if scope["type"] != "http" or scope["method"] != "PUT" or _PATH not in scope["path"]:
            await self._app(scope, receive, send)
            return
        session = scope["path"].partition(_PATH)[2].partition("/")[0]
        size = _read_size(Headers(scope=scope).get("content-length"))
        manager = runtime.get_instance().uploaded_file_mgr
        allowed = find_allowance(manager, session, self._coming)
        if self._coming[session] + size > allowed:
            refusal = PlainTextResponse(
                "The upload was refused: this session is sending more than "
                f"{allowed // 1024**2} MB at once. Send one picture after another.\n",
                status_code=413,
            )
            await refusal(scope, receive, send)
            return
        self._coming[session] += size
        try:
            make_room(manager, session, self._coming[session], allowed)
            await self._app(scope, receive, send)
        finally:
            self._coming[session] -= size
            if not self._coming[session]:
                del self._coming[session]


def find_allowance(manager: object, session: str, coming: Mapping[str, int]) -> int:
    """Return how many bytes a session may hold: its own, and what others leave of the pool.

    Args:
        manager: Streamlit's store of uploads.
        session: its id.
        coming: bytes on their way, by session.
    """
    if not isinstance(manager, MemoryUploadedFileManager):
        return LIMIT
    others = {*manager.file_storage, *coming} - {session}
    taken = sum(max(0, _hold(manager, other) + coming.get(other, 0) - LIMIT) for other in others)
    return LIMIT + max(0, POOL - taken)


def make_room(manager: object, session: str, size: int, allowed: int = LIMIT) -> None:
    """Remove a session's oldest uploads until so many bytes can be added.

    Args:
        manager: Streamlit's store of uploads; another than the one in memory is left alone.
        session: its id.
        size: bytes.
        allowed: bytes that it may hold.
    """
    if not isinstance(manager, MemoryUploadedFileManager):
        return
    files = list(manager.file_storage.get(session, {}).values())  # the oldest first
    held = sum(map(_weigh, files))
    for file in files:
        if held + size <= allowed:
            break
        manager.remove_file(session, file.file_id)
        held -= _weigh(file)


def _hold(manager: MemoryUploadedFileManager, session: str) -> int:
    return sum(map(_weigh, list(manager.file_storage.get(session, {}).values())))


def _weigh(file: UploadedFileRec) -> int:
    return max(LEAST, len(file.data) + len(file.name) + len(file.type))


def _read_size(length: str | None) -> int:
    """Return how much a request may bring: what it announces, with a file's least weight."""
    if length is None or not length.isdecimal():
        return MAX_BYTES + SURROUNDINGS
    return max(int(length), SURROUNDINGS)
