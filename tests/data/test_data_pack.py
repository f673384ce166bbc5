from pathlib import Path

import cv2
import numpy as np
import pytest
from factories import use_tiny_world, write_drawn_ham10000

from skinmodel.cli.main import main
from skinmodel.data import masks
from skinmodel.data.pack import pack
from skinmodel.data.sets import ham10000
from skinmodel.errors import ConfigError
from skinmodel.imaging import images

SIZE = (96, 72)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A drawn set with two masks."""
    use_tiny_world(monkeypatch, tmp_path / "home")
    folder = write_drawn_ham10000(tmp_path / "data", size=96)
    drawn = folder / "HAM10000" / masks.FOLDER
    drawn.mkdir()
    mask = np.zeros((72, 96), np.uint8)
    mask[:36, :48] = 255
    for number in (0, 5):
        cv2.imwrite(str(drawn / f"ISIC_{number:07d}{masks.SUFFIX}.png"), mask)
    return folder


def test_a_packed_set_is_a_set_of_small_pictures_with_the_same_labels(data, tmp_path):
    packed = pack(data, tmp_path / "packed", size=SIZE, limit_mib=2.0)
    before, after = ham10000.read_index(data), ham10000.read_index(tmp_path / "packed")
    columns = ["image_id", "lesion_id", "group_id", "truth", "age"]
    assert after[columns].equals(before[columns])
    assert packed.pictures == len(after)
    for old, new in list(zip(before["path"], after["path"], strict=True))[:3]:
        small = cv2.resize(images.read(Path(old)), SIZE, interpolation=cv2.INTER_AREA)
        found = images.read(Path(new))
        assert found.shape == (72, 96, 3)
        assert np.abs(found.mean(axis=(0, 1)) - small.mean(axis=(0, 1))).max() < 3
    found = masks.find_masks(tmp_path / "packed" / "HAM10000")
    assert sorted(found) == ["ISIC_0000000", "ISIC_0000005"]
    mask = masks.read_mask(Path(found["ISIC_0000005"]))
    assert (mask[:36, :48] == 255).all()
    assert mask.sum() == 36 * 48 * 255
    assert not list(tmp_path.glob(".*"))


def test_the_quality_is_the_best_that_keeps_the_limit(data, tmp_path):
    sizes, qualities = [], []
    for name, limit in (("large", 0.8), ("small", 0.4)):
        packed = pack(data, tmp_path / name, size=SIZE, limit_mib=limit)
        files = [f for f in (tmp_path / name).rglob("*") if f.is_file()]
        assert packed.mib == pytest.approx(sum(f.stat().st_size for f in files) / 2**20)
        assert packed.mib <= limit
        sizes.append(packed.mib)
        qualities.append(packed.quality)
    assert 30 <= qualities[1] < qualities[0] <= 95
    assert sizes[1] < sizes[0]


def test_a_limit_that_nothing_keeps_leaves_nothing_behind(data, tmp_path):
    with pytest.raises(ConfigError, match=r"quality 30 .* Raise --limit"):
        pack(data, tmp_path / "packed", size=SIZE, limit_mib=0.01)
    assert not (tmp_path / "packed").exists()
    assert not list(tmp_path.glob(".packed*"))


def test_pictures_too_small_to_be_read_again_are_refused(data, tmp_path):
    with pytest.raises(ConfigError, match=r"32 x 24 .*at least 64"):
        pack(data, tmp_path / "packed", size=(32, 24))


def test_a_folder_that_is_there_is_not_written_to(data, tmp_path, capsys):
    out = tmp_path / "packed"
    out.mkdir()
    assert main(["data", "pack", str(out), "--data", str(data)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert list(out.iterdir()) == []


def test_the_command_says_what_it_made(data, tmp_path, capsys):
    size = ["--width", "96", "--height", "72", "--limit", "4"]
    assert main(["data", "pack", str(tmp_path / "p"), "--data", str(data), *size]) == 0
    assert "168 pictures of 96 x 72, JPEG quality 95, and 2 masks" in capsys.readouterr().out
