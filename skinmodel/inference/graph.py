"""A network as an ONNX graph without weights: what it computes, for another engine.

Written when weights are released and read by ONNX Runtime, which is handed the weights under the
names they have in Keras: one weights file stays the truth. The exporters there are (tf2onnx, which
Keras calls) fold weights into constants and lose their names, so that they would have to be stored
twice.

Feature maps have ONNX's axis order inside, (N, C, h, w); what comes in and out has Keras's.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from onnx import ModelProto, NodeProto, TensorProto, helper

from skinmodel.errors import ConfigError
from skinmodel.inference.engine import ATTENTION, FEATURES, INPUT, LOGITS, PLACEMENT
from skinmodel.models.receptive_field import place_cells

_OPSET: Final = 17
_IR: Final = 8
_LAST: Final = "softmax"
_TO_ONNX: Final = (0, 3, 1, 2)
_TO_KERAS: Final = (0, 2, 3, 1)


def build_graph(model: Any, attention_layer: str | None) -> bytes:
    """Return a network's graph, to be run with its weights.

    Args:
        model: one flat functional network that ends in a softmax layer.
        attention_layer: name of its soft attention; None without one.

    Returns:
        A serialised ONNX model. Its input is ``image``, float32, (N, h, w, 3), preprocessed. Its
        outputs are float32: ``logits``, (N, K), before the softmax; ``features``, (N, D), what
        enters the last layer; with soft attention ``attention``, (N, h', w', M), as
        ``SpatialAttention`` gives it.

    Raises:
        ConfigError: the network has a layer that no rule here describes; it is named.
    """
    height, width = model.input_shape[1:3]
    if unknown := find_unknown(model):
        raise ConfigError(
            f"'{model.name}' has layers of the kinds {', '.join(unknown)}, for which there is no "
            f"rule in {__name__}. Add one, or leave it to TensorFlow to answer."
        )
    graph = _Graph()
    graph.names[id(model.inputs[0])] = graph.add("Transpose", [INPUT], perm=_TO_ONNX)
    for layer in model.layers:
        _RULES[type(layer).__name__](graph, layer)
    last = model.layers[-1]
    size = last.kernel.shape
    outputs = {LOGITS: (None, size[1]), FEATURES: (None, size[0])}
    graph.add("Identity", [graph.names[id(last.input)]], output=FEATURES)
    if attention_layer is not None:
        maps = model.get_layer(attention_layer).output[1]
        graph.add("Transpose", [graph.names[id(maps)]], output=ATTENTION, perm=_TO_KERAS)
        outputs[ATTENTION] = maps.shape
    described = helper.make_graph(
        graph.nodes,
        model.name,
        [_describe(INPUT, (None, height, width, 3))],
        [_describe(name, shape) for name, shape in outputs.items()],
        [*graph.weights.values(), *graph.constants],
    )
    proto: ModelProto = helper.make_model(
        described, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR
    )
    if attention_layer is not None:
        told = json.dumps(place_cells(model, attention_layer).to_list())
        helper.set_model_props(proto, {PLACEMENT: told})
    return bytes(proto.SerializeToString(deterministic=True))


def find_unknown(model: Any) -> tuple[str, ...]:
    """Return the kinds of a network's layers that no rule here describes, none where all are."""
    return tuple(sorted({type(layer).__name__ for layer in model.layers} - _RULES.keys()))


class _Graph:
    """Nodes as they are added, and what each tensor of Keras is called."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.nodes: list[NodeProto] = []
        self.weights: dict[str, TensorProto] = {}
        self.constants: list[TensorProto] = []

    def add(
        self, kind: str, inputs: Sequence[str], output: str | None = None, **settings: Any
    ) -> str:
        """Add an operation of one output; returns the output's name."""
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **settings))
        return name

    def weight(self, variable: Any) -> str:
        """Name a weight that is handed in when the graph is run; returns its Keras path."""
        name = str(variable.path)
        tensor = TensorProto(
            name=name,
            data_type=TensorProto.FLOAT,
            dims=[int(side) for side in variable.shape],
            data_location=TensorProto.EXTERNAL,
        )
        tensor.external_data.add(key="location", value=name)  # a file of its own, in memory
        self.weights[name] = tensor
        return name

    def constant(self, values: Sequence[int] | Sequence[float], kind: int) -> str:
        """Add a few numbers; returns their name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(helper.make_tensor(name, kind, [len(values)], list(values)))
        return name

    def scalar(self, value: float) -> str:
        """Add one number; returns its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(helper.make_tensor(name, TensorProto.FLOAT, [], [value]))
        return name

    def read(self, layer: Any) -> str:
        """Return what enters a layer of one input."""
        return self.names[id(layer.input)]

    def give(self, layer: Any, name: str) -> None:
        """Say what the output of a layer is called."""
        self.names[id(layer.output)] = name

    def activate(self, layer: Any, name: str) -> str:
        """Add the activation that Keras runs inside a layer."""
        kind = layer.activation.__name__
        if kind == "relu":
            return self.add("Relu", [name])
        if kind != "linear":
            raise ConfigError(
                f"Layer '{layer.name}' has the activation '{kind}'; there are rules for relu and "
                "linear. TensorFlow answers for such a network."
            )
        return name


