"""Figures as JSON and back: what is not defined is null there and NaN here."""

import math
from collections.abc import Collection, Mapping
from typing import Any


def without_nan(value: Any) -> Any:
    """Return plain values with None for every NaN, at any depth."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return value


def with_nan(value: Any, keep: Collection[str] = (), key: str = "") -> Any:
    """Return plain values with NaN for every None, at any depth.

    Args:
        value: as ``json.loads`` gives it.
        keep: names under which None has a meaning of its own and stays.
        key: the name ``value`` stands under.
    """
    if value is None:
        return None if key in keep else math.nan
    if isinstance(value, Mapping):
        return {name: with_nan(inner, keep, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_nan(inner, keep, key) for inner in value]
    return value
