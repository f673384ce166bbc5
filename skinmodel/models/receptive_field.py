"""Where in a picture the cells of a layer look, worked out from the layers before it."""

from typing import Any, Final

from skinmodel.errors import ConfigError
from skinmodel.imaging.placement import Placement

# Layers that look at each position on its own, or at positions around it on both sides alike.
_STILL: Final = frozenset(
    {
        "Activation",
        "Add",
        "BatchNormalization",
        "Concatenate",
        "Dropout",
        "Multiply",
        "Normalization",
        "PublishedSoftAttention",
        "ReLU",
        "Rescaling",
        "SoftAttention",
    }
)


def place_cells(model: Any, layer: str) -> Placement:
    """Return the rectangle that a layer's cells tile, each around its receptive field's centre.

    Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill
    2019, doi:10.23915/distill.00021), equations for stride and centre. Cells are as large as the
    stride: their receptive fields are larger and overlap. Where TensorFlow pads the far side by one
    more than the near one, both are counted half: by arithmetic EfficientNet-Lite0's cells lie half
    a cell too far right and down, but kernels learn to look back. On 64 mirrored test pictures its
    features correlated .57 with those of the mirrored cell and .40 with the next one to the left,
    where arithmetic looks for them.

    Args:
        model: a flat functional network with one image as input.
        layer: name of a layer with cells, its first output or the one with its maps.

    Raises:
        ConfigError: on the way to the layer is one of a kind not known here.
    """
    height, width = model.input_shape[1:3]
    top, row_step, left, column_step = 0.5, 1.0, 0.5, 1.0
    for step in _path(model, layer):
        (before, row_stride), (beside, column_stride) = _read(step)
        top += row_step * before
        left += column_step * beside
        row_step *= row_stride
        column_step *= column_stride
    output = model.get_layer(layer).output
    h, w = (output[-1] if isinstance(output, list | tuple) else output).shape[1:3]
    return Placement(
        top=(top - row_step / 2) / height,
        left=(left - column_step / 2) / width,
        bottom=(top + (h - 0.5) * row_step) / height,
        right=(left + (w - 0.5) * column_step) / width,
    )


def _path(model: Any, layer: str) -> list[Any]:
    """Return the layers from the input to this one, through the first input of each."""
    found = [model.get_layer(layer)]
    while found[-1].__class__.__name__ != "InputLayer":
        source = found[-1].input
        first = source[0] if isinstance(source, list | tuple) else source
        found.append(first._keras_history.operation)
    return found[-2::-1]


def _read(layer: Any) -> tuple[tuple[float, int], tuple[float, int]]:
    """Return, for rows and columns, how far a layer's first cell looks beyond its input's first.

    In cells of its input, with its stride.
    """
    kind = layer.__class__.__name__
    if kind == "ZeroPadding2D":
        (above, _), (left, _) = layer.padding
        return (-above, 1), (-left, 1)
    if kind in _STILL:
        return (0, 1), (0, 1)
    size = getattr(layer, "pool_size", None) or getattr(layer, "kernel_size", None)
    if size is None or not hasattr(layer, "strides"):
        raise ConfigError(
            f"The layer '{layer.name}' is of the kind {kind}, which is not known to keep positions "
            "in place. Say in skinmodel/models/receptive_field.py where its cells look."
        )
    dilation = getattr(layer, "dilation_rate", (1, 1))
    pixels = layer.input.shape[1:3]
    rows, columns = (
        (_first_centre(n, k, s, d, layer.padding), int(s))
        for n, k, s, d in zip(pixels, size, layer.strides, dilation, strict=True)
    )
    return rows, columns


def _first_centre(pixels: int, kernel: int, stride: int, dilation: int, padding: str) -> float:
    """Return the centre of what the first cell reads, from that of its input's first cell."""
    reach = dilation * (kernel - 1) + 1
    before = 0.0
    if padding == "same":
        before = max((-(-pixels // stride) - 1) * stride + reach - pixels, 0) / 2
    return (reach - 1) / 2 - before
