"""What the values of a weights record may be; every predicate takes any value."""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from skinmodel.preprocess import Preprocessing

SPLIT: Final[Mapping[str, type]] = {"name": str, "seed": int, "fingerprint": str, "leaks": bool}
VERSIONS: Final = ("keras", "numpy", "python", "skinmodel", "tensorflow")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def is_name(value: Any) -> bool:
    """Whether ``value`` is 1 to 100 letters, digits, '.', '_', '-'."""
    return _matches(value, _NAME)


def is_file_name(value: Any) -> bool:
    """Whether ``value`` is a file's name and no path."""
    return _matches(value, _FILE)


def is_sha256(value: Any) -> bool:
    """Whether ``value`` is 64 lower-case hexadecimal digits."""
    return _matches(value, _SHA256)


def is_text(value: Any) -> bool:
    """Whether ``value`` is a text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def is_int(value: Any, least: int) -> bool:
    """Whether ``value`` is a whole number of at least ``least``, and no bool."""
    return type(value) is int and value >= least


def is_number(value: Any) -> bool:
    """Whether ``value`` is a finite number, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def is_positive(value: Any) -> bool:
    """Whether ``value`` is a finite number above 0, and no bool."""
    return is_number(value) and value > 0


def is_plain(value: Any) -> bool:
    """Whether ``value`` is a dict that JSON gives back unchanged."""
    try:
        return isinstance(value, dict) and json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError):
        return False


def is_preprocessing(value: Any) -> bool:
    """Whether ``value`` is a Preprocessing of usable size and finite scale and offset."""
    return (
        isinstance(value, Preprocessing)
        and is_int(value.height, 1)
        and is_int(value.width, 1)
        and _is_number_or_three(value.scale)
        and _is_number_or_three(value.offset)
    )


def is_split(value: Any) -> bool:
    """Whether ``value`` has exactly the fields of ``SPLIT``, of their types, and a plain name."""
    same_keys = isinstance(value, dict) and value.keys() == SPLIT.keys()
    kinds = same_keys and all(type(value[name]) is kind for name, kind in SPLIT.items())
    return kinds and is_name(value["name"])


def is_versions(value: Any) -> bool:
    """Whether ``value`` has a text for exactly each of ``VERSIONS``."""
    same_keys = isinstance(value, dict) and sorted(value) == sorted(VERSIONS)
    return same_keys and all(is_text(version) for version in value.values())


def is_metrics(value: Any) -> bool:
    """Whether ``value`` is nested finite numbers by name."""
    return is_plain(value) and all(is_number(v) or is_metrics(v) for v in value.values())


def is_utc(value: Any) -> bool:
    """Whether ``value`` is a time in UTC as ISO 8601 text."""
    try:
        return datetime.fromisoformat(value).utcoffset() == timedelta(0)
    except (TypeError, ValueError):
        return False


def _is_number_or_three(value: Any) -> bool:
    values = value if isinstance(value, tuple) and len(value) == 3 else (value,)
    return all(map(is_number, values))


def _matches(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
