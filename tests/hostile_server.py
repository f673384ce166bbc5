"""A local HTTP server that answers as asked, ranges included, or as badly as a test wants."""

import hashlib
import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """How to misbehave once.

    Attributes:
        status: an HTTP status that brings no file; None: the file.
        headers: more headers; a value of None leaves one out.
        body: another body than the file's.
        cut: bytes after which the connection ends, though more were announced.
        stall: after ``cut`` bytes, keep the connection open without a word.
        ignore_range: send the whole file whatever is asked for.
        endless: send a body until the client hangs up.
        drip: seconds between one byte of the body and the next.
        head_drip: the same of the header.
        interim: say "100 Continue" until the client hangs up.
        pause: seconds in the middle of a body that then comes whole.
        raw_header: a line among the headers as it stands.
    """

    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    stall: bool = False
    ignore_range: bool = False
    endless: bool = False
    drip: float | None = None
    head_drip: float | None = None
    interim: bool = False
    pause: float | None = None
    raw_header: bytes = b""


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    path: str
    headers: dict[str, str]


class HostileServer:
    """Files by path, and what to do wrong for the next requests of each.

    Attributes:
        files: what there is; to be set.
        asked: every request, in order.
        url: of the server, without a slash at the end.
        sent: bytes of endless bodies that could be sent.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.asked: list[Asked] = []
        self.sent = 0
        self.released = threading.Event()
        self._script: dict[str, list[Answer]] = defaultdict(list)

    def next(self, path: str, *answers: Answer) -> None:
        """Give these answers to the next requests for a path; good ones follow."""
        self._script[path] += answers

    def ranges(self, path: str) -> list[str | None]:
        """Return the Range header of every request for a path, None where there was none."""
        return [asked.headers.get("Range") for asked in self.asked if asked.path == path]

    def take(self, path: str) -> Answer:
        """Return what to do now."""
        script = self._script[path]
        return script.pop(0) if script else Answer()


@contextmanager
def run_hostile_server() -> Iterator[HostileServer]:
    """Serve on a free port of this machine until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.host = HostileServer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.host
    finally:
        server.host.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    host: HostileServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet."""

    def do_GET(self) -> None:
        host = self.server.host
        host.asked.append(Asked(self.path, dict(self.headers)))
        answer = host.take(self.path)
        whole = host.files.get(self.path) if answer.body is None else answer.body
        if answer.interim:
            self._repeat(b"HTTP/1.1 100 Continue\r\n\r\n", 0.02)
            return
        if answer.head_drip:
            self._repeat(b"x", answer.head_drip, start=b"HTTP/1.1 200 OK\r\nX-Long: ")
            return
        if answer.status is not None or whole is None:
            self._send(answer.status or 404, {"Content-Length": "0"}, b"", answer)
            return
        tag = f'"{hashlib.md5(whole).hexdigest()}"'
        headers = {"ETag": tag, "Content-Type": "application/octet-stream"}
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        unchanged = self.headers.get("If-Range", tag) == tag
        if asked is None or answer.ignore_range or not unchanged:
            self._send(200, headers | {"Content-Length": str(len(whole))}, whole, answer)
            return
        start = int(asked[1])
        if start >= len(whole):
            headers = {"Content-Range": f"bytes */{len(whole)}", "Content-Length": "0"}
            self._send(416, headers, b"", answer)
            return
        headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
        headers["Content-Length"] = str(len(whole) - start)
        self._send(206, headers, whole[start:], answer)

    def _send(self, status: int, headers: dict[str, str], body: bytes, answer: Answer) -> None:
        self.send_response(status)
        for name, value in {**headers, **answer.headers}.items():
            if value is not None:
                self.send_header(name, value)
        if answer.raw_header:
            self._headers_buffer.append(answer.raw_header)
        if "Connection" not in answer.headers:
            self.send_header("Connection", "close")
        self.end_headers()
        if answer.endless:
            self._repeat(bytes(1 << 16), None)
        if answer.drip:
            self._repeat(body, answer.drip, size=1)
            return
        self.wfile.write(body[: answer.cut])
        self.wfile.flush()
        if answer.pause:
            self.server.host.released.wait(answer.pause)
            self.wfile.write(body[answer.cut :])
        if answer.stall:
            self.server.host.released.wait(30)
        self.close_connection = True

    def _repeat(
        self, data: bytes, seconds: float | None, start: bytes = b"", size: int | None = None
    ) -> None:
        """Send pieces of ``data`` again and again until the client hangs up or the test is over."""
        host, self.close_connection, at = self.server.host, True, 0
        size = size or len(data)
        try:
            self.wfile.write(start)
            while not host.released.is_set():
                self.wfile.write(data[at : at + size])
                self.wfile.flush()
                at = (at + size) % len(data)
                host.sent += size
                host.released.wait(seconds or 0)
        except OSError:
            return
