"""Obtain the published files: fetched, and told from broken or swapped ones by their hashes."""

import logging
from pathlib import Path

from skinmodel.data.download.answers import show_address
from skinmodel.data.download.fetch import fetch
from skinmodel.data.download.hashes import Measure, measure
from skinmodel.data.download.http import Patience, Session
from skinmodel.data.download.partial import Partial
from skinmodel.data.download.sources import Algorithm, Release, RemoteFile
from skinmodel.errors import DatasetError

log = logging.getLogger(__name__)


class Publisher:
    """Where the files of one release come from.

    Args:
        release: the release.
        root: the data set's folder.
        session: see there.
        patience: how often to try again.
    """

    def __init__(
        self, release: Release, root: Path, session: Session, patience: Patience | None = None
    ):
        self._release = release
        self._root = root
        self._session = session
        self._patience = patience
        self._hashed = [file for file in release.files if file.hashes]
        known: set[Algorithm] = {name for file in release.files for name in file.hashes}
        self._algorithms = known or {"sha256"}  # so that a later change is noticed at least
        self.addresses = {file.name: file.url for file in release.files}
        """Where each file really is: two are swapped where a host swaps them."""
        self._remember_swaps()

    def obtain(self, file: RemoteFile) -> Measure:
        """Return the measure of the published file, which is in its place then.

        A file that is already there by its hash is not fetched. A broken one is fetched once more.
        One that is another file of the release is kept as that.

        Raises:
            DatasetError: the host does not give the published file.
            OSError: the disk is full or cannot be written.
        """
        target = self._root / file.name
        if file.unpack and file.hashes and target.is_file():  # swapped: it came as another one
            found = measure(target, self._algorithms)
            if found.is_of(file):
                return found
        seen: list[Measure] = []
        while len(seen) < 2:
            url = self.addresses[file.name]
            partial = fetch(url, target, self._session, self._sizes_of(file), self._patience)
            found = measure(partial.path, self._algorithms)
            if found.is_of(file):
                partial.move_to(target)
                return found
            seen.append(found)
            other = next((o for o in self._hashed if found.is_of(o)), None)
            if other:
                self._keep_as(other, file, partial)
            else:
                partial.discard()
                log.info("%s is broken: %s", file.name, found.describe(file))
        raise DatasetError(self._explain(file, seen))

    def _sizes_of(self, file: RemoteFile) -> set[int]:
        """Return the sizes that an answer may have; a swapped file is told by its hash only."""
        if file.size is None:
            return set()
        swapped = self._hashed if file.hashes else []
        return {file.size, *(other.size for other in swapped if other.size)}

    def _keep_as(self, other: RemoteFile, file: RemoteFile, partial: Partial) -> None:
        log.info(
            "The address of %s gives %s, by its hash: kept as that. The two are swapped.",
            file.name,
            other.name,
        )
        if (self._root / other.name).exists() or (self._root / other.target).exists():
            partial.discard()
        else:
            partial.move_to(self._root / other.name)
        self._swap(file.name, other.name)

    def _swap(self, one: str, other: str) -> None:
        addresses = self.addresses
        addresses[one], addresses[other] = addresses[other], addresses[one]

    def _remember_swaps(self) -> None:
        """Swap again what a run that was broken off had found to be swapped."""
        owners = {file.url: file.name for file in self._release.files}
        for file in self._release.files:
            origin = Partial.of(self._root / file.name).read_origin()
            owner = owners.get(origin.url, file.name) if origin else file.name
            if owner != file.name and self.addresses[file.name] == file.url:
                self._swap(file.name, owner)

    def _explain(self, file: RemoteFile, seen: list[Measure]) -> str:
        same = (
            "The same bytes came twice: the publisher has probably changed the file"
            if seen[0] == seen[1]
            else "Other bytes came each time: the connection is probably at fault"
        )
        return (
            f"{file.name} from {show_address(self.addresses[file.name])} is not the file that was "
            f"published: {seen[1].describe(file)}. It was fetched twice and thrown away. {same}. "
            "Try later or from another network; name an address or hash that you trust with "
            f"--sources FILE; or put the file, fetched otherwise, into '{self._root}'. Then give "
            "the same command again."
        )
