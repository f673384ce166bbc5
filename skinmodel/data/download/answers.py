"""What a host's answer means: a file, a reason to try again, or the end; none of it is trusted."""

import re
from typing import Final
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, InvalidHeader, ProtocolError, ReadTimeoutError
from urllib3.util import Retry

from skinmodel.errors import DatasetError, escape

_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_COUNT: Final = re.compile(r"\d{1,18}", re.ASCII)  # longer ones only keep int() busy
_RANGE: Final = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", re.ASCII)


class BrokenError(Exception):
    """A request failed in a way that may pass.

    Attributes:
        wait: seconds that the host asked to wait, or None.
    """

    def __init__(self, reason: str, wait: float | None = None):
        super().__init__(reason)
        self.wait = wait


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
    where = f"{show_address(response.url)} answered {status} {escape(response.reason or '')}"
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
        return int(length) if _COUNT.fullmatch(length) else None
    received = response.headers.get("Content-Range", "no Content-Range")
    found = _RANGE.fullmatch(received)
    if not found or int(found[1]) != offset:
        raise BrokenError(f"asked for the bytes from {offset:,}, received '{escape(received)}'")
    return None if found[2] == "*" else int(found[2])


def read_validator(response: requests.Response) -> str | None:
    """Return what If-Range may hold: a strong ETag, else Last-Modified, else None (RFC 9110)."""
    tag = response.headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return tag
    return response.headers.get("Last-Modified")


def explain_failure(error: requests.RequestException | HTTPError) -> BrokenError:
    """Return a failed connection as something to try again.

    Raises:
        DatasetError: another try would fail in the same way.
    """
    text = escape(str(error))
    if "CERTIFICATE_VERIFY_FAILED" in text:
        raise DatasetError(
            f"The host's certificate cannot be verified ({text}). Behind a proxy that opens "
            "connections, name its certificate with REQUESTS_CA_BUNDLE."
        ) from error
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, ProtocolError)):
        return BrokenError("the connection broke off")
    cause = error.args[0] if error.args else None
    if isinstance(error, (requests.Timeout, ReadTimeoutError)) or isinstance(
        cause, ReadTimeoutError
    ):
        return BrokenError("the host is silent")
    if isinstance(error, requests.ConnectionError):
        # The whole text names the address with its query, which may hold a signature.
        reason = str(getattr(cause, "reason", None) or "reset").split(": ", 1)[-1]
        return BrokenError(f"no connection ({escape(reason)})")
    raise DatasetError(f"The request failed for good: {type(error).__name__}: {text}") from error


def show_address(url: str) -> str:
    """Return an address for a message, in quotes.

    It comes without its query, which may hold a signature that is nobody's business.
    """
    try:
        plain = urlsplit(url)._replace(query="", fragment="").geturl()
    except ValueError:
        plain = url.partition("?")[0]
    return f"'{escape(plain)}'"


def _check_kind(response: requests.Response) -> None:
    where = show_address(response.url)
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("text/html"):
        raise DatasetError(
            f"{where} answered with a web page where a file was expected. Open it in a browser: a "
            "login or a notice may stand in between."
        )
    packing = response.headers.get("Content-Encoding", "identity")
    if packing != "identity":
        raise DatasetError(
            f"{where} answered packed as {escape(packing)}, though that was not asked for. A proxy "
            "in between may do so; try without it."
        )


def _read_retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After")
    if value is None:
        return None
    try:
        return Retry().parse_retry_after(value)  # seconds, or a date
    except (InvalidHeader, ValueError, OverflowError):  # nonsense, too many digits, no such year
        return None
