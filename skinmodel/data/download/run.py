"""Bring a release to the disk: plan, fetch, check, unpack, write down; resumable at any moment."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from skinmodel.data.download.fetch import find_free, format_bytes
from skinmodel.data.download.http import Patience, Session
from skinmodel.data.download.plan import (
    State,
    Step,
    add_entry,
    compute_need,
    find_root,
    look_into,
    make_plan,
    write_licence,
)
from skinmodel.data.download.publisher import obtain
from skinmodel.data.download.sources import Contents, Measure, Release, RemoteFile
from skinmodel.data.download.unpack import DamagedArchiveError, UnsafeArchiveError, unpack
from skinmodel.errors import DatasetError

log = logging.getLogger(__name__)

_LOCK: Final = ".download.lock"


@dataclass(frozen=True)
class Options:
    """How to download.

    Attributes:
        test: also the files of the test set.
        keep: leave the archives after they were unpacked.
        replace: fetch anew what is there but not as released.
        patience: how often to try again.
    """

    test: bool = False
    keep: bool = False
    replace: bool = False
    patience: Patience | None = None


def download(release: Release, data: Path, options: Options | None = None) -> Path:
    """Fetch what is missing of a release into ``data``.

    Args:
        release: what to fetch.
        data: the data folder; made if need be.
        options: see there.

    Returns:
        The data set's folder, whole.

    Raises:
        DatasetError: a host, a file, an archive or the disk is at fault; what was fetched is kept.
        KeyboardInterrupt: Ctrl-C; its message says how to go on.
    """
    options = options or Options()
    root = find_root(data, release)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / _LOCK, timeout=0):
            _Download(release, root, options).run()
    except Timeout as error:
        raise DatasetError(
            f"Another download is at work in '{root}'. Wait until it ends, or stop it first."
        ) from error
    except OSError as error:
        raise DatasetError(
            f"'{error.filename or root}' cannot be written or read ({error.strerror or error}). "
            "What was fetched is kept. Make room or name another folder, then give the command "
            "again."
        ) from error
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(
            f"interrupted; what was fetched of {release.title} is kept in '{root}'. Give the same "
            "command again to go on."
        ) from interrupt
    return root


class _Download:
    """One run over one release; holds what the steps share."""

    def __init__(self, release: Release, root: Path, options: Options):
        self.release = release
        self.root = root
        self.options = options

    def run(self) -> None:
        steps = make_plan(self.root, self.release, test=self.options.test)
        for step in steps:
            size = f", {format_bytes(step.file.size)}" if step.file.size else ""
            log.info("%s%s: %s", step.file.name, size, step.state)
        self._refuse_foreign(steps)
        self._check_room(steps)
        write_licence(self.root, self.release)
        with Session() as session:
            for step in steps:
                if step.state is not State.HERE:
                    self._provide(step, session)

    def _refuse_foreign(self, steps: Iterable[Step]) -> None:
        foreign = [step for step in steps if step.state is State.FOREIGN]
        if foreign and not self.options.replace:
            lines = "\n".join(f"- '{step.path}': {step.found}" for step in foreign)
            raise DatasetError(
                f"Nothing was fetched. Here is something that is neither as {self.release.title} "
                f"was released nor from this command:\n{lines}\nMove it away, name another folder "
                "with --data, or have it replaced with --replace."
            )

    def _check_room(self, steps: Iterable[Step]) -> None:
        need = compute_need(steps, keep=self.options.keep)
        free = find_free(self.root)
        if need > free:
            raise DatasetError(
                f"{self.release.title} needs {format_bytes(need)} free in '{self.root}' while it "
                f"is fetched and unpacked, and {format_bytes(free)} are. Make room, or name a "
                "folder on another disk with --data."
            )

    def _provide(self, step: Step, session: Session) -> None:
        """Fetch, unpack and write down one file."""
        file, archive = step.file, self.root / step.file.name
        if step.path == archive and step.state is State.FOREIGN:
            archive.unlink()
        found = step.measured or self._obtain(file, session)
        unpacked = None
        if file.unpack:
            found, unpacked = self._unpack(file, file.unpack, found, session)
            if not self.options.keep:
                archive.unlink()
        add_entry(self.root, file.name, file.url, found, unpacked)

    def _obtain(self, file: RemoteFile, session: Session) -> Measure:
        return obtain(file, self.root, session, self.options.patience)

    def _unpack(
        self, file: RemoteFile, contents: Contents, found: Measure, session: Session
    ) -> tuple[Measure, tuple[int, int]]:
        """Unpack an archive; one that is broken, and has no hash to tell so, is fetched again."""
        archive = self.root / file.name
        try:
            folder = unpack(archive, self.root, contents)
        except UnsafeArchiveError:
            archive.unlink()
            raise
        except DamagedArchiveError as error:
            if file.hashes:
                raise
            log.info("%s Fetching it once more.", error)
            archive.unlink()
            found = self._obtain(file, session)
            folder = unpack(archive, self.root, contents)
        count, size = look_into(folder, contents)
        log.info("%s: %s files, %s", folder.name, f"{count:,}", format_bytes(size))
        return found, (count, size)
