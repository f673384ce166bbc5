"""Obtain a published file: fetched, and told from a broken one by its hashes."""

import logging
from pathlib import Path
from typing import Final

from skinmodel.data.download.answers import show_address
from skinmodel.data.download.fetch import fetch
from skinmodel.data.download.http import Patience, Session
from skinmodel.data.download.sources import Algorithm, Measure, RemoteFile, measure
from skinmodel.errors import DatasetError

log = logging.getLogger(__name__)

_OURS: Final[tuple[Algorithm, ...]] = ("sha256",)  # so that a later change is noticed at least


def obtain(
    file: RemoteFile, root: Path, session: Session, patience: Patience | None = None
) -> Measure:
    """Return the measure of the published file, which is in its place then.

    A broken one is fetched once more.

    Args:
        file: what to fetch.
        root: the data set's folder.
        session: see there.
        patience: how often to try again.

    Raises:
        DatasetError: the host does not give the published file.
        OSError: the disk is full or cannot be written.
    """
    target = root / file.name
    seen: list[Measure] = []
    while len(seen) < 2:
        partial = fetch(file.url, target, session, file.size, patience)
        found = measure(partial.path, file.hashes or _OURS)
        if found.is_of(file):
            partial.move_to(target)
            return found
        partial.discard()
        log.info("%s is broken: %s", file.name, found.describe(file))
        seen.append(found)
    raise DatasetError(_explain(file, root, seen))


def _explain(file: RemoteFile, root: Path, seen: list[Measure]) -> str:
    same = (
        "The same bytes came twice: the publisher has probably changed the file"
        if seen[0] == seen[1]
        else "Other bytes came each time: the connection is probably at fault"
    )
    return (
        f"{file.name} from {show_address(file.url)} is not the file that was published: "
        f"{seen[1].describe(file)}. It was fetched twice and thrown away. {same}. Try later or "
        "from another network; name an address or hash that you trust with --sources FILE; or put "
        f"the file, fetched otherwise, into '{root}'. Then give the same command again."
    )
