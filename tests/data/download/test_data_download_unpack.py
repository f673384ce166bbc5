import io
import shutil
import stat
import struct
import zipfile

import pytest

from skinmodel.data.download import unpack as module
from skinmodel.data.download.sources import Contents
from skinmodel.data.download.unpack import DamagedArchiveError, UnsafeArchiveError, unpack
from skinmodel.errors import DatasetError

PICTURE = b"\xff\xd8" + bytes(range(256)) * 8
IMAGES = Contents("images", r"ISIC_\d{7}\.jpg", 2)
GOOD = {"ISIC_0000001.jpg": PICTURE, "ISIC_0000002.jpg": PICTURE[::-1]}


def entry(name, **settings):
    info = zipfile.ZipInfo("x")
    info.filename = name  # as it is: the constructor would clean it
    for field, value in settings.items():
        setattr(info, field, value)
    return info


@pytest.fixture
def pack(tmp_path):
    """Factory: a ZIP archive of (name or ZipInfo, bytes)."""

    def write(*members, method=zipfile.ZIP_STORED):
        path = tmp_path / "images.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, data in (*GOOD.items(), *members):
                archive.writestr(name, data)
        return path

    return write


def left_in(folder):
    return sorted(p.name for p in folder.iterdir() if p.name != "images.zip")


def test_the_files_come_flat_without_litter_and_with_their_notes(pack, tmp_path):
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("images")
        for name, data in GOOD.items():
            archive.writestr(f"images/{name}", data)
            archive.writestr(f"__MACOSX/images/._{name}", b"\0\5\x16\7")
        archive.writestr("images/.DS_Store", b"\0")
        archive.writestr("images/ATTRIBUTION.txt", "by whom")
        archive.writestr("images/LICENSE.txt", "CC BY-NC")
    folder = unpack(path, tmp_path, IMAGES)
    assert folder == tmp_path / "images"
    assert left_in(tmp_path) == ["images"]
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        **GOOD,
        "ATTRIBUTION.txt": b"by whom",
        "LICENSE.txt": b"CC BY-NC",
    }


EVIL = {
    "parent": ("../ISIC_0000003.jpg", "path"),
    "parent inside": ("images/../../ISIC_0000003.jpg", "path"),
    "absolute": ("/tmp/ISIC_0000003.jpg", "path"),
    "drive": ("C:/ISIC_0000003.jpg", "path"),
    "backslash": ("..\\ISIC_0000003.jpg", "path"),
    "newline": ("images\n/ISIC_0000003.jpg", "name"),
    "terminal codes": ("\x1b[2J/ISIC_0000003.jpg", "name"),
    "program": ("run.sh", "no expected kind"),
    "picture of another kind": ("ISIC_0000003.jpg.exe", "no expected kind"),
    "twice": ("images/ISIC_0000001.jpg", "more than once"),
}


@pytest.mark.parametrize(("name", "reason"), EVIL.values(), ids=EVIL.keys())
def test_names_that_no_release_has_are_refused(pack, tmp_path, name, reason):
    path = pack((entry(name), PICTURE))
    with pytest.raises(UnsafeArchiveError, match=reason) as refused:
        unpack(path, tmp_path, IMAGES)
    assert left_in(tmp_path) == []
    assert not (tmp_path.parent / "ISIC_0000003.jpg").exists()
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(pack, tmp_path, kind):
    link = entry("ISIC_0000003.jpg", external_attr=(kind | 0o777) << 16, create_system=3)
    with pytest.raises(UnsafeArchiveError, match="link or device"):
        unpack(pack((link, "/etc/passwd")), tmp_path, IMAGES)
    assert left_in(tmp_path) == []


