"""The gallery: paged, filtered, honest about what is missing, and a step to the Classify page."""

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from factories import LESIONS, write_drawn_ham10000, write_drawn_isic2019
from fakes import make_record

from app import navigation
from app.classify import page
from app.datasets import gallery
from app.navigation import PageEntry
from app.services import datasets as service
from app.services.gallery_index import read_ham10000_split
from app.services.pictures import Origin, Truth, open_picture
from app.shared.cautions import warn_of_picture
from skinmodel.data.masks import FOLDER
from skinmodel.diagnoses import CODES

PAGE = Path(__file__).with_name("gallery_page.py")
COUNT = 2 * LESIONS * len(CODES)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """HAM10000 with masks for all but its first image; ISIC 2019 beside it."""
    folder = write_drawn_ham10000(tmp_path_factory.mktemp("data"))
    write_drawn_isic2019(folder)
    masks = folder / "HAM10000" / FOLDER
    masks.mkdir()
    mask = np.zeros((80, 80), np.uint8)
    mask[20:60, 20:60] = 255
    for number in range(1, COUNT):
        cv2.imwrite(str(masks / f"ISIC_{number:07d}_segmentation.png"), mask)
    return folder


@pytest.fixture
def open_gallery(open_dashboard, ship, monkeypatch):
    """Factory: the gallery of a data folder, with networks trained on its split or another."""

    def open_(folder=None, trained_here=True):
        service.forget_galleries()
        if folder is not None:
            monkeypatch.setenv("SKINMODEL_DATA", str(folder))
        record = make_record("cnn")
        if folder is not None and trained_here:
            own = read_ham10000_split(folder).fingerprint
            record = replace(record, split={**record.split, "fingerprint": own})
        ship(record)
        pages = (*navigation.PAGES, PageEntry(str(PAGE), "Gallery", "", "gallery"))
        monkeypatch.setattr(navigation, "PAGES", pages)
        at = open_dashboard().switch_page(str(PAGE)).run()
        assert not at.exception
        return at

    return open_


def texts(at):
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def image_ids(at):
    labels = (b.label for b in at.button if b.key and b.key.startswith("classify-gallery-"))
    return [label.removeprefix("Classify ").replace("\\", "") for label in labels]


def find_button(at, text):
    return next(b for b in at.button if text in b.label)


def alternatives(at):
    return [image.proto.imgs[0].alt for image in at.get("image")]


def test_without_a_folder_it_says_what_needs_the_images_and_how_to_get_them(open_gallery):
    at = open_gallery()
    [info] = at.info
    assert "python -m skinmodel data download ham10000" in info.value
    assert "SKINMODEL_DATA" in info.value
    assert not at.error
    assert image_ids(at) == []


def test_a_folder_without_the_set_is_said_and_read_again_on_request(open_gallery, tmp_path, drawn):
    (tmp_path / "data").mkdir()
    at = open_gallery(tmp_path / "data", trained_here=False)
    assert "HAM10000\\_metadata.csv" in at.error[0].value
    assert "data download ham10000" in at.info[0].value
    shutil.copytree(drawn / "HAM10000", tmp_path / "data" / "HAM10000")
    at.run()
    assert at.error
    find_button(at, "Look again").click().run()
    assert not at.error
    assert len(image_ids(at)) == gallery.PAGE


def test_only_one_page_of_images_is_read(open_gallery, drawn, monkeypatch):
    paths = []
    read = service.read_image
    monkeypatch.setattr(service, "read_image", lambda path: paths.append(path) or read(path))
    at = open_gallery(drawn)
    assert len(paths) == gallery.PAGE
    assert image_ids(at) == [f"ISIC_{n:07d}" for n in range(gallery.PAGE)]
    assert f"Images 1 to 12 of {COUNT}, of {COUNT // 2} lesions" in texts(at)
    [pages] = at.get("pagination")
    assert pages.proto.num_pages == COUNT // gallery.PAGE


