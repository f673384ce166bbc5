"""Drawn data sets, packed and served as their publishers do, and the command that fetches them."""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from factories import use_tiny_world
from hostile_server import HostileServer

from skinmodel.cli.main import main
from skinmodel.data.download import http
from skinmodel.data.sets import ham10000, isic2019

PARTS = ham10000.IMAGE_FOLDERS[:2]
WHOLE = {
    *PARTS,
    ham10000.METADATA,
    ".download.lock",
    "LICENCE_AND_CITATION.txt",
    "download.json",
}
"""What a whole download of HAM10000 leaves in its folder."""


@dataclass(frozen=True)
class Downloads:
    """A host with a drawn release, its sources file, and the folder they go to.

    Attributes:
        host: the server.
        sources: TOML file.
        data: the data folder.
        name: of the release.
    """

    host: HostileServer
    sources: Path
    data: Path
    name: str = "ham10000"

    @property
    def root(self) -> Path:
        """The data set's folder."""
        return self.data / ("HAM10000" if self.name == "ham10000" else "ISIC2019")

    @property
    def arguments(self) -> list[str]:
        """The command, as given to the program."""
        where = ["--data", str(self.data), "--sources", str(self.sources)]
        return ["data", "download", self.name, *where]

    def run(self, *more: str) -> int:
        """Give the command."""
        return main([*self.arguments, *more])

    def asked(self) -> list[str]:
        """Return the paths asked for, in order."""
        return [one.path for one in self.host.asked]

    def left(self) -> set[str]:
        """Return the names in the data set's folder."""
        return {path.name for path in self.root.iterdir()}

    def edit_sources(self, *pairs: tuple[str, str]) -> None:
        """Replace text of the sources, one pair after the other."""
        text = self.sources.read_text()
        for old, new in pairs:
            text = text.replace(old, new)
        self.sources.write_text(text)

    def drop_hashes(self) -> None:
        """Leave nothing but sizes to tell a file by."""
        lines = self.sources.read_text().splitlines()
        self.sources.write_text("\n".join(line for line in lines if "md5" not in line))


def publish_ham10000(host: HostileServer, drawn: Path, folder: Path) -> Downloads:
    """Serve the drawn HAM10000 below ``drawn``; sources and data go into ``folder``."""
    root = drawn / "HAM10000"
    lines = _begin("ham10000", "HAM10000", "HAM10000")
    lines += ["[ham10000.merged]", 'folder = "HAM10000_images"', "count = 168"]
    lines.append("files = [" + ", ".join(f'"{part}.zip"' for part in PARTS) + "]")
    lines += _add(host, "ham10000", ham10000.METADATA, (root / ham10000.METADATA).read_bytes())
    for part in PARTS:
        data = zip_folder(root / part)
        lines += _add(host, "ham10000", f"{part}.zip", data, r"ISIC_\d{7}\.jpg")
    return _write(host, folder, "ham10000", lines)


def publish_isic2019(host: HostileServer, drawn: Path, folder: Path) -> Downloads:
    """Serve the drawn ISIC 2019 below ``drawn``, and a test file of unknown hash and size."""
    root = drawn / "ISIC2019"
    lines = _begin("isic2019", "ISIC 2019", "ISIC2019")
    for table in (isic2019.TRUTH, isic2019.METADATA):
        lines += _add(host, "isic2019", table, (root / table).read_bytes())
    images, members = zip_folder(root / isic2019.IMAGES), r"ISIC_\d{7}(_downsampled)?\.jpg"
    lines += _add(host, "isic2019", f"{isic2019.IMAGES}.zip", images, members)
    host.files["/extra.csv"] = b"image\n"
    lines += ["[[isic2019.files]]", 'name = "extra.csv"', f'url = "{host.url}/extra.csv"']
    lines.append('subset = "test"')
    return _write(host, folder, "isic2019", lines)


def zip_folder(folder: Path) -> bytes:
    """Return a ZIP archive of a folder's files, below the folder's name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{folder.name}/{path.name}")
    return buffer.getvalue()


def _begin(key: str, title: str, folder: str) -> list[str]:
    lines = [f"[{key}]", f'title = "{title}"', f'folder = "{folder}"', 'licence = "CC BY-NC 4.0"']
    return [*lines, 'terms = "https://example.org"', 'citations = ["Author: Title. 2018"]']


def _add(
    host: HostileServer, key: str, name: str, data: bytes, members: str | None = None
) -> list[str]:
    host.files[f"/{name}"] = data
    lines = [f"[[{key}.files]]", f'name = "{name}"', f'url = "{host.url}/{name}"']
    lines += [f"size = {len(data)}", f'md5 = "{hashlib.md5(data).hexdigest()}"']
    if members:
        count = len(zipfile.ZipFile(io.BytesIO(data)).namelist())
        target = f"folder = \"{Path(name).stem}\", members = '{members}', count = {count}"
        lines.append(f"unpack = {{ {target} }}")
    return lines


def _write(host: HostileServer, folder: Path, name: str, lines: list[str]) -> Downloads:
    sources = folder / f"{name}.toml"
    sources.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Downloads(host, sources, folder / "data", name)


def use_no_waiting(patch: pytest.MonkeyPatch, home: Path) -> list[float]:
    """Set up the drawn set as the whole release, no proxy and no waiting; return the waits."""
    use_tiny_world(patch, home)
    patch.setenv("NO_PROXY", "127.0.0.1")
    patch.delenv("SKINMODEL_SOURCES", raising=False)
    waited: list[float] = []
    patch.setattr(http, "time", SimpleNamespace(sleep=waited.append))
    return waited
