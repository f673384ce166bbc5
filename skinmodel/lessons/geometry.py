"""How large a layer's output is: kernel, padding and stride along one axis, and layer by layer."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from skinmodel.errors import UsageError


class Padding(StrEnum):
    """The usual rules for the zeros around an input."""

    VALID = "valid"
    SAME = "same"
    FULL = "full"


@dataclass(frozen=True)
class Geometry:
    """One axis of a convolution or pooling.

    Attributes:
        n: cells of the input, at least 1.
        m: cells of the kernel, at least 1.
        before: zeros added before the input, at least 0.
        after: zeros added after it, at least 0.
        s: stride, cells from one position of the kernel to the next, at least 1.

    Raises:
        UsageError: there is no such geometry, or the kernel does not fit.
    """

    n: int
    m: int
    before: int
    after: int
    s: int

    def __post_init__(self) -> None:
        """Refuse what no layer can compute."""
        if min(self.n, self.m, self.s) < 1 or min(self.before, self.after) < 0:
            raise UsageError(
                f"Input n = {self.n}, kernel m = {self.m}, stride s = {self.s} and padding "
                f"{self.before} and {self.after} were given; n, m and s must be at least 1 and "
                "the padding at least 0."
            )
        if self.m > self.padded:
            raise UsageError(
                f"A kernel of m = {self.m} cells does not fit: the input has n = {self.n} and the "
                f"padding adds {self.before} + {self.after}, which makes {self.padded}. There is "
                "no position for it, so no output. Take a smaller kernel or more padding."
            )

    @property
    def padded(self) -> int:
        """Cells of the input with its padding."""
        return self.n + self.before + self.after

    @property
    def size(self) -> int:
        """Cells of the output: floor((n + before + after - m) / s + 1)."""
        return (self.padded - self.m) // self.s + 1

    def reads(self, cell: int) -> range:
        """Return the input cells that one output cell reads.

        Args:
            cell: of the output, from 0.

        Returns:
            Indices of the input; those below 0 and from n on are padding.
        """
        start = cell * self.s - self.before
        return range(start, start + self.m)

    @property
    def blank(self) -> tuple[int, ...]:
        """Output cells that read padding only."""
        windows = ((cell, self.reads(cell)) for cell in range(self.size))
        return tuple(cell for cell, read in windows if read[-1] < 0 or read[0] >= self.n)

    @property
    def unread(self) -> tuple[int, ...]:
        """Input cells that no output cell reads."""
        return tuple(i for i, count in enumerate(self.counts) if count == 0)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many output cells read each of the n input cells."""
        counts = [0] * self.n
        for cell in range(self.size):
            for i in self.reads(cell):
                if 0 <= i < self.n:
                    counts[i] += 1
        return tuple(counts)


def output_size(n: int, m: int, p: int, s: int) -> int:
    """Return floor((n + 2p - m) / s + 1), the cells of an output along one axis.

    Args:
        n: cells of the input.
        m: cells of the kernel.
        p: zeros added on each of both sides.
        s: stride.

    Raises:
        UsageError: the kernel does not fit the padded input, or a number is too small.

    >>> output_size(100, 6, 0, 3)
    32
    """
    return Geometry(n, m, p, p, s).size


def apply_rule(n: int, m: int, s: int, rule: Padding) -> Geometry:
    """Return the geometry that a padding rule gives.

    ``valid`` adds nothing. ``same`` adds what makes the output ceil(n / s) cells, and where that
    is an odd number one more after than before, as TensorFlow does. ``full`` adds m - 1 on both
    sides, so that each input cell meets each weight of the kernel at stride 1.

    Args:
        n: cells of the input.
        m: cells of the kernel.
        s: stride.
        rule: which.

    Raises:
        UsageError: as ``Geometry``.
    """
    if rule is Padding.VALID or min(n, m, s) < 1:
        return Geometry(n, m, 0, 0, s)
    if rule is Padding.FULL:
        return Geometry(n, m, m - 1, m - 1, s)
    total = max((-(-n // s) - 1) * s + m - n, 0)
    return Geometry(n, m, total // 2, total - total // 2, s)


@dataclass(frozen=True)
class Layer:
    """A layer that slides a window.

    Attributes:
        name: in the network.
        kernel: side of the window, in cells.
        stride: in cells.
        padding: the rule.
        channels: of the output; None where the input's are kept.
    """

    name: str
    kernel: int
    stride: int
    padding: Padding
    channels: int | None = None


@dataclass(frozen=True)
class LayerSize:
    """What a layer makes of the input's size.

    Attributes:
        layer: the layer.
        geometry: of each of the two axes.
        channels: of the output.
        field: side of the square of the picture that one output cell depends on, in pixels
            (the receptive field), borders aside.
        step: distance of neighbouring output cells on the picture, in pixels.
    """

    layer: Layer
    geometry: Geometry
    channels: int
    field: int
    step: int


CNN_LAYERS: Final = (
    Layer("conv1", 7, 2, Padding.VALID, 64),
    Layer("pool1", 3, 2, Padding.VALID),
    Layer("conv2", 3, 2, Padding.SAME, 128),
    Layer("pool2", 3, 1, Padding.VALID),
    Layer("conv3", 3, 1, Padding.SAME, 256),
    Layer("pool3", 3, 1, Padding.VALID),
    Layer("conv4", 3, 1, Padding.SAME, 512),
    Layer("conv5", 3, 1, Padding.SAME, 512),
    Layer("pool5", 3, 1, Padding.VALID),
    Layer("conv6", 3, 1, Padding.SAME, 512),
    Layer("pool6", 3, 1, Padding.VALID),
)
"""Every layer of the CNN that changes a side; a test compares them with the network itself.

``skinmodel.models.cnn`` builds it, but cannot be asked without loading TensorFlow.
"""


def trace_sizes(n: int, layers: Iterable[Layer], channels: int = 3) -> list[LayerSize]:
    """Return what each layer makes of a square input.

    The receptive field grows by (m - 1) steps of its layer's input; the step by its stride.

    Args:
        n: side of the input, in pixels.
        layers: in the order of the network.
        channels: of the input.

    Raises:
        UsageError: the input is too small for one of them.
    """
    sizes, field, step = [], 1, 1
    for layer in layers:
        geometry = apply_rule(n, layer.kernel, layer.stride, layer.padding)
        field += (layer.kernel - 1) * step
        step *= layer.stride
        channels = layer.channels or channels
        sizes.append(LayerSize(layer, geometry, channels, field, step))
        n = geometry.size
    return sizes