def test_pictures_are_sent_small_and_have_alternative_texts(drawn):
    from app.datasets.gallery_tile import LONGEST_SIDE, _encode
    from app.services.pictures import fit_to_screen

    large = np.random.default_rng(1).integers(0, 255, (1500, 2000, 3), dtype=np.uint8)
    data = _encode(fit_to_screen(cv2.blur(large, (25, 25)), LONGEST_SIDE))
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert max(decoded.shape) == LONGEST_SIDE
    assert len(data) < 50_000


def test_filters_narrow_the_gallery(open_gallery, drawn):
    at = open_gallery(drawn)
    at.selectbox(key="gallery-truth-ham10000").set_value("mel").run()
    at.selectbox(key="gallery-side-ham10000").set_value("test").run()
    sides = read_ham10000_split(drawn).side
    first = 2 * LESIONS * CODES.index("mel")
    wanted = [f"ISIC_{n:07d}" for n in range(first, first + 2 * LESIONS)]
    assert image_ids(at) == [i for i in wanted if sides[i] == "test"]
    assert "never seen this lesion" in texts(at)
    at.selectbox(key="gallery-dx_type-ham10000").set_value("histo").run()
    assert image_ids(at)


def test_a_tile_says_what_is_known_and_what_its_side_means(open_gallery, drawn):
    at = open_gallery(drawn)
    at.selectbox(key="gallery-side-ham10000").set_value("train").run()
    text = texts(at)
    age = 40 + int(image_ids(at)[0][5:]) // 2  # as the drawn set has it
    assert f"Confirmed by histopathology. {age} years, female, back." in text
    assert "Training side: the networks learned from this lesion." in text
    assert "never seen" not in text
    assert alternatives(at)[0] == f"Image {image_ids(at)[0]}, Melanocytic nevus."


def test_networks_of_another_split_are_not_said_to_have_seen_or_not_seen_it(open_gallery, drawn):
    at = open_gallery(drawn, trained_here=False)
    text = texts(at)
    assert "the networks come from another one" in text
    assert "never seen" not in text
    assert "learned from" not in text


def test_outlines_are_drawn_where_there_is_a_mask_and_missed_where_there_is_none(
    open_gallery, drawn
):
    at = open_gallery(drawn)
    assert not any("Outlined" in alt for alt in alternatives(at))
    at.toggle(key="gallery-outline").set_value(True).run()
    first, *others = alternatives(at)
    assert first.endswith("No mask of this image is there.")
    assert all("Outlined: 25.0 % of the picture." in alt for alt in others)


def test_without_masks_no_outline_is_offered(open_gallery, drawn, tmp_path):
    shutil.copytree(drawn / "HAM10000", tmp_path / "HAM10000")
    shutil.rmtree(tmp_path / "HAM10000" / FOLDER)
    at = open_gallery(tmp_path)
    toggle = at.toggle(key="gallery-outline")
    assert toggle.disabled
    assert "not here" in toggle.help


