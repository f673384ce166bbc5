"""Uploads are taken once: what was sent is given up as soon as it was opened.

Streamlit keeps the bytes of every file a session has sent until the session ends, whatever becomes
of the widget.
"""

from collections import deque
from dataclasses import replace
from typing import Final

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile

from app import services
from app.services.attempts import Problem
from app.services.pictures import Origin, Picture

FORGOTTEN: Final = "about two and a quarter minutes after this browser tab is closed"
"""When a session's pictures go: what Streamlit waits for it to come back, and a round of expiry."""

_TAKEN: Final = "uploads_taken"
_REMEMBERED: Final = 64

Files = UploadedFile | DeletedFile | list[UploadedFile | DeletedFile] | None


def list_named(key: str) -> tuple[str, ...]:
    """Return the ids of the files that a widget names, whether or not they are still held.

    Args:
        key: the widget's.
    """
    return tuple(file.file_id for file in _list(key))


def was_taken(key: str) -> bool:
    """Return whether a widget names files that were all opened before.

    The browser goes on to name the files it has sent. Once their bytes are gone Streamlit takes
    that for a change and calls the widget's callback again.

    Args:
        key: the widget's.
    """
    files = _list(key)
    return bool(files) and all(map(_is_taken, files))


def open_upload(key: str, origin: Origin) -> Picture | Problem | None:
    """Return the picture a widget has received, or why it is not accepted; None without a file.

    The server no longer holds the file afterwards.

    Args:
        key: the widget's.
        origin: where the picture came from.
    """
    opened = open_uploads(key, origin)
    return list(opened.values())[-1] if opened else None


def open_uploads(key: str, origin: Origin) -> dict[str, Picture | Problem]:
    """Return the pictures a widget has newly received, or why they are not accepted, by file id.

    The server no longer holds the files afterwards.

    Args:
        key: the widget's.
        origin: where the pictures came from.
    """
    return {file.file_id: _open(file, origin) for file in _list(key) if not _is_taken(file)}


def _open(file: UploadedFile | DeletedFile, origin: Origin) -> Picture | Problem:
    if isinstance(file, DeletedFile):
        return Problem("This picture is no longer on the server. Choose it again.")
    name = file.name
    offered = services.open_bytes(file.getvalue(), origin)
    _give_up(file)
    return replace(offered, file=name) if isinstance(offered, Problem) else offered


def _list(key: str) -> list[UploadedFile | DeletedFile]:
    files: Files = st.session_state[key]
    if files is None:
        return []
    return files if isinstance(files, list) else [files]


def _is_taken(file: UploadedFile | DeletedFile) -> bool:
    return isinstance(file, DeletedFile) and file.file_id in st.session_state.get(_TAKEN, ())


def take_all(key: str) -> list[tuple[str, bytes]]:
    """Return names and bytes of all files that a widget has received, which it then gives up.

    Args:
        key: the widget's, of several files.
    """
    files: list[UploadedFile | DeletedFile] = st.session_state[key] or []
    taken = []
    for file in files:
        if not isinstance(file, DeletedFile):
            taken.append((file.name, file.getvalue()))
            _give_up(file)
    return taken


def _give_up(file: UploadedFile) -> None:
    st.session_state.setdefault(_TAKEN, deque(maxlen=_REMEMBERED)).append(file.file_id)
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    file.truncate(0)  # Streamlit keeps the object for as long as the widget stands there
