"""Numbers and names as pages and printed reports have them."""

from collections.abc import Iterable


def percent(share: float) -> str:
    """Return a share in [0, 1] as a percentage that never claims certainty.

    >>> percent(0.7234), percent(0.9999), percent(0.0002)
    ('72.3 %', '> 99.9 %', '< 0.1 %')
    """
    if share > 0.999:
        return "> 99.9 %"
    if share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def lower_first(name: str) -> str:
    """Return a name as it stands inside a sentence."""
    return name[:1].lower() + name[1:]


def upper_first(words: str) -> str:
    """Return words as they begin a sentence."""
    return words[:1].upper() + words[1:]


def join_words(words: Iterable[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    items = list(words)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
