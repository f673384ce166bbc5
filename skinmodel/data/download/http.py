"""Connections on which a host has a limited time to begin its answer, and whose log tells nothing.

A timeout of a socket counts silence only: a header that comes a byte at a time, or "100 Continue"
for ever, never runs into it.
"""

import io
import logging
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

import skinmodel
from skinmodel.data.download.answers import show_address
from skinmodel.errors import DatasetError

_QUERY: Final = re.compile(r"\?[^\s'\")]+")


class WithoutQueries(logging.Filter):
    """Takes queries, which may hold a signature, and tracebacks, which repeat them, from a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; it is always kept."""
        record.msg, record.args = _QUERY.sub("?...", record.getMessage()), ()
        record.exc_info = record.exc_text = None
        return True


for _name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
    logging.getLogger(f"urllib3.{_name}").addFilter(WithoutQueries())


class _Watched(HTTPConnection):
    """A connection that is cut where the head of an answer takes too long."""

    answer_seconds = 120.0

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3
        """Return the answer, its head read.

        Raises:
            TimeoutError: it did not come in time.
        """
        late = threading.Event()

        def cut(connected: Any = self.sock) -> None:
            late.set()
            if isinstance(connected, socket.socket):
                # Not SSLSocket.shutdown, which would change what the other thread is reading from.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

        timer = threading.Timer(self.answer_seconds, cut)
        timer.daemon = True
        timer.start()
        too_late = f"no answer in {self.answer_seconds:.0f} s"
        try:
            answer = super().getresponse()
        except Exception as error:
            if late.is_set():
                raise TimeoutError(too_late) from error
            raise
        finally:
            timer.cancel()
        if late.is_set():  # a head that was cut reads like one that ended
            answer.close()
            raise TimeoutError(too_late)
        return answer


class PatientAdapter(HTTPAdapter):
    """An adapter of ``requests`` whose connections wait so long for the head of an answer.

    Args:
        answer_seconds: from the request to the end of the header.
    """

    def __init__(self, answer_seconds: float):
        self._answer_seconds = answer_seconds
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        self._watch(manager)
        return manager

    def _watch(self, manager: Any) -> None:
        limit = {"answer_seconds": self._answer_seconds}
        plain = type("Plain", (_Watched,), limit)
        secure = type("Secure", (_Watched, HTTPSConnection), limit)
        manager.pool_classes_by_scheme = {
            "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }


_MAX_REDIRECTS: Final = 5


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


@dataclass(frozen=True)
class Patience:
    """How long to go on with a host that fails.

    Attributes:
        tries: failures in a row, without a new megabyte, after which to give up.
        first_wait: seconds before the second try; doubled for each one after it.
        longest_wait: seconds, at most.
        longest_asked: seconds that a host may ask for (Retry-After) before giving up is kinder.
        connect: seconds for a connection.
        read: seconds without a byte.
        rate: bytes a second that a host must send, or be taken for silent.
        span: seconds over which that is measured.
        sleep: waits, given seconds.
    """

    tries: int = 7
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_asked: float = 900.0
    connect: float = 15.0
    read: float = 60.0
    rate: float = 1000.0
    span: float = 60.0
    sleep: Callable[[float], None] = _sleep

    def wait_before(self, failures: int, asked: float | None) -> float:
        """Return the seconds to wait after so many failures in a row."""
        own = min(self.longest_wait, self.first_wait * 2.0 ** (failures - 1))
        return max(own, asked or 0.0)


class Session(requests.Session):
    """A session that follows a redirect to https, or to the very host that was configured.

    Args:
        answer_seconds: in which a host must have sent the head of its answer.
    """

    def __init__(self, answer_seconds: float = 120.0) -> None:
        super().__init__()
        self.max_redirects = _MAX_REDIRECTS
        for scheme in ("http://", "https://"):
            self.mount(scheme, PatientAdapter(answer_seconds))
        # Dataverse turns down clients that do not name themselves. A packed answer (gzip) has
        # other byte positions than the file, so that it could not be gone on with.
        name = f"skinmodel/{skinmodel.__version__} (research; python-requests)"
        self.headers.update({"User-Agent": name, "Accept-Encoding": "identity"})

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where an answer points to, if anywhere; of that answer no more is read.

        Its body is of no use, and may be endless or unpack to gigabytes: requests would read it.

        Raises:
            DatasetError: it points to an address that is not safe.
        """
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        resp.close()
        resp.raw = HTTPResponse(io.BytesIO(), preload_content=False)
        if not _is_safe(resp.url, target):
            raise DatasetError(
                f"{show_address(resp.url)} points to {show_address(target)}. Only an https "
                "address is followed. Check the network: a login page may stand in between."
            )
        return target


def _is_safe(url: str, target: str) -> bool:
    """Return whether ``target``, absolute or relative to ``url``, is https or of the same host."""
    try:
        old, new = urlsplit(url), urlsplit(urljoin(url, target))
        _ = new.port  # looked at only here: a number that is no port
    except ValueError:
        return False
    return new.scheme == "https" or (old.scheme, old.netloc) == (new.scheme, new.netloc)
