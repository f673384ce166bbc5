"""What a release is made of: its tables and folders, how many files each holds, and which are here.

Sources of the counts: Tschandl, Rosendahl, Kittler, Sci. Data 5:180161 (2018),
doi:10.7910/DVN/DBW86T, for HAM10000; challenge.isic-archive.com/data/#2019 for ISIC 2019.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from skinmodel.data import ham10000, isic2019, masks
from skinmodel.errors import UnknownNameError

Kind = Literal["images", "masks"]

FIRST_PART_COUNT: Final = 5_000
"""Images in HAM10000's first part; the second has the other 5,015."""


@dataclass(frozen=True)
class Part:
    """A folder of a release.

    Attributes:
        name: the folder's name; ``.`` for the data set's own.
        kind: what its files are.
        count: how many the release has.
    """

    name: str
    kind: Kind
    count: int


@dataclass(frozen=True)
class Layout:
    """How a release is laid out.

    Attributes:
        name: on the command line.
        title: in words.
        folder: the name of its folder.
        tables: the files with labels and metadata.
        parts: the folders of images, and of masks where it has any.
        merged: a single folder that may stand instead of several of images, or None.
        how_to_get: what to do where it is missing.
    """

    name: str
    title: str
    folder: str
    tables: tuple[str, ...]
    parts: tuple[Part, ...]
    merged: Part | None
    how_to_get: str

    @property
    def image_count(self) -> int:
        """Images in the whole release."""
        return sum(part.count for part in self.parts if part.kind == "images")


HAM10000: Final = "ham10000"
ISIC2019: Final = "isic2019"
NAMES: Final = (HAM10000, ISIC2019)


def get_layout(name: str) -> Layout:
    """Return the layout of a release.

    Raises:
        UnknownNameError: there is no release of this name.
    """
    if name == HAM10000:
        whole = ham10000.IMAGE_COUNT
        first, second, merged = ham10000.IMAGE_FOLDERS
        return Layout(
            HAM10000,
            "HAM10000",
            "HAM10000",
            (ham10000.METADATA,),
            (
                Part(first, "images", FIRST_PART_COUNT),
                Part(second, "images", whole - FIRST_PART_COUNT),
                Part(masks.FOLDER, "masks", whole),
            ),
            Part(merged, "images", whole),
            ham10000.HOW_TO_GET,
        )
    if name == ISIC2019:
        images = Part(isic2019.IMAGES, "images", isic2019.ROW_COUNT)
        tables = (isic2019.TRUTH, isic2019.METADATA)
        how = isic2019.HOW_TO_GET
        return Layout(ISIC2019, "ISIC 2019", "ISIC2019", tables, (images,), None, how)
    raise UnknownNameError("data set", name, NAMES)


def find_folder(data: Path, layout: Layout) -> Path | None:
    """Return ``data/FOLDER`` or ``data`` itself, whichever holds any piece of the release first."""
    merged = (layout.merged.name,) if layout.merged else ()
    names = (*layout.tables, *(part.name for part in layout.parts), *merged)
    roots = (data / layout.folder, data)
    return next((root for root in roots if any((root / name).exists() for name in names)), None)


def find_parts(root: Path, layout: Layout) -> tuple[Part, ...]:
    """Return the folders to look into, which may be one for several, or the root itself.

    A part that is missing stands among them too; the readers of the index look in the same places.
    """
    if layout.merged is None:
        return layout.parts
    images = [part for part in layout.parts if part.kind == "images"]
    others = tuple(part for part in layout.parts if part.kind != "images")
    here = [part for part in images if (root / part.name).is_dir()]
    if (root / layout.merged.name).is_dir():
        return (*here, layout.merged, *others)
    if not here and any(root.glob("ISIC_*.jpg")):
        return (Part(".", "images", layout.merged.count), *others)
    return layout.parts
