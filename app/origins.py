"""Who may talk to the server: pages that it served itself, under a name that it is known by.

Streamlit checks the name (``Host``) for websockets only and then lets in every page of any port of
this machine; where a page is foreign it asks an address on the internet for the server's own.
"""

import logging
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config, net_util
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

_LOGGER: Final = logging.getLogger(__name__)
_POLICY_VIOLATION: Final = 1008  # RFC 6455, 7.4.1


def ask_nobody_outside() -> None:
    """Keep Streamlit from asking checkip.amazonaws.com for this server's address."""
    net_util.get_external_ip = lambda: None


class SameOrigin:
    """Refuses requests and websockets of pages that this server did not serve.

    Configured by ``server.allowedHosts``, the names the server is known by, and
    ``server.corsAllowedOrigins``, other origins to be trusted; ``server.enableCORS = false`` turns
    the check of origins off, as for Streamlit's own.

    An upload that its sender breaks off ends here without a traceback in the log.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not is_trusted(headers.get("host"), headers.get("origin"), scope["scheme"]):
            await _refuse(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            _LOGGER.debug("A request was broken off by its sender")


def is_trusted(host: str | None, origin: str | None, scheme: str) -> bool:
    """Return whether a request comes from a page of this server, or from no page at all.

    Args:
        host: the request's Host, with its port.
        origin: its Origin; None where no page sent it.
        scheme: http, https, ws or wss.
    """
    if not is_host_allowed(host):
        return False
    if origin is None or not config.get_option("server.enableCORS"):
        return True
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    # Behind a proxy that ends TLS a page of https talks to a server of http.
    if page.netloc == host and (page.scheme == "https" or scheme in ("http", "ws")):
        return True
    trusted = config.get_option("server.corsAllowedOrigins")
    return origin.rstrip("/") in {str(entry).strip().rstrip("/") for entry in trusted}


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # the handshake
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    answer = PlainTextResponse(
        "This server answers only under the names in server.allowedHosts, and only to its own "
        "pages. See .streamlit/config.toml.\n",
        status_code=403,
    )
    await answer(scope, receive, send)
