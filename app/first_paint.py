"""What the browser is told before the first line of a page: how wide a page is.

Streamlit opens every page in a narrow column and widens it with the first answer of the script, so
that all that is shown by then jumps to the side. The rule below stands in the document itself.
"""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STYLE: Final = (
    b"<style>.stMainBlockContainer { width: 100%; max-width: 86rem !important; "
    b"margin-inline: auto; }</style>"
)
_END_OF_HEAD: Final = b"</head>"


class FirstPaint:
    """Adds ``STYLE`` to the documents that the server sends, and to nothing else."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; of an answer that is a document the head is completed."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        # Compressed or partial documents could not be read here.
        unwanted = (b"accept-encoding", b"range")
        if _may_be_document(scope):
            kept = [(name, value) for name, value in scope["headers"] if name not in unwanted]
            scope = {**scope, "headers": kept}
        await self._app(scope, receive, _Completion(send).send)


def _may_be_document(scope: Scope) -> bool:
    """Return whether a browser asks for a page: it accepts documents there, and only there."""
    return any(n == b"accept" and b"text/html" in v for n, v in scope["headers"])


class _Completion:
    """Holds one answer back until its whole text is there, where that is a document."""

    def __init__(self, send: Send):
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on, or keep it."""
        if message["type"] == "http.response.start" and _is_plain_document(message):
            self._start = message
            return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = self._body.replace(_END_OF_HEAD, STYLE + _END_OF_HEAD, 1)
        headers = MutableHeaders(raw=list(self._start["headers"]))
        headers["content-length"] = str(len(body))
        await self._send({**self._start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _is_plain_document(message: Message) -> bool:
    headers = {name.lower(): value for name, value in message["headers"]}
    is_document = headers.get(b"content-type", b"").startswith(b"text/html")
    return message["status"] == 200 and is_document and b"content-encoding" not in headers
