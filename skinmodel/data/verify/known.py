"""Known peculiarities of the releases: pictures that stand twice, and pairs of one lesion."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from skinmodel.data.sets.ham10000 import read_same_lesion_pairs
from skinmodel.data.sets.isic2019 import CONTRADICTORY
from skinmodel.data.verify.checks import Examined
from skinmodel.data.verify.layout import ISIC2019
from skinmodel.data.verify.report import Check, to_remark, to_verdict

Standing = Literal[
    "of one lesion", "of lesions known to be one", "under two diagnoses, as is known", "unknown"
]


@dataclass(frozen=True)
class Identical:
    """Images with one and the same content.

    Attributes:
        ids: two or more, sorted.
        standing: ``of one lesion``: one lesion id, one diagnosis; ``of lesions known to be one``:
            of lesion ids that every split keeps together; ``under two diagnoses, as is known``: in
            ``isic2019.CONTRADICTORY``, which no evaluation uses; ``unknown``: none of these.
    """

    ids: tuple[str, ...]
    standing: Standing


def find_identical(digests: Mapping[str, bytes]) -> list[tuple[str, ...]]:
    """Return the ids that share a digest, each group sorted, the groups by their first id.

    Args:
        digests: by image id; an empty one is of an image that could not be read.
    """
    ids_of: dict[bytes, list[str]] = defaultdict(list)
    for image_id, digest in digests.items():
        if digest:
            ids_of[digest].append(image_id)
    return sorted(tuple(sorted(ids)) for ids in ids_of.values() if len(ids) > 1)


def judge_identical(ids: tuple[str, ...], rows: pd.DataFrame) -> Identical:
    """Say what is known of images with the same content.

    Args:
        ids: of the images.
        rows: indexed by image id, with truth, lesion_id (NaN where none is known) and group_id (the
            lesion it is split with). An id may have no row.
    """
    if set(ids) <= CONTRADICTORY:
        return Identical(ids, "under two diagnoses, as is known")
    known = rows[rows.index.isin(ids)]
    if len(known) < len(ids) or len(known[["group_id", "truth"]].drop_duplicates()) > 1:
        return Identical(ids, "unknown")
    is_one = len(known["lesion_id"].drop_duplicates()) == 1
    return Identical(ids, "of one lesion" if is_one else "of lesions known to be one")


_NONE: Final = "none"
_TWINS: Final = "no picture under several ids but of one lesion"


def check_duplicates(examined: Sequence[Examined], rows: pd.DataFrame | None) -> list[Check]:
    """Find pictures under several ids, by their files' bytes and by their pixels.

    They are a defect where nobody knows of them: of several lesions or under several diagnoses.

    Args:
        examined: the image files.
        rows: see ``tables.read_labels``; None where the tables cannot be used, and so nothing can
            be known of whose lesions they are.
    """
    same_files = set(find_identical({e.file.image_id: e.decoded.content for e in examined}))
    groups = find_identical({e.file.image_id: e.decoded.pixels for e in examined})
    if rows is None:
        ids = tuple(image_id for group in groups for image_id in group)
        words = f"{len(groups):,} x one picture under several ids" if groups else _NONE
        return [Check("duplicates", to_remark(bool(groups)), _TWINS, words, ids)]
    judged = [judge_identical(group, rows) for group in groups]
    unknown = [g for g in judged if g.standing == "unknown"]
    known = [g for g in judged if g.standing != "unknown"]
    advice = "Find out which one is right, and restore the other." if unknown else ""
    words = _describe(unknown, same_files)
    verdict = to_verdict(bool(unknown))
    strange = Check("duplicates", verdict, _TWINS, words, _flatten(unknown), advice)
    words = _describe(known, same_files)
    advice = "No split parts those of one lesion." if known else ""
    verdict = to_remark(bool(known))
    twins = Check("known twins", verdict, "one id a picture", words, _flatten(known), advice)
    return [strange, twins]


def check_known(rows: pd.DataFrame | None, dataset: str) -> list[Check]:
    """Speak of images that the release labels wrongly, where they are among the rows."""
    if rows is None:
        return []
    if dataset == ISIC2019:
        ids = tuple(sorted(CONTRADICTORY & set(rows.index)))
        words = f"{len(ids):,} images, of pictures that stand under two diagnoses" if ids else _NONE
        advice = "No evaluation uses them." if ids else ""
        expected = "one diagnosis a picture"
        return [Check("contradictions", to_remark(bool(ids)), expected, words, ids, advice)]
    pairs = [pair for pair in read_same_lesion_pairs() if set(pair) <= set(rows.index)]
    ids = tuple(image_id for pair in pairs for image_id in pair)
    words = f"{len(pairs):,} pairs of images, each of one lesion under two ids" if pairs else _NONE
    advice = "No split parts them." if pairs else ""
    return [Check("same lesions", to_remark(bool(ids)), "one id a lesion", words, ids, advice)]


def _describe(groups: Sequence[Identical], same_files: set[tuple[str, ...]]) -> str:
    if not groups:
        return _NONE
    standings = [group.standing for group in groups]
    counts = ", ".join(f"{standings.count(s):,} {s}" for s in sorted(set(standings)))
    alike = sum(group.ids in same_files for group in groups)
    return f"{len(groups):,} x one picture under several ids ({counts}), {alike:,} x one file"


def _flatten(groups: Sequence[Identical]) -> tuple[str, ...]:
    return tuple(image_id for group in groups for image_id in group.ids)
