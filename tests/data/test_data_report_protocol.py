import cv2
import numpy as np
import pandas as pd
import pytest
from factories import make_index
from sklearn.utils.class_weight import compute_class_weight

from skinmodel.data.report.protocol import (
    CLASS_WEIGHTS,
    ORIGINAL,
    TRANSFORMS,
    apply_transform,
    build_pictures,
    split_report,
)
from skinmodel.data.sets import ham10000
from skinmodel.data.splits import Leakage, class_weights
from skinmodel.diagnoses import CODES, class_index
from skinmodel.errors import ConfigError, SplitError, UnknownNameError

DRAWN = "cfcbc5a3bac42d6eacdc7261f9257fa55d7a92f1a463b117cd254f3c3abd60e9"
REAL = "68c400ffb442d5dbb64ac2e3ac95b01c6066f86913f098dd617e166a30c16a5a"
TEST_SUPPORT = (2213, 2204, 2176, 1018, 647, 281, 228)  # the report's Table 4
SMALL = make_index((60, 12, 10, 8, 6, 4, 4))
RELEASED = make_index(tuple(ham10000.CLASS_COUNTS.values()))


def test_a_nevus_stands_once_and_every_other_image_six_times():
    pictures = build_pictures(SMALL)
    assert len(pictures) == 60 + 6 * 44
    sizes = pictures.groupby("source_image_id").size()
    nevi = set(SMALL["image_id"][SMALL["truth"] == "nv"])
    assert all(size == (1 if image in nevi else 6) for image, size in sizes.items())
    assert set(pictures["transform"][pictures["truth"] == "nv"]) == {ORIGINAL}
    copies = pictures[pictures["source_image_id"] == SMALL["image_id"].iloc[-1]]
    assert list(copies["transform"]) == list(TRANSFORMS)


def test_an_original_keeps_its_id_and_a_copy_says_what_was_done_to_it():
    pictures = build_pictures(SMALL.iloc[60:61])
    assert list(pictures["image_id"]) == [
        "ISIC_0000060",
        "ISIC_0000060:turn90",
        "ISIC_0000060:turn270",
        "ISIC_0000060:turn180",
        "ISIC_0000060:flip_vertical",
        "ISIC_0000060:flip_horizontal",
    ]
    assert set(pictures["source_image_id"]) == {"ISIC_0000060"}


def test_the_source_row_leads_to_the_image_whatever_the_order_of_the_index():
    shuffled = SMALL.sample(frac=1, random_state=4)
    pictures, again = build_pictures(SMALL), build_pictures(shuffled)
    assert pictures["image_id"].is_unique
    for index, made in ((SMALL, pictures), (shuffled, again)):
        source = index.iloc[made["source_row"].to_numpy()]
        assert list(source["image_id"]) == list(made["source_image_id"])
        for column in ("group_id", "lesion_id", "truth"):
            assert list(source[column]) == list(made[column])
    assert list(pictures["image_id"]) == list(again["image_id"])
    assert split_report(pictures).fingerprint == split_report(again).fingerprint


def test_the_release_gives_the_reports_sizes_supports_and_totals():
    pictures = build_pictures(RELEASED)
    assert len(pictures) == 26_565
    totals = pictures["truth"].value_counts()
    assert [totals[code] for code in CODES] == [6705, 6678, 6594, 3084, 1962, 852, 690]
    split = split_report(pictures)
    test = split.of(pictures, "test")["truth"].value_counts()
    assert tuple(test[code] for code in CODES) == TEST_SUPPORT
    assert split.side.value_counts().to_dict() == {"train": 17_798, "test": 8_767}


