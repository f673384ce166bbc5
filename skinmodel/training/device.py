"""What this machine trains on, and in which precision."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keras
import tensorflow as tf

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


def choose_device() -> Device:
    """Return the first GPU where there is one, else the CPU, with its fastest sound precision."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return Device("CPU", _cpu_name(), "bfloat16" if _cpu_has_bfloat16() else "float32")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    details = tf.config.experimental.get_device_details(gpus[0])
    capability = tuple(details.get("compute_capability", (0, 0)))
    precision: Precision = "float32"
    if capability >= _BFLOAT16_CAPABILITY:
        precision = "bfloat16"
    elif capability >= _FLOAT16_CAPABILITY:
        precision = "float16"
    return Device("GPU", str(details.get("device_name", gpus[0].name)), precision)


@contextmanager
def compute_in(precision: Precision) -> Iterator[None]:
    """Let layers built inside compute in ``precision``; their weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _cpu_has_bfloat16() -> bool:
    return bool(_BFLOAT16_FLAGS & set(_cpu_field("flags").split()))


def _cpu_name() -> str:
    return _cpu_field("model name") or "of unknown name"


def _cpu_field(name: str) -> str:
    if not _CPU_INFO.exists():  # not Linux
        return ""
    for line in _CPU_INFO.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
