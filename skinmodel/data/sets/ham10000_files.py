"""Where HAM10000's table and pictures lie: as released, or as mirrors and people lay them out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from skinmodel.data.image_files import to_image_id, walk
from skinmodel.data.masks import FOLDER as MASKS
from skinmodel.errors import DatasetError, escape, summarize_ids

FOLDER: Final = "HAM10000"
METADATA: Final = "HAM10000_metadata.csv"
IMAGE_FOLDERS: Final = ("HAM10000_images_part_1", "HAM10000_images_part_2", "HAM10000_images")
HOW_TO_GET: Final = (
    "Download HAM10000 with: python -m skinmodel data download ham10000 --data DIR. Or fetch its "
    "metadata CSV and both image parts by hand from doi:10.7910/DVN/DBW86T, and name the folder "
    "that holds it with --data or SKINMODEL_DATA."
)
_ENDINGS: Final = (".csv", ".tab", "", ".tsv", ".txt")
_TABLES: Final = tuple(f"{METADATA.removesuffix('.csv').lower()}{ending}" for ending in _ENDINGS)
_PARTS: Final = tuple(name.lower() for name in IMAGE_FOLDERS[:2])
_WHOLE: Final = (IMAGE_FOLDERS[2].lower(), "images")


def find_root(data: Path) -> Path:
    """Return the folder with the metadata: ``data/HAM10000`` or ``data`` itself.

    Raises:
        DatasetError: neither holds it.
    """
    return find_metadata(data).parent


def find_metadata(data: Path) -> Path:
    """Return the metadata: ``HAM10000_metadata`` as CSV, ``.tab`` or without ending, in any case.

    Raises:
        DatasetError: neither ``data/HAM10000`` nor ``data`` itself holds it.
    """
    roots = list(find_roots(data))
    for root in roots:
        if (found := find_table(root)) is not None:
            return found
    here = [escape(p.name, 60) for p in sorted(data.iterdir())] if data.is_dir() else []
    listed = f" '{data}' holds {summarize_ids(here)}." if here else ""
    raise DatasetError(
        f"No {METADATA}, nor the same as .tab or without ending, in '{data}' or "
        f"'{data / FOLDER}'.{listed} {HOW_TO_GET}"
    )


def find_roots(data: Path) -> Iterator[Path]:
    """Yield the folders to look into: ``data/HAM10000``, in any case, and ``data``."""
    yield from _list_named(data, (FOLDER.lower(),))
    yield data


def find_table(root: Path) -> Path | None:
    """Return the metadata in a folder, the first of ``.csv``, ``.tab`` and others; or None."""
    if not root.is_dir():
        return None
    here = {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_file()}
    return next((here[name] for name in _TABLES if name in here), None)


def find_parts(root: Path) -> tuple[Path, ...]:
    """Return the folders with images, in the order of the release; the root where there is none.

    They are named as in the release, in any case, or ``images``.
    """
    named = [path for name in (*_PARTS, *_WHOLE) for path in _list_named(root, (name,))]
    return tuple(named) or (root,)


def list_images(part: Path, root: Path) -> list[Path]:
    """Return the pictures of a part, those in folders within it too; see ``walk``.

    Where the part is the root itself, only what is named as the release's images are, and neither
    masks nor a test set that may lie beside them.
    """
    files = list(walk(part).files)
    if part != root:
        return files
    return [f for f in files if _is_named_as_released(f) and _is_of_release(f.relative_to(root))]


def find_images(root: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the file of every image by id, and the ids with more than one, sorted.

    Of several the first part's first counts: some mirrors hold every picture twice.
    """
    found: dict[str, str] = {}
    twice = set()
    for part in find_parts(root):
        for file in list_images(part, root):
            image_id = to_image_id(file.stem)
            if image_id in found:
                twice.add(image_id)
            found.setdefault(image_id, str(file))
    return found, tuple(sorted(twice))


def _is_named_as_released(file: Path) -> bool:
    return file.name.upper().startswith("ISIC_")


def _is_of_release(place: Path) -> bool:
    folders = [name.lower() for name in place.parts[:-1]]
    return not any(name == MASKS.lower() or name.startswith("isic2018_task3") for name in folders)


def _list_named(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """Return the folders of these lower-case names in any case, each once, as named exactly first.

    A file system may hold two that differ in case only, and some mirrors do.
    """
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.name.lower() in names and path.is_dir()]
    return sorted(found, key=lambda path: path.name)
