"""Chapter 3: ReLU, pooling and batch normalisation, on a small grid and on the real maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import services
from app.learn.grids import render_map, show_map, write_value
from app.learn.layer_grids import show_grids, write_normalisation
from app.learn.subject import name_subject
from app.services.attempts import Problem
from app.services.lessons import Outputs, are_outputs_at_hand, layer_outputs, open_normalisation
from app.services.pictures import Picture
from app.shared import components
from app.shared.content import read_sections
from app.shared.waiting import wait_for_networks, wait_for_tensorflow
from skinmodel.lessons.geometry import CNN_LAYERS
from skinmodel.lessons.layers import Normalisation, find_silent, rank_channels
from skinmodel.models.registry import ModelSpec, get_spec

COLUMNS: Final = 4
_TILE: Final = 180  # pixels, side of a map
_GAP: Final = 14
_LINE: Final = 32  # room for the number below a map
_PAPER: Final = (255, 255, 255)
_EDGE: Final = (201, 212, 218)
_INK: Final = (21, 35, 45)
_MARK: Final = (179, 38, 30)


def draw_sheet(
    maps: NDArray[Any], numbers: Sequence[int], chosen: int | None = None
) -> NDArray[np.uint8]:
    """Return feature maps in rows of four, on one scale, with their numbers.

    Args:
        maps: finite numbers, (h, w, F).
        numbers: what stands below each.
        chosen: place of the map to frame, from 0.

    Returns:
        uint8, (H, W, 3), RGB, 0-255; blue negative, white 0, orange positive.
    """
    count = maps.shape[-1]
    limit = float(np.abs(maps).max()) or 1.0
    rows = -(-count // COLUMNS)
    step = _TILE + _GAP
    sheet = np.full((rows * (step + _LINE) + _GAP, COLUMNS * step + _GAP, 3), _PAPER, np.uint8)
    for place, number in enumerate(numbers):
        row, column = divmod(place, COLUMNS)
        top, left = _GAP + row * (step + _LINE), _GAP + column * step
        drawn = render_map(maps[..., place], signed=True, limit=limit)
        tile = cv2.resize(drawn, (_TILE, _TILE), interpolation=cv2.INTER_AREA)
        sheet[top : top + _TILE, left : left + _TILE] = tile
        is_chosen = place == chosen
        # A silent channel is as white as the paper; the edge shows that it is there.
        corners = (left - 1, top - 1), (left + _TILE, top + _TILE)
        cv2.rectangle(sheet, *corners, _MARK if is_chosen else _EDGE, 6 if is_chosen else 1)
        _write(sheet, str(number), (left, top + _TILE), is_chosen)
    return sheet


def _write(sheet: NDArray[np.uint8], text: str, place: tuple[int, int], is_chosen: bool) -> None:
    """Write a number below a map, in its middle."""
    font, color = cv2.FONT_HERSHEY_SIMPLEX, _MARK if is_chosen else _INK
    (width, _), _ = cv2.getTextSize(text, font, 0.85, 2)
    start = (place[0] + (_TILE - width) // 2, place[1] + 28)
    cv2.putText(sheet, text, start, font, 0.85, color, 2, cv2.LINE_AA)


PAGE: Final = 16  # channels shown at once
_BLOCKS: Final = tuple(layer.name[4:] for layer in CNN_LAYERS if layer.name.startswith("conv"))
_POOLED: Final = tuple(layer.name[4:] for layer in CNN_LAYERS if layer.name.startswith("pool"))
_ATTENDED: Final = "5"  # the block whose output soft attention takes


@dataclass(frozen=True, eq=False)
class Block:
    """A convolution and what follows it, for one picture.

    Attributes:
        model: registry name.
        number: of its layers' names.
        steps: what the reader calls a step, and its layer as ``Classifier.activations`` names it.
        maps: float32, (h, w, C), by layer.
        order: channels, from 0, strongest after ReLU first.
    """

    model: str
    number: str
    steps: dict[str, str]
    maps: Outputs
    order: NDArray[np.intp]

    @property
    def after_relu(self) -> NDArray[np.float32]:
        """The maps that the ReLU leaves, (h, w, C)."""
        return self.maps[f"conv{self.number}"]


def list_steps(spec: ModelSpec, number: str) -> dict[str, str]:
    """Return the steps of a block in the order of the network, with the layer each is read from."""
    steps = {
        "Before ReLU": f"conv{number}/linear",
        "After ReLU": f"conv{number}",
        "Batch normalised": f"bn{number}",
    }
    if number in _POOLED and not (spec.attention_layer and number == _ATTENDED):
        steps["Max pooled"] = f"pool{number}"
    return steps


def show_feature_maps(picture: Picture) -> None:
    """Show a page of a block's channels, one of them step by step, and how many are silent."""
    texts = read_sections("learn_layers")
    st.subheader("On the network's own feature maps", anchor=False)
    with st.container(width=860):
        st.markdown(texts["maps"])
    if not wait_for_networks():
        return
    block = _choose_block(picture)
    if block is None:
        return
    if isinstance(block, Problem):
        components.show_problem(block, title="The feature maps cannot be shown")
        return
    step = str(
        st.segmented_control(
            "Step",
            list(block.steps),
            default="After ReLU",
            required=True,
            key=f"layers-step-{len(block.steps)}",
        )
    )
    page, channel = _choose_channel(block)
    with st.container(width=760):
        _show_sheet(block, step, page, channel, name_subject(picture))
    _show_channel(block, channel, name_subject(picture))
    if "Max pooled" not in block.steps and block.number in _POOLED:
        st.caption(texts["joined"])
    network = services.get_classifiers()[block.model]
    components.show_provenance(network.spec.title, network.run_id)