def test_an_encrypted_file_is_refused(pack, tmp_path):
    path = pack()
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\1\2")  # the last entry of the directory
    data[at + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(UnsafeArchiveError, match="encrypted"):
        unpack(path, tmp_path, IMAGES)


def test_an_unusual_packing_is_refused(pack, tmp_path):
    with pytest.raises(UnsafeArchiveError, match="method 14"):
        unpack(pack(method=zipfile.ZIP_LZMA), tmp_path, IMAGES)


def test_bombs_are_refused_by_number_ratio_and_size(pack, tmp_path, monkeypatch):
    zeros = b"\0" * (8 << 20)
    path = pack(("ISIC_0000003.jpg", zeros), method=zipfile.ZIP_DEFLATED)
    with pytest.raises(UnsafeArchiveError, match="unpacks from"):
        unpack(path, tmp_path, IMAGES)
    path = pack(*[(f"__MACOSX/{n}", b"") for n in range(200)])
    with pytest.raises(UnsafeArchiveError, match="202 entries"):
        unpack(path, tmp_path, IMAGES)
    # Many files, each small enough, all together too large.
    many = [(f"ISIC_{n:07d}.jpg", zeros[: 1 << 20]) for n in range(10, 40)]
    path = pack(*many, method=zipfile.ZIP_DEFLATED)
    with pytest.raises(UnsafeArchiveError, match="bytes that unpack to"):
        unpack(path, tmp_path, IMAGES)
    assert left_in(tmp_path) == []


def test_entries_that_share_their_bytes_are_no_way_round_the_limit(tmp_path):
    """The overlapping bomb: many entries of the directory name one packed file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ISIC_0000000.jpg", b"\0" * (1 << 20))
    data = buffer.getvalue()
    start = data.index(b"PK\1\2")
    one = data[start : data.index(b"PK\5\6")]
    directory = b"".join(one.replace(b"ISIC_0000000", b"ISIC_%07d" % n) for n in range(60))
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 60, 60, len(directory), start, 0)
    path = tmp_path / "images.zip"
    path.write_bytes(data[:start] + directory + end)
    with pytest.raises(UnsafeArchiveError, match="unpack to 62,914,560"):
        unpack(path, tmp_path, Contents("images", r"ISIC_\d{7}\.jpg", 60))


def test_a_directory_that_would_fill_the_memory_is_refused_unread(tmp_path):
    length = 2 << 20
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 9, 9, length, 0, 0)
    path = tmp_path / "images.zip"
    path.write_bytes(b"PK\1\2".ljust(length, b"\0") + end)
    with pytest.raises(UnsafeArchiveError, match=r"images\.zip'.*a directory of 2,097,152 bytes"):
        unpack(path, tmp_path, IMAGES)
    assert left_in(tmp_path) == []


def test_a_directory_that_lies_about_a_size_is_damage(pack, tmp_path):
    path = pack()
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 7)
    path.write_bytes(data)
    with pytest.raises(DamagedArchiveError):
        unpack(path, tmp_path, IMAGES)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("cut", [0, 10, 3000, -1])
def test_a_damaged_archive_leaves_nothing(pack, tmp_path, cut):
    path = pack()
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DamagedArchiveError, match="damaged ZIP"):
        unpack(path, tmp_path, IMAGES)
    assert left_in(tmp_path) == []


def test_changed_bytes_are_found_by_the_checksum(pack, tmp_path):
    path = pack()
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedArchiveError, match="CRC"):
        unpack(path, tmp_path, IMAGES)
    assert left_in(tmp_path) == []


def test_another_number_of_files_is_not_the_release(pack, tmp_path):
    expected = Contents("images", IMAGES.members, 3)
    with pytest.raises(DatasetError, match=r"2 files of images.*has 3: ISIC_0000001"):
        unpack(pack(), tmp_path, expected)
    assert left_in(tmp_path) == []


def test_too_little_room_is_said_before_anything_is_written(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_free", lambda _: 12_000)
    with pytest.raises(DatasetError, match=r"needs 12\.\d kB|needs 12 kB.*12 kB are free"):
        unpack(pack(), tmp_path, IMAGES)
    assert left_in(tmp_path) == []


def test_a_disk_that_fills_up_leaves_no_half_folder(pack, tmp_path, monkeypatch):
    def fill_up(source, target, length):
        target.write(source.read(100))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", fill_up)
    with pytest.raises(OSError, match="No space"):
        unpack(pack(), tmp_path, IMAGES)
    assert left_in(tmp_path) == []


def test_what_an_earlier_run_left_half_done_is_done_anew(pack, tmp_path):
    half = tmp_path / "images.part"
    half.mkdir()
    (half / "ISIC_0000009.jpg").write_bytes(b"half")
    folder = unpack(pack(), tmp_path, IMAGES)
    assert {p.name for p in folder.iterdir()} == set(GOOD)


def test_a_folder_is_replaced_only_by_a_whole_one(pack, tmp_path):
    old = tmp_path / "images"
    old.mkdir()
    (old / "ISIC_0000009.jpg").write_bytes(b"old")
    path = pack()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(DamagedArchiveError):
        unpack(path, tmp_path, IMAGES)
    assert [p.name for p in old.iterdir()] == ["ISIC_0000009.jpg"]
    path.write_bytes(whole)
    unpack(path, tmp_path, IMAGES)
    assert {p.name for p in old.iterdir()} == set(GOOD)
    assert left_in(tmp_path) == ["images"]


@pytest.mark.parametrize("missing", [1, 700, 3000])
def test_an_archive_cut_at_its_head_is_a_damaged_archive_not_a_broken_disk(pack, tmp_path, missing):
    path = pack()
    path.write_bytes(path.read_bytes()[missing:])
    with pytest.raises(DamagedArchiveError, match="damaged ZIP archive"):
        unpack(path, tmp_path, IMAGES)
    assert left_in(tmp_path) == []
