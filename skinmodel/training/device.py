"""What a run computes on, as far as that can be told without a backend."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from skinmodel.training.recipes import Precision

# Processor flags that mean bfloat16 products in hardware; without them they are emulated, slowly.
_BFLOAT16_FLAGS: Final = {"avx512_bf16", "amx_bf16"}
_CPU_INFO: Final = Path("/proc/cpuinfo")
_BFLOAT16_CAPABILITY: Final = (8, 0)
_FLOAT16_CAPABILITY: Final = (7, 0)


@dataclass(frozen=True)
class Device:
    """Attributes: kind (``GPU`` or ``CPU``), name, and the precision training uses on it."""

    kind: str
    name: str
    precision: Precision

    def __str__(self) -> str:
        """Return one line for a log."""
        mixed = "" if self.precision == "float32" else " (mixed precision)"
        return f"{self.kind} {self.name}, {self.precision}{mixed}"


def gpu_precision(capability: tuple[int, ...]) -> Precision:
    """Return the fastest sound precision of a card of NVIDIA's compute capability."""
    if capability >= _BFLOAT16_CAPABILITY:
        return "bfloat16"
    return "float16" if capability >= _FLOAT16_CAPABILITY else "float32"


def cpu_has_bfloat16() -> bool:
    """Return whether this processor multiplies bfloat16 in hardware."""
    return bool(_BFLOAT16_FLAGS & set(_cpu_field("flags").split()))


def cpu_name() -> str:
    """Return the processor's name, or that it has none."""
    return _cpu_field("model name") or "of unknown name"


def _cpu_field(name: str) -> str:
    if not _CPU_INFO.exists():  # not Linux
        return ""
    for line in _CPU_INFO.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
