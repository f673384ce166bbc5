"""Connections on which a host has a limited time to begin its answer, and whose log tells nothing.

A timeout of a socket counts silence only: a header that comes a byte at a time, or "100 Continue"
for ever, never runs into it.
"""

import logging
import re
import socket
import threading
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

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
