"""Work that is kept piece by piece, so that a long measurement can be stopped and gone on with."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ConfigError
from skinmodel.files import write_atomically

Arrays = dict[str, NDArray[Any]]


class Chunks:
    """Pieces of work in one folder, each a file of arrays.

    Args:
        folder: of its own for each thing that is measured.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def get(self, name: str, compute: Callable[[], Arrays]) -> Arrays:
        """Return a piece, computed and kept if it is not there yet or was left damaged.

        Raises:
            ConfigError: the folder cannot be written.
        """
        file = self._file(name)
        if file.is_file():
            try:
                return self.read(name)
            except ConfigError:  # a damaged piece is made anew: it is only kept to save time
                file.unlink()
        arrays = compute()
        try:
            write_atomically(file, lambda path: _save(path, arrays))
        except OSError as error:
            raise ConfigError(
                f"'{file}' could not be written ({error}). Free some space, or name another cache "
                "folder with SKINMODEL_HOME."
            ) from error
        return arrays

    def read(self, name: str) -> Arrays:
        """Return a piece that is there.

        Raises:
            ConfigError: it is missing or damaged.
        """
        file = self._file(name)
        try:
            with np.load(file, allow_pickle=False) as arrays:
                return {key: arrays[key] for key in arrays.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ConfigError(
                f"'{file}' cannot be read ({error}). Remove it and measure again."
            ) from error

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


def _save(path: Path, arrays: Arrays) -> None:
    with path.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]
