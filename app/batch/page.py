"""The Batch page: many pictures at once, sorted by risk; a click opens one in Classify."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from app import services, state
from app.batch import session
from app.batch.overlays import show_overlays
from app.batch.table import FILTERS, render_csv, render_submission, sort_rows, to_frame
from app.services import batches, uploads
from app.services.attempts import Problem, attempt
from app.services.batches import MOST, Batch, Row
from app.shared import components
from app.shared.components import KINDS, TYPES
from app.shared.saving import name_file, show_save_button
from app.shared.waiting import wait_for_networks
from skinmodel.imaging.images import MAX_BYTES
from skinmodel.models.registry import get_spec
from skinmodel.results import DISCLAIMER

_NETWORKS: Final = 3
_ROW_HEIGHT: Final = 72
_PERCENT: Final = "%.0f %%"


def render() -> None:
    """Show the page in whatever state it is in."""
    st.title("Sort a batch of pictures", anchor=False)
    st.markdown(
        f"Send up to {MOST} dermoscopic pictures, each of one lesion. The networks sort them by "
        "the risk they see, for a second look in that order; a low place is no all-clear. "
        f"**{DISCLAIMER}**"
    )
    batch = session.get_batch()
    if batch is None:
        _show_intake()
        return
    if services.is_ready() or wait_for_networks("The pictures are read then."):
        _show_batch(batch)


def _show_intake() -> None:
    models = attempt(services.list_models)
    default = attempt(services.list_default_models)
    if isinstance(models, Problem) or isinstance(default, Problem):
        components.show_problem(models if isinstance(models, Problem) else default)  # type: ignore[arg-type]
        return
    st.multiselect(
        "Networks to ask",
        models,
        default=default,
        max_selections=_NETWORKS,
        format_func=lambda name: get_spec(name).title,
        key="batch-networks",
        persist_state="session",
    )
    key = f"batch-upload-{session.get_round()}"
    st.file_uploader(
        f"Pictures or ZIP files of them, each file up to {MAX_BYTES // 1024**2} MB: {KINDS}",
        type=[*TYPES, "zip"],
        accept_multiple_files=True,
        max_upload_size=MAX_BYTES // 1024**2,
        key=key,
        on_change=_receive,
        args=(key,),
        help="They stay in this server's memory until you press 'Clear the batch', and no longer "
        f"than {uploads.FORGOTTEN}. Nothing is written to disk.",
    )
    if (problem := session.get_problem()) is not None:
        components.show_problem(problem, title="This is no batch")
    wait_for_networks("You can send pictures meanwhile.")


def _receive(key: str) -> None:
    files = uploads.take_all(key)
    models = tuple(st.session_state.get("batch-networks") or ())
    if not files:
        return
    if not models:
        session.keep(Problem("Choose at least one network, then send the pictures again."))
        return
    session.keep(attempt(lambda: _open(files, models)))


def _open(files: Sequence[tuple[str, bytes]], models: Sequence[str]) -> Batch | Problem:
    return batches.open_batch(files, models)


def _show_batch(batch: Batch) -> None:
    _show_progress(batch)
    for sentence in batch.passed:
        st.caption(f"Passed over: {components.escape_markdown(sentence)}.")
    titles = {name: get_spec(name).title for name in batch.models}
    if batch.rows:
        _show_rows(batch, titles)
    st.button("Clear the batch", icon=":material/close:", on_click=session.forget)


def _show_progress(batch: Batch) -> None:
    """Read what is left, picture by picture; any click ends this run, 'Stop' also the next."""
    total = len(batch.entries)
    if batch.is_done or batch.is_stopped:
        unread = total - len(batch.rows)
        left = f", {unread} not read" if unread else ""
        st.caption(f"{len(batch.rows)} of {total} pictures{left}.")
        if unread:
            st.button(
                "Go on", icon=":material/play_arrow:", on_click=_set_stopped, args=(batch, False)
            )
        return
    st.button("Stop", icon=":material/stop:", on_click=_set_stopped, args=(batch, True))
    bar = st.progress(0.0)
    while not batch.is_done:
        done = len(batch.rows)
        bar.progress(done / total, text=f"{done} of {total} pictures read")
        batches.score_next(batch)
    st.rerun()


def _set_stopped(batch: Batch, stopped: bool) -> None:
    batch.is_stopped = stopped


def _show_rows(batch: Batch, titles: dict[str, str]) -> None:
    left, right = st.columns(2)
    with left:
        model = st.selectbox(
            "Sort by the risk seen by", batch.models, format_func=titles.__getitem__, key="batch-by"
        )
    with right:
        chosen = st.segmented_control(
            "Show", list(FILTERS), default="All", required=True, key="batch-filter"
        )
    rows = [row for row in sort_rows(batch.rows, model) if FILTERS[str(chosen)](row)]
    st.caption(
        "Risk is the summed probability of the malignant and pre-malignant diagnoses. Choose a row "
        "to open its picture in Classify, which shows what is withheld here if you insist."
    )
    if not rows:
        st.info("No picture of the batch is of this kind.")
    else:
        _show_table(batch, rows, model, titles)
    runs = {p.run_id for row in batch.rows for p in row.predictions.values()}
    st.caption(f"Runs: {', '.join(sorted(runs))}. **{DISCLAIMER}**")
    with st.container(horizontal=True):
        show_save_button(partial(render_csv, rows, titles), name_file("batch", ".csv"))
        show_save_button(
            partial(render_submission, rows, model),
            name_file(f"batch {model} submission", ".csv"),
            f"Save as ISIC submission ({titles[model]})",
        )
        show_overlays(batch, rows, model)


def _show_table(batch: Batch, rows: Sequence[Row], model: str, titles: dict[str, str]) -> None:
    event: Any = st.dataframe(
        to_frame(rows, model, titles),
        hide_index=True,
        width="stretch",
        row_height=_ROW_HEIGHT,
        selection_mode="single-row",
        on_select="rerun",
        key=f"batch-table-{session.get_round()}",
        column_config={
            "Picture": st.column_config.ImageColumn(width="small"),
            "Risk": st.column_config.ProgressColumn(format=_PERCENT, min_value=0, max_value=100),
            "Probability": st.column_config.NumberColumn(format=_PERCENT),
            "Read with care": st.column_config.TextColumn(width="large"),
        },
    )
    for number in event.selection.rows[:1]:
        _open_in_classify(batch, rows[number])


def _open_in_classify(batch: Batch, row: Row) -> None:
    picture = batches.open_entry(batch, row.entry)
    if isinstance(picture, Problem):
        components.show_problem(picture, title=f"{components.escape_markdown(row.entry.name)}")
        return
    state.accept(picture)
    st.switch_page("classify/page.py")


if __name__ == "__main__":
    render()
