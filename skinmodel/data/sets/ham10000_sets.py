"""The sets of HAM10000's images that figures are measured on."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from skinmodel.data.image_files import match_images
from skinmodel.data.report.leakage import compute_leakage_report
from skinmodel.data.report.protocol import build_pictures, split_report
from skinmodel.data.sets import ham10000, isic2019
from skinmodel.data.sets.evaluation_set import MISSING, EvaluationSet
from skinmodel.data.splits import split_grouped
from skinmodel.errors import DatasetError


def load_side(data: Path, side: Literal["val", "test"] = "test") -> EvaluationSet:
    """Return the images of one side of the grouped split.

    Args:
        data: folder that holds ``HAM10000``, or that folder itself.
        side: ``test``, or ``val`` for what epoch and temperature were chosen on.

    Raises:
        DatasetError: HAM10000 is not there, or not whole.
    """
    whole = ham10000.read_index(data)
    split = split_grouped(whole)
    index = split.of(whole, side).rename(columns={"localization": "site"})
    index.insert(1, "truth_id", index["image_id"])
    known = {name: index[name].fillna("unknown") for name in ("sex", "site", "dx_type")}
    test = EvaluationSet(
        name="ham10000:test",
        title="HAM10000, test lesions",
        index=index.assign(**known),
        dropped={},
        leaks=False,
        remark="",
        layout="isic2018",
        split_fingerprint=split.fingerprint,
    )
    if side == "test":
        return test
    remark = "Epoch and temperature were chosen on these images: their figures are flattering."
    title = "HAM10000, validation lesions"
    return replace(test, name="ham10000:val", title=title, remark=remark)


def load_84px(data: Path) -> EvaluationSet:
    """Return the test images as they stand, smaller, in ISIC 2019's folder.

    Raises:
        DatasetError: one of the two data sets is not there.
    """
    test = load_side(data)
    folder = isic2019.find_root(data) / isic2019.IMAGES
    index, _ = match_images(test.index, folder)
    missing = index["path"].isna()
    if missing.all():
        raise DatasetError(
            f"'{folder}' holds none of HAM10000's {len(index):,} test images. {isic2019.HOW_TO_GET}"
        )
    return replace(
        test,
        name="ham10000:test-84px",
        title="HAM10000, test lesions, from the copies in ISIC 2019",
        index=index[~missing].reset_index(drop=True),
        dropped={MISSING: int(missing.sum())},
        remark=(
            "The images of ham10000:test as they stand in ISIC 2019's folder: set beside "
            "ham10000:test they show what resolution costs, beside isic2019 what the other "
            "population costs."
        ),
    )


def load_report_test(data: Path) -> EvaluationSet:
    """Return the test pictures of the report's protocol, which leaks.

    Raises:
        DatasetError: HAM10000 is not there, or not whole.
    """
    whole = ham10000.read_index(data)
    pictures = build_pictures(whole)
    split = split_report(pictures)
    index = split.of(pictures, "test")
    sources = whole.iloc[index["source_row"]].reset_index(drop=True)
    known = {name: sources[name].fillna("unknown") for name in ("sex", "dx_type")}
    known["site"] = sources["localization"].fillna("unknown")
    index.insert(1, "truth_id", index["image_id"])
    given_away = compute_leakage_report(pictures, split).total
    return EvaluationSet(
        name="report:test",
        title="HAM10000, the report's own test (leaky)",
        index=index.assign(path=sources["path"], age=sources["age"], **known),
        dropped={},
        leaks=True,
        remark=(
            f"Of these {given_away.pictures:,} pictures, {given_away.turned_copy:,} have a turned "
            f"copy of themselves in the report's training and {given_away.either:,} at least "
            "their own lesion. The test also picks the epoch."
        ),
        layout="isic2018",
    )