def _pad(layer: Any, kernel: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Return rows and columns added before and after, as TensorFlow pads."""
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    both = []
    for side, size, stride in zip(layer.input.shape[1:3], kernel, strides, strict=True):
        total = max((-(-side // stride) - 1) * stride + size - side, 0)
        both.append((total // 2, total - total // 2))
    (top, bottom), (left, right) = both
    return [top, left, bottom, right]


def _convolve(graph: _Graph, layer: Any) -> None:
    depthwise = type(layer).__name__ == "DepthwiseConv2D"
    order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
    kernel = graph.add("Transpose", [graph.weight(layer.kernel)], perm=order)
    inputs = [graph.read(layer), kernel]
    if layer.use_bias:
        inputs.append(graph.weight(layer.bias))
    convolved = graph.add(
        "Conv",
        inputs,
        group=layer.input.shape[-1] if depthwise else layer.groups,
        kernel_shape=layer.kernel_size,
        strides=layer.strides,
        dilations=layer.dilation_rate,
        pads=_pad(layer, layer.kernel_size, layer.strides),
    )
    graph.give(layer, graph.activate(layer, convolved))


def _normalize(graph: _Graph, layer: Any) -> None:
    parts = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
    inputs = [graph.read(layer), *map(graph.weight, parts)]
    graph.give(layer, graph.add("BatchNormalization", inputs, epsilon=float(layer.epsilon)))


def _pool(graph: _Graph, layer: Any) -> None:
    pads = _pad(layer, layer.pool_size, layer.strides)
    graph.give(
        layer,
        graph.add(
            "MaxPool",
            [graph.read(layer)],
            kernel_shape=layer.pool_size,
            strides=layer.strides,
            pads=pads,
        ),
    )


def _rectify(graph: _Graph, layer: Any) -> None:
    if layer.negative_slope or layer.threshold:
        raise ConfigError(f"Layer '{layer.name}' is no plain ReLU: there is no rule for it.")
    if layer.max_value is None:
        graph.give(layer, graph.add("Relu", [graph.read(layer)]))
        return
    limits = [graph.scalar(0.0), graph.scalar(float(layer.max_value))]
    graph.give(layer, graph.add("Clip", [graph.read(layer), *limits]))


def _attend(graph: _Graph, layer: Any) -> None:
    x = graph.read(layer)
    height, width = layer.input.shape[1:3]
    kernel = graph.add("Transpose", [graph.weight(layer.kernel)], perm=(3, 2, 0, 1))
    scores = graph.add(
        "Conv", [x, kernel, graph.weight(layer.bias)], kernel_shape=(3, 3), pads=(1, 1, 1, 1)
    )
    flat = graph.constant((0, layer.heads, height * width), TensorProto.INT64)
    rows = graph.add("Reshape", [graph.add("Relu", [scores]), flat])
    square = graph.constant((0, layer.heads, height, width), TensorProto.INT64)
    maps = graph.add("Reshape", [graph.add("Softmax", [rows], axis=2), square])
    heads = graph.constant((1,), TensorProto.INT64)
    attention = graph.add("ReduceSum", [maps, heads], keepdims=1)
    scaled = graph.add("Mul", [x, graph.weight(layer.gamma)])
    attended, given = layer.output
    graph.names[id(attended)] = graph.add("Mul", [scaled, attention])
    graph.names[id(given)] = maps


def _connect(graph: _Graph, layer: Any) -> None:
    x = graph.read(layer)
    product = "Gemm"
    inputs = [x, graph.weight(layer.kernel), graph.weight(layer.bias)]
    if layer.activation.__name__ == _LAST:
        graph.add(product, inputs, output=LOGITS)
        return
    graph.give(layer, graph.activate(layer, graph.add(product, inputs)))


def _flatten(graph: _Graph, layer: Any) -> None:
    ordered = graph.add("Transpose", [graph.read(layer)], perm=_TO_KERAS)
    graph.give(layer, graph.add("Flatten", [ordered]))


def _average(graph: _Graph, layer: Any) -> None:
    pooled = graph.add("GlobalAveragePool", [graph.read(layer)])
    graph.give(layer, graph.add("Flatten", [pooled]))


def _pass(graph: _Graph, layer: Any) -> None:
    graph.give(layer, graph.read(layer))


def _join(graph: _Graph, layer: Any) -> None:
    graph.give(layer, graph.add("Concat", [graph.names[id(x)] for x in layer.input], axis=1))


def _sum(graph: _Graph, layer: Any) -> None:
    graph.give(layer, graph.add("Add", [graph.names[id(x)] for x in layer.input]))


def _begin(_graph: _Graph, _layer: Any) -> None:
    """Add nothing: the input is there."""


_RULES: Final[Mapping[str, Callable[[_Graph, Any], None]]] = MappingProxyType(
    {
        "Add": _sum,
        "BatchNormalization": _normalize,
        "Concatenate": _join,
        "Conv2D": _convolve,
        "Dense": _connect,
        "DepthwiseConv2D": _convolve,
        "Dropout": _pass,
        "Flatten": _flatten,
        "GlobalAveragePooling2D": _average,
        "InputLayer": _begin,
        "MaxPooling2D": _pool,
        "ReLU": _rectify,
        "SoftAttention": _attend,
    }
)


def _describe(name: str, shape: Sequence[int | None]) -> Any:
    sides = ["N", *(None if side is None else int(side) for side in shape[1:])]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, sides)
