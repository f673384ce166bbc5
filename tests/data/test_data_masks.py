"""The outline lies where the mask says, whatever the image's size; a wrong mask is refused."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from skinmodel.data.masks import FOLDER, compute_share, find_masks, read_mask, trace_outline
from skinmodel.data.sets import ham10000
from skinmodel.errors import ImageError
from skinmodel.imaging.images import read


@pytest.fixture
def square():
    """A lesion of 60 x 40 pixels in a mask of 200 x 150."""
    mask = np.zeros((150, 200), np.uint8)
    mask[30:70, 50:110] = 255
    return mask


def box(line):
    x, y, w, h = cv2.boundingRect(line)
    return x, y, x + w, y + h


def test_masks_are_found_by_image_id_and_their_absence_is_no_error(tmp_path, square):
    assert find_masks(tmp_path) == {}
    folder = tmp_path / FOLDER
    folder.mkdir()
    file = folder / "ISIC_0024306_segmentation.png"
    cv2.imwrite(str(file), square)
    (folder / "ATTRIBUTION.txt").write_text("as released")
    assert find_masks(tmp_path) == {"ISIC_0024306": str(file)}
    np.testing.assert_array_equal(read_mask(file), square)


def test_a_damaged_mask_is_said_to_be_damaged(tmp_path, square):
    file = tmp_path / "ISIC_0024306_segmentation.png"
    file.write_bytes(cv2.imencode(".png", square)[1].tobytes()[:60])
    with pytest.raises(ImageError, match="damaged or incomplete"):
        read_mask(file)


@pytest.mark.parametrize("factor", [1, 2, 3, 0.5])
def test_outline_is_scaled_to_the_image(square, factor):
    [line] = trace_outline(square, round(150 * factor), round(200 * factor))
    wanted = np.array([50, 30, 110, 70]) * factor
    np.testing.assert_allclose(box(line), wanted, atol=1)


def test_every_part_has_its_line_and_holes_have_none(square):
    square[45:55, 70:90] = 0
    square[100:120, 150:170] = 255
    lines = trace_outline(square, 150, 200)
    assert sorted(box(line) for line in lines) == [(50, 30, 110, 70), (150, 100, 170, 120)]


def test_outline_is_closed_and_lies_in_the_lesion(square):
    [line] = trace_outline(square, 150, 200)
    points = line[:, 0]
    assert (square[points[:, 1], points[:, 0]] == 255).all()
    steps = np.abs(np.diff(np.vstack([points, points[:1]]), axis=0)).max(axis=1)
    assert (steps == 1).all()


def test_an_empty_mask_has_no_outline(square):
    assert trace_outline(np.zeros_like(square), 450, 600) == ()


def test_a_mask_of_another_shape_is_refused_with_both_sizes(square):
    with pytest.raises(ImageError, match=r"200 x 150 pixels and the image 84 x 84"):
        trace_outline(square, 84, 84)
    trace_outline(square, 450, 599)


def test_share_counts_the_lesions_pixels(square):
    assert compute_share(square) == pytest.approx(60 * 40 / (150 * 200))
    assert compute_share(np.full((4, 4), 127, np.uint8)) == 0


@pytest.mark.data
def test_every_real_image_has_a_mask_that_fits(ham10000_dir):
    root = ham10000.find_root(ham10000_dir)
    index = ham10000.read_index(ham10000_dir).set_index("image_id")["path"]
    masks = find_masks(root)
    assert set(masks) == set(index.index)
    for image_id in index.index[::500]:
        picture = read(Path(index[image_id]))
        mask = read_mask(Path(masks[image_id]))
        lines = trace_outline(mask, *picture.shape[:2])
        assert sum(cv2.contourArea(line) for line in lines) == pytest.approx(
            compute_share(mask) * picture.shape[0] * picture.shape[1], rel=0.1
        )
