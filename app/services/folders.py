"""What a page may show of a file's place: what it is called, not where it lies on the server."""

import re
from pathlib import Path, PureWindowsPath
from typing import Final

from skinmodel import paths

_QUOTED: Final = re.compile(r"'((?:/|[A-Za-z]:\\)[^'\n]+)'")
_SHOWN: Final = 2  # a file and its folder


def hide_folders(sentence: str) -> str:
    """Return ``sentence`` with the server's folders left out of the paths that stand in quotes.

    What lies in the program, in the data folder or in the user's own folder is named from there, so
    that whoever runs the server finds it.
    """
    return _QUOTED.sub(lambda found: f"'{_shorten(found[1])}'", sentence)


def _shorten(path: str) -> str:
    data = paths.data_dir()
    roots = {
        "SKINMODEL_HOME": paths.home(),
        **({} if data is None else {"SKINMODEL_DATA": data}),
        "": paths.ROOT,
    }
    for name, root in roots.items():
        if Path(path).is_relative_to(root):
            return str(Path(name) / Path(path).relative_to(root))
    parts = PureWindowsPath(path).parts  # takes both kinds of slashes
    return "/".join(("...", *parts[1:][-_SHOWN:]))
