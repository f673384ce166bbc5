"""A file on its way: the bytes so far, and what tells whether the rest still fits them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from skinmodel.files import read_limited, write_text

SUFFIX: Final = ".part"
_NOTE: Final = ".json"
_MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Origin:
    """Which version of which file the bytes are of.

    Attributes:
        url: the configured address.
        validator: strong ETag, or Last-Modified, to be sent as If-Range; None where neither came.
        total: size of the whole file in bytes; None where the host does not tell.
    """

    url: str
    validator: str | None
    total: int | None

    def differs_from(self, other: "Origin") -> bool:
        """Return whether both tell their version or size, and not the same."""
        pairs = ((self.validator, other.validator), (self.total, other.total))
        return any(a is not None and b is not None and a != b for a, b in pairs)


_VALIDATOR: Final = TypeAdapter(Origin)


@dataclass(frozen=True)
class Partial:
    """The file ``NAME.part`` and the note ``NAME.part.json`` beside it.

    Attributes:
        path: of the bytes.
    """

    path: Path

    @classmethod
    def of(cls, target: Path) -> "Partial":
        """Return where ``target`` is while it is on its way."""
        return cls(target.with_name(target.name + SUFFIX))

    @property
    def _note(self) -> Path:
        return self.path.with_name(self.path.name + _NOTE)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def read_origin(self) -> Origin | None:
        """Return what the bytes are of; None where nobody knows."""
        try:
            return _VALIDATOR.validate_json(read_limited(self._note, _MAX_BYTES))
        except (OSError, ValidationError):
            return None

    def begin(self, origin: Origin) -> None:
        """Start anew, noting what the bytes to come are of before the first of them comes."""
        self.discard()
        write_text(self._note, json.dumps(asdict(origin)))
        self.path.touch()

    def discard(self) -> None:
        """Throw the bytes away."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def move_to(self, target: Path) -> None:
        """Put the whole file in its place."""
        self.path.replace(target)
        self._note.unlink(missing_ok=True)
