"""Where a data set is published: addresses, sizes and hashes, read from a file and checked."""

import hashlib
import os
import re
import tomllib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from tqdm import tqdm

from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.files import read_limited

SHIPPED: Final = Path(__file__).with_name("sources.toml")
ENVIRONMENT: Final = "SKINMODEL_SOURCES"

MAX_BYTES: Final = 1024 * 1024
"""Largest file of sources that is read; the shipped one has 4 kB."""


def _check_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be an https:// address, or an http:// one of a host you trust")
    if parts.username or parts.password:
        raise ValueError("must not hold a password")
    return url


def _check_expression(expression: str) -> str:
    try:
        re.compile(expression)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return expression


Algorithm = Literal["md5", "sha256"]

# No dot in front and no slash: a name can neither hide nor leave the folder.
Name = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
Text = Annotated[str, Field(strict=True, min_length=1)]
Count = Annotated[int, Field(strict=True, ge=1)]
Address = Annotated[str, Field(strict=True), AfterValidator(_check_url)]
Expression = Annotated[str, Field(strict=True, min_length=1), AfterValidator(_check_expression)]


@dataclass(frozen=True)
class Contents:
    """What a ZIP archive becomes.

    Attributes:
        folder: name of the folder it is unpacked to.
        members: regular expression that a file's whole name matches where it belongs to the data.
        count: how many of these the release has.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    folder: Name
    members: Expression
    count: Count


@dataclass(frozen=True)
class RemoteFile:
    """A file of a release.

    Attributes:
        name: in the data set's folder.
        url: where it is fetched.
        size: in bytes, or None where it is not known.
        md5: hexadecimal, or None where none is published.
        sha256: hexadecimal, or None where none is published.
        subset: ``training``, or ``test`` for what is fetched only on demand.
        unpack: what becomes of it where it is an archive, or None.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: Name
    url: Address
    size: Count | None = None
    md5: Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{32}$")] | None = None
    sha256: Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}$")] | None = None
    subset: Literal["training", "test"] = "training"
    unpack: Contents | None = None

    @property
    def target(self) -> str:
        """Name of what stands in the folder in the end: the file, or the folder it becomes."""
        return self.unpack.folder if self.unpack else self.name

    @property
    def hashes(self) -> dict[Algorithm, str]:
        """The published hashes, by algorithm."""
        known: dict[Algorithm, str | None] = {"md5": self.md5, "sha256": self.sha256}
        return {algorithm: value for algorithm, value in known.items() if value}


@dataclass(frozen=True)
class Merged:
    """One folder that may stand instead of several archives' folders.

    Attributes:
        folder: its name.
        files: names of the archives.
        count: how many files it holds then.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    folder: Name
    files: Annotated[tuple[Name, ...], Field(min_length=1)]
    count: Count


@dataclass(frozen=True)
class Release:
    """A data set as it is published.

    Attributes:
        title: in words.
        folder: name of its folder in the data folder.
        licence: in words.
        terms: the page with the terms.
        citations: what to cite.
        files: in the order they are fetched.
        merged: see there, or None.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    title: Text
    folder: Name
    licence: Text
    terms: Address
    citations: Annotated[tuple[Text, ...], Field(min_length=1)]
    files: Annotated[tuple[RemoteFile, ...], Field(min_length=1)]
    merged: Merged | None = None

    def __post_init__(self) -> None:
        """Refuse two files of one name: one would take the other's place.

        Raises:
            ValueError: a name, or an archive's folder, stands twice.
        """
        names = Counter(name.lower() for f in self.files for name in {f.name, f.target})
        twice = sorted(name for name, count in names.items() if count > 1)
        if twice:
            raise ValueError(f"names stand more than once: {', '.join(twice)}")


_VALIDATOR: Final = TypeAdapter(dict[Literal["ham10000", "isic2019"], Release])


def find_release(name: str, file: Path | None = None) -> Release:
    """Return a release as the configured sources have it.

    Args:
        name: ``ham10000`` or ``isic2019``.
        file: TOML file to ask first; default ``SKINMODEL_SOURCES``, else what is shipped.

    Raises:
        UnknownNameError: there is no release of this name.
        ConfigError: a file of sources cannot be read or has a field of the wrong kind.
    """
    configured = os.environ.get(ENVIRONMENT)
    own = file or (Path(configured) if configured else None)
    releases = read_sources(SHIPPED)
    if own is not None:
        releases |= read_sources(own)
    if name not in releases:
        raise UnknownNameError("data set", name, releases)
    return releases[name]


def read_sources(file: Path) -> dict[str, Release]:
    """Return every release in a TOML file, by name.

    Raises:
        ConfigError: see ``find_release``.
    """
    try:
        values = tomllib.loads(read_limited(file, MAX_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"Sources '{file}' are not a TOML file in UTF-8: {error}.") from error
    try:
        return {str(name): release for name, release in _VALIDATOR.validate_python(values).items()}
    except ValidationError as error:
        broken = "; ".join(_explain(problem) for problem in error.errors())
        raise ConfigError(
            f"Sources '{file}' cannot be used: {broken}. '{SHIPPED}' shows how they are written."
        ) from error


def _explain(problem: Any) -> str:
    field = ".".join(str(part) for part in problem["loc"])
    rule = problem["msg"].removeprefix("Value error, ")
    return f"{field}: {rule}"


_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Measure:
    """Size and hashes of a file on the disk.

    Attributes:
        size: in bytes.
        hashes: hexadecimal, by algorithm.
    """

    size: int
    hashes: dict[Algorithm, str]

    def is_of(self, file: RemoteFile) -> bool:
        """Return whether nothing that is known of ``file`` speaks against it."""
        size_fits = file.size is None or file.size == self.size
        return size_fits and all(self.hashes[a] == value for a, value in file.hashes.items())

    def describe(self, file: RemoteFile) -> str:
        """Return received and expected, for an error message."""
        pairs = [("bytes", f"{self.size:,}", f"{file.size:,}")] if file.size else []
        pairs += [(a, self.hashes[a], value) for a, value in file.hashes.items()]
        return "; ".join(
            f"{name} {found}, expected {value}" for name, found, value in pairs if found != value
        )


def measure(path: Path, algorithms: Collection[Algorithm]) -> Measure:
    """Read a whole file once and return its size and hashes.

    Args:
        path: of the file.
        algorithms: of the hashes; none: the file is not read.
    """
    size = path.stat().st_size
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in sorted(algorithms)}
    if digests:
        name = f"checking {path.name}"
        bar = tqdm(total=size, desc=name, unit="B", unit_scale=True, disable=None, leave=False)
        with bar, path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                for digest in digests.values():
                    digest.update(chunk)
                bar.update(len(chunk))
    return Measure(size, {name: digest.hexdigest() for name, digest in digests.items()})
