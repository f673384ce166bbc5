"""A real server, asked as hostile pages ask."""

import http.client
from urllib.parse import urlsplit

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.mark.parametrize(
    ("path", "headers", "welcome"), [("/", {}, 200), ("/_stcore/stream", WEBSOCKET, 101)]
)
def test_only_its_own_pages_are_answered(address, path, headers, welcome):
    own = urlsplit(address).netloc

    def ask(**more):
        connection = http.client.HTTPConnection(own, timeout=20)
        try:
            connection.request("GET", path, headers=headers | more)
            return connection.getresponse().status
        finally:
            connection.close()

    assert ask() == welcome
    assert ask(Origin=address) == welcome
    assert ask(Origin="http://localhost:9") == 403
    assert ask(Origin="http://evil.example") == 403
    assert ask(Host="evil.example", Origin="http://evil.example") == 403
