"""The files of a data set against its rows and its release."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.data.verify.decoding import Decoded
from skinmodel.data.verify.layout import FoundFile, Kind
from skinmodel.data.verify.report import Check, to_remark, to_verdict

FORMATS: Final = {"images": ("JPEG", (".jpg",)), "masks": ("PNG", (".png",))}
"""Format and file name ending of the releases."""
_MASK_CUT: Final = "Cut them at half, 128, to get the lesion."


@dataclass(frozen=True)
class Examined:
    """A file and what decoding it told."""

    file: FoundFile
    decoded: Decoded


def check_presence(
    kind: Kind, files: Sequence[FoundFile], rows: pd.DataFrame | None, expected: int
) -> list[Check]:
    """Compare the files with the rows: missing, without a row, twice, misnamed.

    Args:
        kind: ``images`` or ``masks``.
        files: of that kind.
        rows: see ``tables.read_labels``; None where the tables cannot be used.
        expected: files in the whole release.
    """
    ids = [file.image_id for file in files]
    if rows is None:
        return [Check(kind, to_verdict(len(ids) != expected), f"{expected:,}", f"{len(ids):,}")]
    here = set(ids)
    missing = rows[~rows.index.isin(here)]
    by_label = Counter(missing["label"])
    lost = ", ".join(f"{count:,} of {label}" for label, count in by_label.most_common())
    found = f"{len(rows) - len(missing):,} of {len(rows):,}"
    checks = [
        Check(
            kind,
            to_verdict(len(missing) > 0),
            f"a file for each of the {len(rows):,} rows",
            f"{found}; missing: {lost}" if lost else found,
            tuple(missing.index),
            "Download what is missing, or go on without these." if lost else "",
        )
    ]
    strangers = sorted(here - set(rows.index))
    twice = sorted(i for i, count in Counter(ids).items() if count > 1)
    checks.append(_list(f"{kind} extra", "file without a row", strangers))
    checks.append(_list(f"{kind} twice", "image with more than one file", twice))
    return checks


def check_names(files: Sequence[FoundFile], rows: pd.DataFrame | None) -> list[Check]:
    """Compare the names of image files with the spelling of the truth table."""
    if rows is None:
        return []
    spelt = rows["truth_id"].to_dict()
    odd = [f.image_id for f in files if spelt.get(f.image_id, f.path.stem) != f.path.stem]
    return [_list("image names", "file named otherwise than in the table", sorted(odd))]


def check_decoding(kind: Kind, examined: Sequence[Examined]) -> list[Check]:
    """List the files that cannot be decoded, or that are not of the released format."""
    broken = [e for e in examined if e.decoded.fault]
    reasons = Counter(e.decoded.fault for e in broken)
    why = " ".join(f"{count:,} x: {fault}" for fault, count in reasons.most_common())
    decodable = Check(
        f"{kind} decode",
        to_verdict(bool(broken)),
        "every file decodes in full",
        f"{len(broken):,} of {len(examined):,} do not. {why}" if broken else f"{len(examined):,}",
        _ids(broken),
        "Restore these files from the release." if broken else "",
    )
    name, endings = FORMATS[kind]
    odd = [e for e in examined if not e.decoded.fault and not _is_released(e, name, endings)]
    kinds = Counter(f"{e.decoded.kind} named {Path(e.file.path).suffix}" for e in odd)
    words = ", ".join(f"{count:,} x {what}" for what, count in kinds.most_common())
    expected = f"{name} files named {endings[0]}"
    verdict = to_verdict(bool(odd))
    return [decodable, Check(f"{kind} format", verdict, expected, words or name, _ids(odd))]


def check_masks(examined: Sequence[Examined]) -> list[Check]:
    """Say which masks are not black and white, and which outline nothing."""
    soft = [e for e in examined if e.decoded.inner > 0]
    full = [e for e in examined if e.decoded.pixels and e.decoded.cover in (0.0, 1.0)]
    words = f"{len(soft):,} of {len(examined):,} have grey pixels too"
    grey = Check(
        "mask values",
        to_remark(bool(soft)),
        "0 and 255 only",
        words if soft else "0 and 255 only",
        _ids(soft),
        _MASK_CUT if soft else "",
    )
    covers = Counter("the whole frame" if e.decoded.cover else "nothing" for e in full)
    listed = ", ".join(f"{count:,} cover {what}" for what, count in covers.most_common())
    verdict = to_remark(bool(full))
    lesions = "a lesion within the frame"
    return [grey, Check("mask outlines", verdict, lesions, listed or "each has one", _ids(full))]


def _is_released(examined: Examined, name: str, endings: tuple[str, ...]) -> bool:
    return examined.decoded.kind == name and examined.file.path.suffix.lower() in endings


def _ids(examined: Sequence[Examined]) -> tuple[str, ...]:
    return tuple(e.file.image_id for e in examined)


def _list(name: str, what: str, ids: Sequence[str]) -> Check:
    words = f"{len(ids):,} x {what}" if ids else "none"
    return Check(name, to_verdict(bool(ids)), "none", words, tuple(ids))


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
