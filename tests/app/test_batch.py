"""The Batch page: files and ZIPs in, rows sorted by risk, bounds held."""

import csv
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeClassifier, make_probabilities

from app.batch.table import FILTERS, render_csv, render_submission, sort_rows, to_frame, warn
from app.services import batches
from app.services.attempts import Problem
from app.services.batches import Batch, Entry, Row, Shelf, open_batch, open_entry
from skinmodel.imaging.images import MAX_BYTES
from skinmodel.models.registry import get_spec
from skinmodel.results import DISCLAIMER, Gate, Outcome, Trust

MODELS = ("cnn", "cnn_sa")
TITLES = {name: get_spec(name).title for name in MODELS}


def pack(members, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def answer(name, number=0, mel=0.5, other=None):
    shares = {"cnn": mel, "cnn_sa": mel if other is None else other}
    return Row(
        Entry(name, number),
        predictions={
            model: FakeClassifier(model, make_probabilities(mel=share)).classify([None])[0]
            for model, share in shares.items()
        },
        sha256="ab",
        size=(75, 100),
    )


ROWS = [
    answer("low.jpg", mel=0.01, other=0.02),
    Row(Entry("bad.jpg", 1), "The file is empty."),
    answer("=high.jpg", mel=0.9),
    answer("split.jpg", mel=0.6, other=0.0),
]


def test_a_batch_is_pictures_and_zips_of_them_and_the_rest_is_counted(picture_bytes):
    inside = [("deep/a.PNG", picture_bytes), ("b.jpg", b""), ("notes.txt", b"x")]
    archive = pack([*inside, ("__MACOSX/._a.PNG", b"x"), (".DS_Store", b"x")])
    batch = open_batch([("one.png", picture_bytes), ("all.zip", archive)], MODELS)
    assert [entry.name for entry in batch.entries] == ["one.png", "a.PNG", "b.jpg"]
    assert len(batch.passed) == 2
    assert batch.passed[0].startswith("1 that are no pictures by their names")
    assert batch.passed[1].startswith("2 left over by a system")
    first, second, third = (open_entry(batch, entry) for entry in batch.entries)
    np.testing.assert_array_equal(first.image, second.image)
    assert "empty" in third.sentence


def test_more_than_200_pictures_are_cut_and_told():
    batch = open_batch([("a.zip", pack([(f"{n}.png", b"x") for n in range(230)]))], MODELS)
    assert len(batch.entries) == 200
    assert batch.passed == ("30 pictures beyond the first 200",)


def test_a_bomb_in_a_zip_is_read_up_to_a_pictures_size_and_refused():
    bomb = pack([("a.png", bytes(4 * MAX_BYTES))], compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 200_000
    batch = open_batch([("a.zip", bomb)], MODELS)
    assert len(batch.shelf.read(batch.entries[0])) == MAX_BYTES + 1
    assert "larger than 25 MB" in open_entry(batch, batch.entries[0]).sentence


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[: len(data) // 2], "is damaged or incomplete"),
        (lambda data: data.replace(b"PK\1\2", b"PK\0\0"), "is damaged or incomplete"),
        (lambda data: data[:-10] + b"\xff\xff\xff\x7f" + data[-6:], "lists far more files"),
        (lambda _: pack([("notes.txt", b"x")]), "There is no picture in what was sent"),
    ],
)
def test_a_hostile_zip_is_refused_in_a_sentence(spoil, words):
    found = open_batch([("a.zip", spoil(pack([("a.png", b"x" * 50)])))], MODELS)
    assert isinstance(found, Problem)
    assert words in found.sentence


def test_members_that_lie_or_are_locked_get_their_sentence():
    data = bytearray(pack([("a.png", b"x" * 50)]))
    data[data.index(b"x" * 50)] ^= 1  # its checksum no longer holds
    damaged = open_batch([("a.zip", bytes(data))], MODELS)
    assert "is damaged" in open_entry(damaged, damaged.entries[0]).sentence
    locked = bytearray(pack([("a.png", b"x" * 50)]))
    locked[6] |= 1
    locked[locked.index(b"PK\1\2") + 8] |= 1
    batch = open_batch([("a.zip", bytes(locked))], MODELS)
    assert "locked with a password" in open_entry(batch, batch.entries[0]).sentence


def test_the_oldest_batch_loses_its_files_where_all_together_are_too_much(monkeypatch):
    monkeypatch.setattr(batches, "MOST_BYTES", 100)
    batches._get_shelves.clear()
    first = open_batch([("a.png", bytes(60))], MODELS)
    second = open_batch([("b.png", bytes(60))], MODELS)
    assert "no longer holds" in open_entry(first, first.entries[0]).sentence
    assert second.shelf.read(second.entries[0]) == bytes(60)
    assert (first.shelf.size, second.shelf.size) == (0, 60)


def test_rows_are_sorted_by_risk_and_filtered():
    assert [row.entry.name for row in sort_rows(ROWS, "cnn")] == [
        *("=high.jpg", "split.jpg", "low.jpg", "bad.jpg")
    ]
    kept = {name: [r.entry.name for r in ROWS if keeps(r)] for name, keeps in FILTERS.items()}
    assert kept["Networks disagree"] == ["split.jpg"]
    assert kept["Declined or unreadable"] == ["bad.jpg"]
    assert "bad.jpg" not in kept["At risk"]
    assert "=high.jpg" in kept["At risk"]
    frame = to_frame(ROWS, "cnn", TITLES)
    assert frame["Read with care"][1] == "The file is empty."
    assert frame["Risk"].isna().tolist() == [False, True, False, False]
    assert any("do not agree" in sentence for sentence in warn(ROWS[3], TITLES))


def test_an_answer_that_one_gate_declines_is_nowhere_in_table_filters_or_files():
    gate = Gate(Outcome.DECLINED, ("This is no lesion.",))
    row = answer("noise.jpg", mel=0.95)
    cnn = row.predictions["cnn"]
    trust = Trust(gate, cnn.probabilities)
    refused = replace(row, predictions={**row.predictions, "cnn": replace(cnn, trust=trust)})
    rows = [refused, *ROWS]
    places = [r.entry.name for r in sort_rows(rows, "cnn_sa")]
    assert places[-2:] == ["noise.jpg", "bad.jpg"]
    kept = {name: refused in filter(keeps, rows) for name, keeps in FILTERS.items()}
    assert [name for name, is_kept in kept.items() if is_kept] == ["All", "Declined or unreadable"]
    assert warn(refused, TITLES) == ("This is no lesion.",)
    line = to_frame([refused, ROWS[0]], "cnn_sa", TITLES).iloc[0]
    assert (line["Leading diagnosis"], line["Networks agree"]) == ("", "")
    assert line[["Risk", "Probability"]].isna().all()
    saved = list(csv.DictReader(io.StringIO(render_csv([refused], TITLES).decode())))
    assert [line["gate"] for line in saved] == ["declined", ""]
    assert {line["p_mel"] + line["prediction"] for line in saved} == {""}
    assert "noise" not in render_submission(rows, "cnn_sa").decode()


def test_tables_to_save_hold_every_number_and_what_they_are():
    table = list(csv.DictReader(io.StringIO(render_csv(ROWS, TITLES).decode())))
    assert len(table) == 7
    assert table[3]["file"] == "'=high.jpg"
    assert {line["note"] for line in table} == {DISCLAIMER}
    assert float(table[3]["p_mel"]) == pytest.approx(0.9)
    assert table[2]["error"] == "The file is empty."
    lines = render_submission(ROWS, "cnn").decode().splitlines()
    assert lines[0] == "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"
    assert [line.split(",")[0] for line in lines[1:]] == ["low", "'=high", "split"]


def test_the_page_reads_a_batch_and_a_bad_file_has_its_sentence(open_dashboard, picture_bytes):
    at = open_dashboard()
    at.switch_page("batch/page.py").run()
    assert not at.exception
    files = [(f"p{n}.png", picture_bytes, "image/png") for n in range(3)]
    at.file_uploader[0].set_value([*files, ("bad.png", b"GIF89a", "image/png")]).run()
    assert not at.exception
    frame = at.dataframe[0].value
    assert sorted(frame["File"]) == ["bad.png", "p0.png", "p1.png", "p2.png"]
    assert "GIF" in frame["Read with care"].iloc[-1]
    assert any("4 of 4 pictures" in caption.value for caption in at.caption)
    next(b for b in at.button if b.label == "Draw the overlays of the first 3").click().run()
    assert not at.exception
    overlays = zipfile.ZipFile(io.BytesIO(at.session_state["batch-overlays"]))
    assert [name.split("-")[:3] for name in overlays.namelist()] == [
        [f"{n + 1:03d}", f"p{n}", "cnn"] for n in range(3)
    ]
    assert overlays.read(overlays.namelist()[0]).startswith(b"\x89PNG")
    next(b for b in at.button if b.label == "Clear the batch").click().run()
    assert not at.dataframe
    assert at.session_state["batch-overlays"] is None
    assert at.file_uploader


def test_a_stopped_batch_keeps_its_rows_and_goes_on(open_dashboard, picture_bytes):
    at = open_dashboard()
    at.switch_page("batch/page.py").run()
    shelf = Shelf([(f"p{n}.png", picture_bytes) for n in range(3)])
    entries = tuple(Entry(f"p{n}.png", n) for n in range(3))
    at.session_state["batch"] = Batch(shelf, entries, (), MODELS, [answer("p0.png")], True)
    at.run()
    assert any("1 of 3 pictures, 2 not read" in caption.value for caption in at.caption)
    next(b for b in at.button if b.label == "Go on").click().run()
    assert any("3 of 3 pictures" in caption.value for caption in at.caption)
    assert not at.exception