def test_the_class_weights_are_the_reports_over_all_pictures_and_over_the_training_side():
    pictures = build_pictures(RELEASED)
    split = split_report(pictures)
    for rows in (pictures, split.of(pictures, "train")):
        truth = np.array([class_index(code) for code in rows["truth"]])
        ours = class_weights(truth, 7, 1.0)
        balanced = compute_class_weight("balanced", classes=np.arange(7), y=truth)
        np.testing.assert_allclose(ours, balanced, rtol=1e-6)
        assert dict(zip(CODES, np.round(ours.astype(float), 2), strict=True)) == CLASS_WEIGHTS


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("turn90", cv2.ROTATE_90_CLOCKWISE),
        ("turn270", cv2.ROTATE_90_COUNTERCLOCKWISE),
        ("turn180", cv2.ROTATE_180),
    ],
)
def test_turns_are_opencvs(rng, name, code):
    pixels = rng.integers(0, 256, (2, 7, 7, 3), dtype=np.uint8)
    turned = apply_transform(pixels, [name, name])
    assert turned.dtype == np.uint8
    for before, after in zip(pixels, turned, strict=True):
        np.testing.assert_array_equal(after, cv2.rotate(before, code))


@pytest.mark.parametrize(("name", "axis"), [("flip_vertical", 0), ("flip_horizontal", 1)])
def test_flips_are_opencvs(rng, name, axis):
    pixels = rng.integers(0, 256, (1, 6, 6, 3), dtype=np.uint8)
    np.testing.assert_array_equal(apply_transform(pixels, [name])[0], cv2.flip(pixels[0], axis))


def test_each_image_gets_its_own_transform_and_the_input_stays(rng):
    pixels = rng.integers(0, 256, (1, 5, 5, 3), dtype=np.uint8).repeat(len(TRANSFORMS), axis=0)
    before = pixels.copy()
    turned = apply_transform(pixels, TRANSFORMS)
    np.testing.assert_array_equal(pixels, before)
    np.testing.assert_array_equal(turned[0], pixels[0])
    assert len({image.tobytes() for image in turned}) == len(TRANSFORMS) == 6
    for name, image in zip(TRANSFORMS, turned, strict=True):
        np.testing.assert_array_equal(apply_transform(pixels[:1], [name])[0], image)


def test_an_image_that_is_not_square_is_refused():
    pixels = np.zeros((1, 4, 6, 3), dtype=np.uint8)
    with pytest.raises(ConfigError, match="4 x 6 pixels cannot be turned in place"):
        apply_transform(pixels, ["turn90"])


def test_an_unknown_transform_is_refused():
    pixels = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    with pytest.raises(UnknownNameError, match="no transform called 'turn45'"):
        apply_transform(pixels, ["turn45"])


def test_the_split_leaks_says_so_and_validates_on_its_test_side():
    pictures = build_pictures(SMALL)
    split = split_report(pictures)
    assert split.name == "report"
    assert split.seed == 50
    assert split.to_dict()["leaks"] is True
    assert set(split.side) == {"train", "test"}
    validation, test = split.of(pictures, "val"), split.of(pictures, "test")
    pd.testing.assert_frame_equal(validation, test)
    assert len(test) + len(split.of(pictures, "train")) == len(pictures)


def test_leakage_names_source_images_and_lesions_on_both_sides():
    pictures = build_pictures(SMALL)
    split = split_report(pictures)
    sides = pictures.assign(side=split.side.to_numpy())

    def crossing(column):
        both = sides.groupby(column)["side"].agg(set).map(len)
        return tuple(sorted(both.index[both == 2]))

    assert split.leakage == Leakage(crossing("group_id"), crossing("source_image_id"))
    assert split.leakage.images
    assert set(split.leakage.images) <= set(SMALL["image_id"])


def test_the_split_of_a_drawn_index_is_the_same_on_every_machine():
    assert split_report(build_pictures(SMALL)).fingerprint == DRAWN
    other = split_report(build_pictures(SMALL), seed=51)
    assert other.fingerprint != DRAWN


def test_too_few_pictures_of_a_diagnosis_are_refused():
    with pytest.raises(SplitError, match="at least two pictures of each diagnosis"):
        split_report(build_pictures(make_index((1, 2, 2, 2, 2, 2, 2))))


@pytest.mark.data
def test_the_real_protocol_has_the_reports_numbers(ham10000_dir):
    index = ham10000.read_index(ham10000_dir)
    pictures = build_pictures(index)
    split = split_report(pictures)
    assert split.fingerprint == REAL
    assert split.side.value_counts().to_dict() == {"train": 17_798, "test": 8_767}
    test = split.of(pictures, "test")["truth"].value_counts()
    assert tuple(test[code] for code in CODES) == TEST_SUPPORT
