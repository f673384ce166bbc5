"""Who may talk to the server; ``browser/test_server.py`` asks a real one."""

import asyncio
import tomllib
from pathlib import Path

import pytest
from starlette.requests import ClientDisconnect
from streamlit import config, net_util
from streamlit.web.server import server_util
from streamlit.web.server.app_discovery import discover_asgi_app

from app.origins import SameOrigin, ask_nobody_outside, is_trusted

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]


@pytest.fixture(autouse=True)
def configured(monkeypatch):
    """Streamlit's options as config.toml sets them, and what a test changes of them."""
    options = {
        "server.allowedHosts": SETTINGS["allowedHosts"],
        "server.corsAllowedOrigins": [],
        "server.enableCORS": SETTINGS["enableCORS"],
    }
    asked = config.get_option
    monkeypatch.setattr(config, "get_option", lambda key: options.get(key, asked(key)))
    return options


def test_streamlit_finds_what_guards_the_server():
    found = discover_asgi_app(ROOT / "app" / "main.py")
    assert found.import_string == "main:server"


@pytest.mark.parametrize("name", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST"])
def test_the_own_pages_and_no_pages_are_let_in(name):
    assert is_trusted(name, None, "http")
    assert is_trusted(name, f"http://{name}", "http")
    assert is_trusted(name, f"http://{name}", "ws")
    assert is_trusted(name, f"https://{name}", "ws")  # a proxy in between ends TLS


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example:8501", "http://evil.example:8501"),  # DNS rebinding
        ("evil.example", None),
        (None, None),
        ("localhost:8501", "http://localhost:9999"),
        ("localhost:8501", "http://127.0.0.1:8501"),
        ("localhost:8501", "http://evil.example"),
        ("localhost:8501", "null"),
        ("localhost:8501", "http://[localhost:8501"),
        ("localhost:8501", ""),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_foreign_names_and_pages_are_refused(host, origin, scheme):
    assert not is_trusted(host, origin, scheme)


def test_a_page_of_http_does_not_speak_for_a_server_of_https():
    assert not is_trusted("localhost", "http://localhost", "wss")


def test_what_the_administrator_names_is_let_in(configured):
    configured["server.allowedHosts"] = ["skin.example"]
    configured["server.corsAllowedOrigins"] = ["https://portal.example/"]
    assert is_trusted("skin.example", "https://portal.example", "https")
    assert not is_trusted("skin.example", "https://other.example", "https")
    assert not is_trusted("localhost", None, "http")
    configured["server.enableCORS"] = False
    assert is_trusted("skin.example", "https://other.example", "https")


def ask(scope, app):
    """Return what is sent for a request, through the guard."""
    sent, scope = [], {"scheme": "http", "method": "GET", "path": "/", **scope}

    async def receive():
        return {"type": f"{scope['type']}.connect"}

    async def send(message):
        sent.append(message)

    asyncio.run(SameOrigin(app)(scope, receive, send))
    return sent


async def answer(scope, receive, send):
    await send({"type": "answered"})


FOREIGN = {"headers": [(b"host", b"localhost:8501"), (b"origin", b"http://evil.example")]}
OWN = {"headers": [(b"host", b"localhost:8501"), (b"origin", b"http://localhost:8501")]}


def test_the_guard_stands_before_pages_and_websockets():
    for kind in ("http", "websocket"):
        assert ask({"type": kind, **OWN}, answer) == [{"type": "answered"}]
    assert ask({"type": "http", **FOREIGN}, answer)[0]["status"] == 403
    assert ask({"type": "websocket", **FOREIGN}, answer) == [
        {"type": "websocket.close", "code": 1008}
    ]
    assert ask({"type": "lifespan"}, answer) == [{"type": "answered"}]


def test_an_upload_that_is_broken_off_is_no_error():
    async def break_off(scope, receive, send):
        raise ClientDisconnect

    assert ask({"type": "http", **OWN}, break_off) == []


def test_nobody_is_asked_for_the_address_outside(monkeypatch):
    monkeypatch.setattr(net_util, "get_external_ip", lambda: pytest.fail("it was looked up"))
    ask_nobody_outside()
    assert not server_util.is_url_from_allowed_origins("http://evil.example")
