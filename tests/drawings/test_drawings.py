import json

import numpy as np
import pytest

from skinmodel import paths
from skinmodel.diagnoses import CODES
from skinmodel.drawings import draw
from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.imaging import images


def middle(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return image[2 * height // 5 : 3 * height // 5, 2 * width // 5 : 3 * width // 5]


@pytest.mark.parametrize("code", CODES)
def test_every_diagnosis_is_drawn_on_light_skin(code):
    image = draw.draw_lesion(code, seed=5, height=120, width=160, mark=False)
    assert image.shape == (120, 160, 3)
    assert image.dtype == np.uint8
    # At the sides there is skin: light, red above green above blue.
    red, green, blue = image[30:90, :16].reshape(-1, 3).mean(axis=0)
    assert 140 < red < 240
    assert red > green > blue
    skin = np.median(image[:, :16].reshape(-1, 3), axis=0)
    assert np.abs(middle(image) - skin).mean() > 12


def test_the_signs_are_the_textbooks():
    drawn = {code: middle(draw.draw_lesion(code, 3, mark=False)).astype(int) for code in CODES}
    redness = {c: (a[..., 0] - (a[..., 1] + a[..., 2]) / 2).mean() for c, a in drawn.items()}
    light = {c: a.mean() for c, a in drawn.items()}
    assert set(sorted(redness, key=redness.__getitem__)[-2:]) == {"akiec", "vasc"}
    assert max(light, key=light.__getitem__) == "df"
    assert min(light, key=light.__getitem__) in ("mel", "vasc")
    bluest = {c: (a[..., 2] > a[..., 0] + 10).mean() for c, a in drawn.items()}
    assert max(bluest, key=bluest.__getitem__) == "mel"


def test_a_seed_gives_one_drawing():
    first = draw.draw_lesion("mel", 7, 96, 128)
    np.testing.assert_array_equal(first, draw.draw_lesion("mel", 7, 96, 128))
    assert np.abs(first.astype(int) - draw.draw_lesion("mel", 8, 96, 128)).mean() > 3


def test_the_mark_is_written_in_the_corner_only():
    plain = draw.draw_lesion("nv", 1, mark=False)
    marked = draw.draw_lesion("nv", 1)
    rows, columns = np.nonzero((plain != marked).any(axis=2))
    assert rows.min() > 0.85 * plain.shape[0]
    assert columns.min() > 0.75 * plain.shape[1]
    plate = marked[rows.min() :, columns.min() :]
    assert 0.05 < (plate.min(axis=2) > 200).mean() < 0.5


@pytest.mark.parametrize(("height", "width"), [(32, 32), (40, 300), (300, 40)])
def test_any_shape_is_filled(height, width):
    image = draw.draw_lesion("bcc", 2, height, width)
    assert image.shape == (height, width, 3)
    assert image.std() > 5


def test_wrong_requests_are_refused():
    with pytest.raises(UnknownNameError, match="scc"):
        draw.draw_lesion("scc", 1)
    with pytest.raises(ConfigError, match="16 x 200"):
        draw.draw_lesion("nv", 1, height=200, width=16)


def test_shipped_samples_are_what_the_index_says():
    index = json.loads((paths.SAMPLES / draw.INDEX).read_text(encoding="utf-8"))
    assert [entry["code"] for entry in index["drawings"]] == list(CODES)
    for entry in index["drawings"]:
        path = paths.SAMPLES / entry["file"]
        assert path.stat().st_size < 150_000
        shipped = images.read(path).astype(int)
        drawn = draw.draw_lesion(entry["code"], entry["seed"])
        # JPEG alone costs about 1.5 levels; another OpenCV may set the mark in another typeface.
        assert np.abs(shipped - drawn).mean() < 3


def test_the_command_writes_the_same_files_each_time(tmp_path, capsys):
    for name in ("a", "b"):
        draw.main(["--out", str(tmp_path / name)])
    assert capsys.readouterr().out.count(".jpg") == 2 * len(CODES)
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert names == sorted([draw.INDEX, *(f"drawing_{code}.jpg" for code in CODES)])
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
