"""The files of a data set against its rows and its release."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.data.verify.decoding import Decoded
from skinmodel.data.verify.files import FoundFile
from skinmodel.data.verify.layout import Kind
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
    return examined.decoded.kind == name and examined.file.path.suffix in endings


def _ids(examined: Sequence[Examined]) -> tuple[str, ...]:
    return tuple(e.file.image_id for e in examined)


def _list(name: str, what: str, ids: Sequence[str]) -> Check:
    words = f"{len(ids):,} x {what}" if ids else "none"
    return Check(name, to_verdict(bool(ids)), "none", words, tuple(ids))
