"""Whom the images come from: diagnosis, sex, age, body site and confirmation, filtered together."""

from typing import Final

import pandas as pd
import streamlit as st

from app.datasets.bars import (
    Scale,
    Series,
    build_bars,
    build_columns,
    choose_scale,
    describe,
    measure_height,
)
from app.datasets.people_filters import Filters, choose_filters, describe_filters, select
from app.datasets.presentation import explain, show_counted, show_heading, show_source, show_table
from app.datasets.wording import (
    ORIGINS,
    TITLES,
    count_and_share,
    label_diagnosis,
    name_value,
    write_years,
)
from app.shared import components
from skinmodel.data.counts.tables import DATASETS, Counts

_AGES: Final = 320  # height of the chart of ages, in points


@st.fragment
def show_people(counts: Counts) -> None:
    """Show the section."""
    components.run_guarded(lambda: _show(counts))


def _show(counts: Counts) -> None:
    show_heading("People, sites and confirmation")
    explain("people")
    dataset = str(
        st.segmented_control(
            "Data set",
            list(DATASETS),
            format_func=TITLES.__getitem__,
            default=next(iter(DATASETS)),
            required=True,
            key="people-set",
            persist_state="session",
        )
    )
    every = counts.of(dataset)
    filters = choose_filters(dataset, every)
    rows = select(every, filters)
    images, total = int(rows["images"].sum()), int(every["images"].sum())
    words = describe_filters(filters)
    st.markdown(
        f"**{count_and_share(images, total)} of {TITLES[dataset]}'s {total:,} images**, "
        f"{rows['lesions'].sum():,} lesions: {components.escape_markdown(words)}."
    )
    if not images:
        st.info("No image answers to all of these filters.", icon=":material/filter_alt_off:")
        return
    scale = choose_scale("people-scale")
    # The same value has the same place whatever is chosen, so that charts can be compared.
    broken = {name: break_down(every, rows, name, dataset) for name in _names(dataset)}
    left, right = st.columns(2, gap="medium")
    for k, (name, title) in enumerate(_names(dataset).items()):
        with (left, right)[k % 2]:
            _show_one(counts, dataset, filters, name, title, broken[name], scale)
    saved = pd.concat(
        [table.assign(dataset=dataset, chosen=words, by=name) for name, table in broken.items()]
    )
    with st.expander("All of these as one table", icon=":material/table:"):
        show_table(
            _build_shown(saved, _names(dataset), images),
            saved,
            counts,
            f"people {dataset}",
            f"Images of {TITLES[dataset]} by diagnosis, sex, age, site and {ORIGINS[dataset]}.",
        )
    show_source(counts)


def _names(dataset: str) -> dict[str, str]:
    return {
        "diagnosis": "Diagnosis",
        "age": "Age in years",
        "sex": "Sex",
        "site": "Body site",
        "origin": ORIGINS[dataset],
    }


def break_down(every: pd.DataFrame, rows: pd.DataFrame, name: str, dataset: str) -> pd.DataFrame:
    """Return chosen images and lesions by one attribute.

    Args:
        every: rows of the whole data set; decides which values there are, and their order.
        rows: those chosen.
        name: the attribute, a column of both.
        dataset: gives the order of diagnoses.

    Returns:
        value (str; ages in whole years or ``unknown``), images, lesions, images_of_all.
    """
    if name == "age":
        ages = sorted(every["age"].dropna().unique())
        order = [*map(write_years, ages), *(["unknown"] if every["age"].isna().any() else [])]
        every, rows = (t.assign(age=t["age"].map(write_years)) for t in (every, rows))
    elif name == "diagnosis":
        order = [code for code in DATASETS[dataset] if code in set(every["diagnosis"])]
    else:
        sizes = every.groupby(name)["images"].sum().sort_values(ascending=False)
        order = sorted(sizes.index, key=lambda value: value == "unknown")
    found = rows.groupby(name)[["images", "lesions"]].sum().reindex(order, fill_value=0)
    found["images_of_all"] = every.groupby(name)["images"].sum().reindex(order)
    return found.rename_axis("value").reset_index()


def _show_one(
    counts: Counts,
    dataset: str,
    filters: Filters,
    name: str,
    title: str,
    table: pd.DataFrame,
    scale: Scale,
) -> None:
    images = int(table["images"].sum())
    words = describe_filters(filters)
    subject = f"Images of {TITLES[dataset]} by {title.lower()}, n = {images:,}: {words}"
    st.markdown(f"### {title}", anchors=False)
    values = [_label(name, value, dataset) for value in table["value"]]
    series = [Series(f"chosen, n = {images:,}", tuple(table["images"]), images)]
    if filters.are_set and scale is Scale.SHARE:
        whole = int(table["images_of_all"].sum())
        every = tuple(table["images_of_all"])
        series.append(Series(f"all of {TITLES[dataset]}, n = {whole:,}", every, whole))
    if name == "age":
        figure, height = build_columns(values, series, scale, title), _AGES
    else:
        figure = build_bars(values, series, scale)
        height = measure_height(len(values), len(series))
    show_counted(
        figure,
        counts,
        subject,
        describe(subject, values, series),
        f"people-{name}",
        height=height,
        legend_rows=len(series) - 1,
    )


def _label(name: str, value: str, dataset: str) -> str:
    return label_diagnosis(value, dataset) if name == "diagnosis" else name_value(value)


def _build_shown(saved: pd.DataFrame, titles: dict[str, str], images: int) -> pd.DataFrame:
    lines = [
        {
            "By": titles[row["by"]],
            "Value": name_value(row["value"]),
            "Images": count_and_share(row["images"], images),
            "Lesions": f"{row['lesions']:,}",
            "Images without filters": f"{row['images_of_all']:,}",
        }
        for row in saved.to_dict("records")
    ]
    return pd.DataFrame(lines).set_index("By")