def test_damaged_files_are_said_in_their_tile_and_the_others_stay(open_gallery, drawn, tmp_path):
    shutil.copytree(drawn / "HAM10000", tmp_path / "HAM10000")
    root = tmp_path / "HAM10000"
    (root / "HAM10000_images_part_2" / "ISIC_0000001.jpg").write_bytes(b"\xff\xd8\xff damaged")
    (root / FOLDER / "ISIC_0000002_segmentation.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    tall = np.full((105, 70), 255, np.uint8)
    cv2.imwrite(str(root / FOLDER / "ISIC_0000003_segmentation.png"), tall)
    at = open_gallery(tmp_path)
    at.toggle(key="gallery-outline").set_value(True).run()
    assert not at.exception
    [error] = at.error
    assert error.proto.title == "ISIC_0000001 cannot be shown"
    assert "damaged" in error.value
    found = alternatives(at)
    assert len(found) == gallery.PAGE - 1
    assert "The outline cannot be drawn. The PNG file is damaged" in found[1]
    assert "their shapes differ" in found[2]
    find_button(at, "0000001").click().run()
    assert not at.exception
    assert len(at.error) == 2
    assert "picture" not in at.session_state or at.session_state["picture"] is None


def test_half_a_set_is_shown_and_what_is_missing_is_named(open_gallery, drawn, tmp_path):
    shutil.copytree(drawn / "HAM10000", tmp_path / "HAM10000")
    shutil.rmtree(tmp_path / "HAM10000" / "HAM10000_images_part_1")
    at = open_gallery(tmp_path)
    [warning] = at.warning
    assert f"{COUNT // 2} images" in warning.proto.title
    assert "The folder HAM10000\\_images\\_part\\_1 is not there." in warning.value
    assert len(image_ids(at)) == gallery.PAGE
    assert not at.error


def test_other_images_of_a_lesion_open(open_gallery, drawn):
    at = open_gallery(drawn)
    assert sum("1 other image of this lesion" in b.label for b in at.button) == gallery.PAGE
    at.button(key="lesion-ISIC_0000002").click().run()
    assert not at.exception
    opened = [b.key for b in at.button if b.key and b.key.startswith("classify-lesion-")]
    assert opened == [f"classify-lesion-ISIC_000000{n}" for n in (2, 3)]
    assert "Lesion HAM\\_0000001: 2 images" in texts(at)


@pytest.mark.parametrize(
    ("side", "origin", "warned"),
    [
        ("train", Origin.HAM10000_TRAIN, "trained on pictures of this very lesion"),
        ("val", Origin.HAM10000_VAL, "flatters the networks"),
        ("test", Origin.HAM10000, None),
    ],
)
def test_a_picture_goes_to_the_classify_page_with_its_provenance(
    open_gallery, drawn, side, origin, warned
):
    at = open_gallery(drawn)
    at.selectbox(key="gallery-side-ham10000").set_value(side).run()
    name = image_ids(at)[0]
    find_button(at, "Classify").click().run()
    assert at.title[0].value == "Classify a lesion"
    picture = at.session_state["picture"]
    assert (picture.title, picture.origin) == (name, origin)
    assert picture.truth.dx_type == "histo"
    assert at.subheader[0].value == name
    cautions = "\n".join(w.value for w in at.warning)
    if warned is None:
        assert "lesion" not in cautions
    else:
        assert warned in cautions
    assert page._ORIGINS[origin] in texts(at)


def test_a_picture_of_another_split_is_perhaps_seen(open_gallery, drawn):
    at = open_gallery(drawn, trained_here=False)
    find_button(at, "Classify").click().run()
    assert at.session_state["picture"].origin is Origin.HAM10000_UNPLACED
    assert "may have been trained on this very lesion" in at.warning[0].value


def test_a_diagnosis_without_a_class_goes_with_a_caution(open_gallery, drawn):
    at = open_gallery(drawn)
    at.segmented_control(key="gallery-set").set_value("isic2019").run()
    assert not at.exception
    assert "How it was confirmed is not recorded" in texts(at)
    at.selectbox(key="gallery-truth-isic2019").set_value("scc").run()
    assert len(image_ids(at)) == 4
    assert "CC BY-NC 4.0" in texts(at)
    find_button(at, "Classify").click().run()
    assert at.session_state["picture"].origin is Origin.ISIC2019
    assert "no class for this lesion's confirmed diagnosis, squamous cell" in at.warning[0].value
    at.switch_page("classify/page.py").run()
    at.toggle[0].set_value(True).run()
    assert not at.exception
    assert "**Squamous cell carcinoma**, how it was confirmed is not recorded." in texts(at)


def test_every_origin_has_words_and_a_users_own_picture_no_caution(picture_bytes):
    assert set(page._ORIGINS) == set(Origin)
    for origin in (Origin.UPLOAD, Origin.CAMERA, Origin.HAM10000, Origin.ISIC2019):
        assert warn_of_picture(open_picture(picture_bytes, origin)) == ()
    known = open_picture(picture_bytes, Origin.HAM10000_TRAIN, "x", Truth("nv", "histo"))
    assert len(warn_of_picture(known)) == 1
