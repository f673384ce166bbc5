"""The sizes of pictures: as released, or a copy reduced as a whole, or neither."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from skinmodel.data.verify.checks import Examined
from skinmodel.data.verify.report import Check, to_verdict

RELEASED: Final = (600, 450)
"""Width and height of every image and mask of HAM10000, in pixels."""
_NEARLY_ALL: Final = 0.9

Size = tuple[int, int]


def check_sizes(
    name: str, examined: Sequence[Examined], has_released_size: Callable[[str], bool]
) -> list[Check]:
    """Say of what size the pictures are, and list those of another.

    Every picture whose released size is known must have that one; or all must have one other, which
    makes the set a copy reduced as a whole: no defect, but less than was released. Pictures that
    were released in many sizes are held to that other size only where nearly all of them have it.

    Args:
        name: of the check.
        examined: the files; those that cannot be decoded are passed over.
        has_released_size: tells by image id whether a picture was released as ``RELEASED``.
    """
    sizes = {e.file.image_id: e.decoded.size for e in examined if e.decoded.size}
    fixed = {i: size for i, size in sizes.items() if has_released_size(i)}
    free = {i: size for i, size in sizes.items() if i not in fixed}
    if not fixed:
        return []
    [(usual, _)] = Counter(fixed.values()).most_common(1)
    held = dict(fixed)
    like_usual = sum(size == usual for size in free.values())
    if usual != RELEASED and like_usual >= _NEARLY_ALL * len(free):
        held |= free
    odd = {i: size for i, size in held.items() if size != usual}
    return [_describe(name, usual, len(held) - len(odd), sizes, free), _list_odd(name, usual, odd)]


def _describe(
    name: str, usual: Size, count: int, sizes: dict[str, Size], free: dict[str, Size]
) -> Check:
    expected = _words(RELEASED)
    if free:
        expected += f" in {len(sizes) - len(free):,}, several sizes in the other {len(free):,}"
    found = f"{_words(usual)} in {count:,} of {len(sizes):,}"
    if usual == RELEASED:
        return Check(name, "ok", expected, found)
    is_smaller = usual[0] <= RELEASED[0] and usual[1] <= RELEASED[1]
    what = "A copy reduced as a whole" if is_smaller else "A copy resized as a whole"
    is_squashed = usual[0] * RELEASED[1] != usual[1] * RELEASED[0]
    shape = ", and not in proportion: lesions are squashed" if is_squashed else ""
    return Check(name, "remark", expected, found, (), f"{what}{shape}.")


def _list_odd(name: str, usual: Size, odd: dict[str, Size]) -> Check:
    title, expected = f"{name}s differ", f"none of another size than {_words(usual)}"
    counts = Counter(odd.values()).most_common(5)
    words = ", ".join(f"{count:,} of {_words(size)}" for size, count in counts)
    advice = "Restore these files from the release." if odd else ""
    return Check(title, to_verdict(bool(odd)), expected, words or "none", tuple(odd), advice)


def _words(size: Size) -> str:
    return f"{size[0]} x {size[1]}"