def _choose_block(picture: Picture) -> Block | Problem | None:
    """Return what is chosen; None while it is waited for."""
    # Only the report's networks have these blocks; a pretrained backbone is built otherwise.
    specs = {n: c.spec for n, c in services.get_classifiers().items() if c.spec.backbone is None}
    first, second = st.columns(2, gap="medium")
    with first:
        model = st.segmented_control(
            "Network",
            list(specs),
            default=next(iter(specs)),
            format_func=lambda name: get_spec(name).title,
            required=True,
            key="layers-model",
        )
    with second:
        number = st.segmented_control(
            "Block (convolution)",
            _BLOCKS,
            default=_BLOCKS[0],
            required=True,
            key="layers-block",
            persist_state="session",
        )
    steps = list_steps(specs[str(model)], str(number))
    read = list(steps.values())
    if not are_outputs_at_hand(picture, str(model), read) and not wait_for_tensorflow(str(model)):
        return None
    with st.spinner("The network is looking at the picture", width="stretch"):
        maps = layer_outputs(picture, str(model), read)
    if isinstance(maps, Problem):
        return maps
    order = rank_channels(maps[f"conv{number}"])
    return Block(str(model), str(number), steps, maps, order)


def _choose_channel(block: Block) -> tuple[list[int], int]:
    """Return the channels of the chosen page, and the chosen one, from 0."""
    pages = -(-len(block.order) // PAGE)
    page = 1
    first, second = st.columns(2, gap="medium")
    if pages > 1:
        with first:
            page = st.slider(
                f"Page of {PAGE} channels, strongest first", 1, pages, key=f"layers-page-{pages}"
            )
    shown = [int(k) for k in block.order[(page - 1) * PAGE : page * PAGE]]
    # The widget's name holds what its options depend on; a stale choice would be refused.
    key = f"layers-channel-{block.model}-{block.number}-{'-'.join(map(str, shown))}"
    with second:
        chosen = st.select_slider("Channel", [k + 1 for k in shown], key=key)
    return shown, int(chosen) - 1


def _show_sheet(block: Block, step: str, shown: list[int], channel: int, name: str) -> None:
    """Show the page of channels at one step, with how many of all are silent."""
    silent = find_silent(block.after_relu)
    sheet = block.maps[block.steps[step]][..., shown]
    height, width, _ = sheet.shape
    numbers = ", ".join(str(k + 1) for k in shown)
    st.image(
        draw_sheet(sheet, [k + 1 for k in shown], shown.index(channel)),
        width="stretch",
        alt=f"{step}, block {block.number}: the maps of channels {numbers} on {name}; channel "
        f"{channel + 1} is framed.",
        output_format="PNG",
    )
    st.caption(
        f"{step}: {len(shown)} of {len(silent)} channels, {height} x {width} cells each, on one "
        f"colour scale: blue negative, white 0, orange positive, full colour at "
        f"{write_value(float(np.abs(sheet).max()))}."
    )
    count = int(silent.sum())
    share = f"**{count} of {len(silent)}** channels of this layer {'is' if count == 1 else 'are'}"
    here = int(silent[shown].sum())
    st.markdown(
        f"{share} silent on this picture"
        + (f", {here} of them on this page." if count else ".")
        + f" ReLU leaves {(block.after_relu > 0).mean():.0%} of all cells above 0."
    )


def _show_channel(block: Block, channel: int, name: str) -> None:
    st.subheader(f"Channel {channel + 1}, step by step", anchor=False)
    maps = {step: block.maps[layer][..., channel] for step, layer in block.steps.items()}
    places = st.columns(4, gap="small")
    # Before and after ReLU share one scale, so that what stays looks the same; so do the others.
    early = float(max(np.abs(maps[s]).max() for s in ("Before ReLU", "After ReLU")))
    for place, (step, values) in zip(places, maps.items(), strict=False):
        limit = early if step.endswith("ReLU") else float(np.abs(maps["Batch normalised"]).max())
        with place:
            show_map(
                values,
                step,
                f"{step}: channel {channel + 1} of block {block.number} on {name}.",
                signed=True,
                limit=limit,
            )
    _describe_normalisation(block, channel)


def _describe_normalisation(block: Block, channel: int) -> None:
    """Work one cell of the batch normalisation with the stored numbers."""
    stored = open_normalisation(block.model, f"bn{block.number}")
    if isinstance(stored, Problem):
        components.show_problem(stored, title="The stored statistics cannot be shown")
        return
    fields = (stored.mean, stored.variance, stored.gamma, stored.beta)
    one = Normalisation(*(float(np.asarray(field)[channel]) for field in fields))
    values = block.after_relu[..., channel]
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    given = block.maps[f"bn{block.number}"][row, column, channel]
    st.markdown(
        f"**Batch normalisation with the stored statistics.** On this picture the channel has mean "
        f"{write_value(float(values.mean()))} and variance {write_value(float(values.var()))}; "
        f"stored are mean {write_value(float(one.mean))} and variance "
        f"{write_value(float(one.variance))}. Its largest cell, row {row}, column {column}: "
        f"{write_normalisation(float(values[row, column]), one)}. The network's own layer gives "
        f"{write_value(float(given))}."
    )


def show_layers(picture: Picture) -> None:
    """Show what stands between convolutions: worked by hand, then as a trained network does it."""
    texts = read_sections("learn_layers")
    with st.container(width=860):
        st.markdown(texts["intro"])
    show_grids(picture)
    show_feature_maps(picture)
    st.caption(texts["sources"])
