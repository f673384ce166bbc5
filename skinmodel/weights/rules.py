"""What the values of a weights record may be: types that pydantic checks."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, JsonValue, Strict

from skinmodel.diagnoses import CODES

VERSIONS: Final = ("keras", "numpy", "python", "skinmodel", "tensorflow")
_ON_JAX: Final = tuple(name.replace("tensorflow", "jax") for name in VERSIONS)
SPLIT: Final[Mapping[str, type]] = {"name": str, "seed": int, "fingerprint": str, "leaks": bool}

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def is_name(text: str) -> bool:
    """Whether ``text`` is 1 to 100 letters, digits, '.', '_', '-'."""
    return _NAME.fullmatch(text) is not None


def _is_split(value: dict[str, Any]) -> bool:
    kinds = {name: type(part) for name, part in value.items()}
    return kinds == SPLIT and is_name(value["name"])


def _is_metrics(value: dict[str, Any]) -> bool:
    return all(
        isinstance(name, str) and (_is_metrics(v) if isinstance(v, dict) else _is_number(v))
        for name, v in value.items()
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _is_utc(text: str) -> bool:
    return datetime.fromisoformat(text).utcoffset() == timedelta(0)


def _require(holds: Callable[[Any], object], expected: str) -> AfterValidator:
    def check(value: Any) -> Any:
        try:
            kept = holds(value)
        except ValueError:
            kept = False
        if not kept:
            raise ValueError(expected)
        return value

    return AfterValidator(check)


Text = Annotated[str, Strict(), _require(str.strip, "a text that is not blank")]
Name = Annotated[str, Strict(), _require(is_name, "1 to 100 letters, digits, '.', '_', '-'")]
FileName = Annotated[
    str, Strict(), _require(_FILE.fullmatch, "a file name in the manifest's folder, not a path")
]
Sha256 = Annotated[str, Strict(), _require(_SHA256.fullmatch, "64 lower-case hexadecimal digits")]
Time = Annotated[str, Strict(), _require(_is_utc, "an ISO 8601 time in UTC")]
Count = Annotated[int, Field(strict=True, ge=1)]
GuardSize = Annotated[int, Field(strict=True, ge=1, le=2_000_000)]
GraphSize = Annotated[int, Field(strict=True, ge=1, le=300_000)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Plain = dict[str, JsonValue]
Split = Annotated[
    dict[str, Any], _require(_is_split, f"exactly {', '.join(SPLIT)}, of their kinds")
]
Classes = Annotated[tuple[str, ...], _require(CODES.__eq__, f"this program's class order {CODES}")]
Versions = Annotated[
    dict[str, Text],
    _require(
        lambda texts: sorted(texts) in (sorted(VERSIONS), sorted(_ON_JAX)),
        f"texts for {', '.join(VERSIONS)}, or jax for tensorflow",
    ),
]
Metrics = Annotated[dict[str, Any], _require(_is_metrics, "nested finite numbers by name")]
