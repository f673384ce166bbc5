import json
import shutil

import pytest
from drawn_release import COUNT, use_drawn_release, write_drawn_release

from skinmodel.cli.main import main

FIRST = "HAM10000/HAM10000_images_part_1/ISIC_0000000.jpg"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return write_drawn_release(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def data(drawn, tmp_path, monkeypatch):
    use_drawn_release(monkeypatch, drawn, tmp_path / "home")
    return shutil.copytree(drawn, tmp_path / "data")


def run(capsys, *arguments):
    status = main(["data", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return status, out, err


def verify(capsys, data, *arguments):
    return run(capsys, "verify", "--data", data, "--workers", 1, *arguments)


def test_without_a_name_every_set_that_is_there_is_verified(data, tmp_path, capsys):
    out_file = tmp_path / "new" / "report.json"
    status, out, _ = verify(capsys, data, "--out", out_file)
    assert status == 0
    assert f"HAM10000 in '{data / 'HAM10000'}'" in out
    assert f"no defect, 0 remarks; {2 * COUNT} files" in out
    assert "ISIC 2019 in" in out
    assert "no defect, 2 remarks" in out
    assert [report["dataset"] for report in json.loads(out_file.read_text())] == [
        "ham10000",
        "isic2019",
    ]
    kept = sorted((tmp_path / "home" / "verified").glob("*.json"))
    assert [str(file) in out for file in kept] == [True, True]
    shutil.rmtree(data / "ISIC2019")
    _, out, _ = verify(capsys, data)
    assert "ISIC 2019" not in out


def test_a_defect_ends_with_1_and_stands_in_print_and_report(data, tmp_path, capsys):
    (data / FIRST).write_bytes((data / FIRST).read_bytes()[:-20])
    status, out, _ = verify(capsys, data, "ham10000")
    assert status == 1
    assert "  DEFECT  images decode: 1 of 168 do not." in out
    assert "(ISIC_0000000)" in out
    assert "1 DEFECT, 0 remarks" in out
    [kept] = (tmp_path / "home" / "verified").glob("*.json")
    checks = json.loads(kept.read_text())["checks"]
    [bad] = [check for check in checks if check["verdict"] == "defect"]
    assert (bad["name"], bad["ids"]) == ("images decode", ["ISIC_0000000"])


def test_lines_fit_a_terminal(data, capsys):
    _, out, _ = verify(capsys, data, "isic2019")
    lines = [
        line for line in out.splitlines() if "report" not in line and "ISIC 2019 in" not in line
    ]
    assert 90 < max(map(len, lines)) <= 100


def test_wrong_names_folders_and_numbers_are_refused(data, tmp_path, capsys):
    status, _, err = verify(capsys, data, "isic2020")
    assert status == 2
    assert "ham10000, isic2019" in err
    status, _, err = verify(capsys, data, "--workers", 0)
    assert status == 2
    assert "--workers is 0" in err
    status, _, err = run(capsys, "verify", "--data", tmp_path / "home")
    assert status == 1
    assert "No data set is in" in err
    assert "10.7910/DVN/DBW86T" in err
    assert run(capsys, "verify")[0] == 2


def test_a_report_that_cannot_be_written_is_said(data, tmp_path, capsys):
    (tmp_path / "file").touch()
    status, out, err = verify(capsys, data, "ham10000", "--out", tmp_path / "file" / "r.json")
    assert status == 1
    assert "no defect" in out
    assert "Name another file with --out" in err


def test_the_status_follows_a_verification_and_a_change(data, capsys, monkeypatch):
    monkeypatch.setenv("SKINMODEL_DATA", str(data))
    status, out, _ = run(capsys, "status")
    assert status == 0
    assert "HAM10000: complete" in out
    assert "   168 of    168 masks" in out
    assert "never verified; do it with: python -m skinmodel data verify ham10000" in out
    verify(capsys, data, "ham10000")
    _, out, _ = run(capsys, "status")
    assert "no defect, 0 remarks; unchanged since" in out
    (data / FIRST).unlink()
    status, out, _ = run(capsys, "status")
    assert status == 0
    assert "HAM10000: partial" in out
    assert "CHANGED since" in out
    assert "data download ham10000" in out


def test_the_status_tells_parts_unfinished_downloads_and_caches(data, tmp_path, capsys):
    shutil.rmtree(data / "HAM10000" / "HAM10000_images_part_2")
    (data / "HAM10000" / "HAM10000_images_part_2.zip.part").write_bytes(bytes(1_500_000))
    (data / "ISIC2019" / "ISIC_2019_Training_Metadata.csv").unlink()
    cache = tmp_path / "home" / "decoded" / "0a.npy"
    cache.parent.mkdir(parents=True)
    cache.write_bytes(bytes(2_000_000))
    _, out, _ = run(capsys, "status", "--data", data)
    assert "0 of     84 images in HAM10000_images_part_2 (no such folder)" in out
    assert "unfinished download: HAM10000_images_part_2.zip.part, 1.5 MB so far" in out
    assert "missing: ISIC_2019_Training_Metadata.csv" in out
    assert "1, 2.0 MB" in out
    assert "0a.npy" in out
    assert "Free on the disk" in out


def test_the_status_without_data_says_how_to_get_it_and_a_wrong_folder_fails(
    data, tmp_path, capsys
):
    status, out, _ = run(capsys, "status")
    assert status == 0
    assert "none is named" in out
    assert out.count(": absent") == 2
    assert "python -m skinmodel data download isic2019 --data DIR" in out
    status, _, err = run(capsys, "status", "--data", tmp_path / "nowhere")
    assert status == 1
    assert "There is no folder" in err
