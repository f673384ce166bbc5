"""The rules of a request: which redirects are followed, what an answer means, when to try again."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

import skinmodel
from skinmodel.errors import DatasetError

_MAX_REDIRECTS: Final = 5
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


class BrokenError(Exception):
    """A request failed in a way that may pass.

    Attributes:
        wait: seconds that the host asked to wait, or None.
    """

    def __init__(self, reason: str, wait: float | None = None):
        super().__init__(reason)
        self.wait = wait


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
        sleep: waits, given seconds.
    """

    tries: int = 7
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_asked: float = 900.0
    connect: float = 15.0
    read: float = 60.0
    sleep: Callable[[float], None] = _sleep

    def wait_before(self, failures: int, asked: float | None) -> float:
        """Return the seconds to wait after so many failures in a row."""
        own = min(self.longest_wait, self.first_wait * 2.0 ** (failures - 1))
        return max(own, asked or 0.0)


class Session(requests.Session):
    """A session that follows a redirect to https, or to the very host that was configured."""

    def __init__(self) -> None:
        super().__init__()
        self.max_redirects = _MAX_REDIRECTS
        # Dataverse turns down clients that do not name themselves. A packed answer (gzip) has
        # other byte positions than the file, so that it could not be gone on with.
        name = f"skinmodel/{skinmodel.__version__} (research; python-requests)"
        self.headers.update({"User-Agent": name, "Accept-Encoding": "identity"})

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where an answer points to, if anywhere.

        Raises:
            DatasetError: it points to an address that is not safe.
        """
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        old, new = urlsplit(resp.url), urlsplit(urljoin(resp.url, target))
        same_host = (old.scheme, old.netloc) == (new.scheme, new.netloc) == ("http", new.netloc)
        if new.scheme != "https" and not same_host:
            resp.close()
            raise DatasetError(
                f"'{strip_query(resp.url)}' points to '{strip_query(new.geturl())}'. Only an https "
                "address is followed. Check the network: a login page may stand in between."
            )
        return target


def check_status(response: requests.Response) -> None:
    """Sort answers that bring no bytes.

    Raises:
        BrokenError: the host is busy or the range is not there; to be tried again.
        DatasetError: another try would bring the same.
    """
    status = response.status_code
    if status in (200, 206):
        _check_kind(response)
        return
    where = f"'{strip_query(response.url)}' answered {status} {response.reason}"
    if status in _BUSY:
        raise BrokenError(where, _read_retry_after(response))
    if status == 416:
        raise BrokenError(where)
    raise DatasetError(
        f"{where}; a file was expected. If the file has moved, name its new address with "
        "--sources FILE."
    )


def read_total(response: requests.Response, offset: int) -> int | None:
    """Return the size of the whole file in bytes, or None where the host does not tell.

    Raises:
        BrokenError: the answer holds another range than what was asked for.
    """
    if response.status_code == 200:
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if not found or int(found[1]) != offset:
        raise BrokenError(
            f"asked for the bytes from {offset:,}, received "
            f"'{response.headers.get('Content-Range', 'no Content-Range')}'"
        )
    return None if found[3] == "*" else int(found[3])


def read_validator(response: requests.Response) -> str | None:
    """Return what If-Range may hold: a strong ETag, else Last-Modified, else None (RFC 9110)."""
    tag = response.headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return tag
    return response.headers.get("Last-Modified")


def explain_failure(error: requests.RequestException) -> BrokenError:
    """Return a failed connection as something to try again.

    Raises:
        DatasetError: another try would fail in the same way.
    """
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        raise DatasetError(
            f"The host's certificate cannot be verified ({text}). Behind a proxy that opens "
            "connections, name its certificate with REQUESTS_CA_BUNDLE."
        ) from error
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return BrokenError("the connection broke off")
    if isinstance(error, requests.Timeout):
        return BrokenError("the host is silent")
    if isinstance(error, requests.ConnectionError):
        # The whole text names the address with its query, which may hold a signature.
        reason = getattr(error.args[0] if error.args else None, "reason", None)
        return BrokenError(f"no connection ({str(reason or 'reset').split(': ', 1)[-1][:200]})")
    raise DatasetError(f"The request failed for good: {type(error).__name__}: {text}") from error


def strip_query(url: str) -> str:
    """Return an address without its query, which may hold a signature that is nobody's business."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _check_kind(response: requests.Response) -> None:
    where = f"'{strip_query(response.url)}'"
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("text/html"):
        raise DatasetError(
            f"{where} answered with a web page where a file was expected. Open it in a browser: a "
            "login or a notice may stand in between."
        )
    packing = response.headers.get("Content-Encoding", "identity")
    if packing != "identity":
        raise DatasetError(
            f"{where} answered packed as {packing}, though that was not asked for. A proxy in "
            "between may do so; try without it."
        )


def _read_retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After")
    if value is None:
        return None
    try:
        return Retry().parse_retry_after(value)  # seconds, or a date
    except InvalidHeader:
        return None
