"""Count both data sets from their released label tables; no image is needed."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from skinmodel.data.counts.tables import ALL, COLUMNS, COMMAND, DATASETS, HAM10000, ISIC2019, Counts
from skinmodel.data.report.leakage import compute_leakage_report
from skinmodel.data.report.protocol import build_pictures, split_report
from skinmodel.data.sets import ham10000, isic2019
from skinmodel.data.sets.ham10000 import PAIRS_FILE, join_lesions
from skinmodel.data.splits import (
    SIDES,
    Split,
    assign_folds,
    class_weights,
    compute_leakage,
    split_grouped,
)
from skinmodel.data.truth_tables import read_truth_table
from skinmodel.diagnoses import CODES, class_index
from skinmodel.errors import DatasetError, summarize_ids


def count(data: Path) -> Counts:
    """Count everything that the Datasets page shows.

    Args:
        data: folder that holds ``HAM10000`` and ``ISIC2019`` with their label tables.

    Raises:
        DatasetError: a table is missing, unsound, or not the whole release.
    """
    ham = _read_ham10000(data)
    rows = {HAM10000: ham, ISIC2019: _read_isic2019(data, ham)}
    grouped = split_grouped(ham)
    pictures = build_pictures(ham)
    report = split_report(pictures)
    plain = ham.assign(source_image_id=ham["image_id"])
    return Counts(
        images=_stack({name: _count_images(table) for name, table in rows.items()}),
        overlap=_count_overlap(ham, rows[ISIC2019]),
        lesions=_stack({name: _count_lesions(table) for name, table in rows.items()}),
        missing=_stack({n: _count_missing(n, table) for n, table in rows.items()}),
        splits=_join([_count_sides(plain, grouped), _count_sides(pictures, report)]),
        leakage=_join([_count_leakage(plain, grouped), _count_leakage(pictures, report)]),
        augmentation=_count_copies(ham, pictures, report),
        facts=_describe(data, grouped, report),
    )


def _read_ham10000(data: Path) -> pd.DataFrame:
    path = ham10000.find_metadata(data)
    rows = read_truth_table(path).rows.sort_values("image_id", ignore_index=True)
    missing = {"lesion_id", "sex", "age", "site", "dx_type"} - set(rows)
    found = rows["truth"].value_counts().to_dict()
    if missing or rows["lesion_id"].isna().any() or found != ham10000.CLASS_COUNTS:
        raise DatasetError(
            f"'{path}' is not as released: it has {found}, expected {ham10000.CLASS_COUNTS}, each "
            f"with a lesion id, and the columns {', '.join(ham10000.COLUMNS)}. "
            f"{ham10000.HOW_TO_GET}"
        )
    return join_lesions(rows).assign(origin=rows["dx_type"])


def _read_isic2019(data: Path, ham: pd.DataFrame) -> pd.DataFrame:
    rows = isic2019.read_rows(data)
    inside = rows["in_ham10000"]
    strangers = sorted(set(rows.loc[inside, "image_id"]) ^ set(ham["image_id"]))
    if len(rows) != isic2019.ROW_COUNT or strangers:
        raise DatasetError(
            f"ISIC 2019 is not as released: it has {len(rows):,} rows where the release has "
            f"{isic2019.ROW_COUNT:,}, all of HAM10000 among them"
            + (f"; not in both: {summarize_ids(strangers)}" if strangers else "")
            + f". {isic2019.HOW_TO_GET}"
        )
    # The pairs that show one lesion under two ids are known for HAM10000 only.
    groups = rows["image_id"].map(ham.set_index("image_id")["group_id"])
    return rows.assign(group_id=groups.fillna(rows["group_id"]), origin=rows["source"])


def _count_images(rows: pd.DataFrame) -> pd.DataFrame:
    cells = pd.DataFrame(
        {
            "diagnosis": pd.Categorical(rows["truth"], DATASETS[ISIC2019]),
            **{name: rows[name] for name in ("sex", "age", "site", "origin")},
            "images": 1,
            "lesions": (~rows["group_id"].duplicated()).astype(int),
        }
    )
    by = ["diagnosis", "sex", "age", "site", "origin"]
    return cells.groupby(by, dropna=False, observed=True)[["images", "lesions"]].sum().reset_index()


def _count_overlap(ham: pd.DataFrame, isic: pd.DataFrame) -> pd.DataFrame:
    both = ham[["image_id", "truth"]].merge(isic[["image_id", "truth"]], on="image_id")
    named = both.rename(columns={"truth_x": HAM10000, "truth_y": ISIC2019})
    return named.groupby([HAM10000, ISIC2019]).size().reset_index(name="images")


def _count_lesions(rows: pd.DataFrame) -> pd.DataFrame:
    by_lesion = rows.rename(columns={"truth": "diagnosis"}).groupby(["diagnosis", "group_id"])
    sizes = by_lesion.size().reset_index(name="images_per_lesion")
    sizes["diagnosis"] = pd.Categorical(sizes["diagnosis"], DATASETS[ISIC2019])
    by = ["diagnosis", "images_per_lesion"]
    return sizes.groupby(by, observed=True).size().reset_index(name="lesions")


def _count_missing(dataset: str, rows: pd.DataFrame) -> pd.DataFrame:
    absent = {
        "age": rows["age"].isna(),
        "sex": rows["sex"] == "unknown",
        "site": rows["site"] == "unknown",
        "lesion_id": rows["lesion_id"].isna(),
    }
    lines = [
        (code, name, int((mask & (rows["truth"] == code)).sum()))
        for name, mask in absent.items()
        for code in DATASETS[dataset]
    ]
    return pd.DataFrame(lines, columns=["diagnosis", "field", "images"])


def _count_sides(pictures: pd.DataFrame, split: Split) -> pd.DataFrame:
    folds: pd.Series | str = ""
    if split.name == "grouped":
        folds = assign_folds(pictures, split.seed).astype(str)
    rows = pictures.assign(fold=folds, side=pictures["image_id"].map(split.side))
    by = ["fold", "side", "truth"]
    rows["truth"] = pd.Categorical(rows["truth"], CODES)
    rows["side"] = pd.Categorical(rows["side"], SIDES)
    counted = rows.groupby(by, observed=True).agg(
        pictures=("image_id", "size"),
        images=("source_image_id", "nunique"),
        lesions=("group_id", "nunique"),
    )
    table = counted.reset_index().rename(columns={"truth": "diagnosis"}).assign(split=split.name)
    return table[list(COLUMNS["splits"])]


def _count_leakage(pictures: pd.DataFrame, split: Split) -> pd.DataFrame:
    given = compute_leakage_report(pictures, split)
    # What crosses is measured on source images, so that a turned copy is its own original.
    rows = pictures.assign(
        side=pictures["image_id"].map(split.side), image_id=pictures["source_image_id"]
    )
    lines = []
    for code, found in {ALL: given.total, **given.by_class}.items():
        crossing = compute_leakage(rows if code == ALL else rows[rows["truth"] == code])
        line = (found.pictures, found.turned_copy, found.same_lesion, found.either)
        lines.append((split.name, code, *line, len(crossing.lesions), len(crossing.images)))
    return pd.DataFrame(lines, columns=list(COLUMNS["leakage"]))


def _count_copies(ham: pd.DataFrame, pictures: pd.DataFrame, report: Split) -> pd.DataFrame:
    train = report.of(pictures, "train")
    table = pd.DataFrame({"diagnosis": CODES})
    for name, rows in (("images", ham), ("pictures", pictures), ("train_pictures", train)):
        table[name] = table["diagnosis"].map(rows["truth"].value_counts()).fillna(0).astype(int)
    for name, rows in (("weight", pictures), ("train_weight", train)):
        truth = np.array([class_index(code) for code in rows["truth"]], dtype=np.int64)
        table[name] = class_weights(truth, len(CODES), 1.0).astype(np.float64).round(6)
    return table[list(COLUMNS["augmentation"])]


def _describe(data: Path, grouped: Split, report: Split) -> dict[str, str]:
    ham, isic = ham10000.find_metadata(data), isic2019.find_root(data)
    files = (ham, isic / isic2019.TRUTH, isic / isic2019.METADATA, PAIRS_FILE)
    sums = {f.name: f"sha256 {hashlib.sha256(f.read_bytes()).hexdigest()}" for f in files}
    splits = {
        f"split {s.name}": f"seed {s.seed}, sha256 {s.fingerprint}" for s in (grouped, report)
    }
    today = datetime.now(UTC).date().isoformat()
    return {"command": COMMAND, "counted": today, **sums, **splits}


def _stack(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    stacked = _join([table.assign(dataset=name) for name, table in tables.items()])
    return stacked[["dataset", *(c for c in stacked if c != "dataset")]]


def _join(tables: list[pd.DataFrame]) -> pd.DataFrame:
    joined = pd.concat(tables, ignore_index=True)
    # Categories only gave the order of the rows.
    return joined.astype(dict.fromkeys(joined.select_dtypes("category"), "str"))
