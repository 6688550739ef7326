"""Weights files: HDF5 with one dataset for each weight, named by its place and path in the model."""

import io
import re
from collections.abc import Mapping
from pathlib import Path

import h5py
import keras
import numpy as np

from kerasbert.errors import CheckpointError, one_line
from kerasbert.files import atomic_path
from kerasbert.listing import join_first


def save_weights(model: keras.Model, path: Path, belongs_to: Mapping[str, str]) -> None:
    """Writes the weights of `model`, without the optimizer's state.

    Args:
        model: what to save.
        path: of the file.
        belongs_to: digests of what the weights make sense with only; `load_weights` compares them.
    """
    # In memory first: on a full disk HDF5 aborts the process instead of raising.
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs.update(belongs_to)
        merged = _merged(model)
        for name, weight in _named(model):
            file[name] = keras.ops.convert_to_numpy(merged.get(weight.path, weight))
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load_weights(model: keras.Model, path: Path, belongs_to: Mapping[str, str]) -> None:
    """Reads weights into `model`; those of the file and of the model must match one to one.

    Raises:
        CheckpointError: the file is missing or damaged, or it is of another model, vocabulary or
            label list.
    """
    try:
        with h5py.File(path) as file:
            digests = dict(file.attrs)
            stored: dict[str, h5py.Dataset] = {}
            file.visititems(
                lambda name, item: stored.update({name: item}) if isinstance(item, h5py.Dataset) else None
            )
            _require_same(path, digests, belongs_to)
            _require_partners(path, model, {name: data.shape for name, data in stored.items()})
            for name, weight in _named(model):
                weight.assign(stored[name][()])
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such weights file.") from error
    except (OSError, RuntimeError) as error:  # how h5py reports damage
        raise CheckpointError(
            f"{path}: is damaged or cut short ({one_line(error)}). Restore it or train again."
        ) from error


def _named(model: keras.Model) -> list[tuple[str, keras.Variable]]:
    """Returns each weight with its name in the file, `PLACE/PATH`.

    Keras counts up the names of layers that were given none, over the life of the process: the path
    is taken without such numbers, and the place keeps it distinct.
    """
    return [
        (f"{place:04d}/{re.sub('_[0-9]+(?=/|$)', '', weight.path)}", weight)
        for place, weight in enumerate(_plain(model))
    ]


def _plain(model: keras.Model) -> list[keras.Variable]:
    """Returns the weights of `model` without the low-rank additions of LoRA."""
    return [weight for weight in model.weights if "/lora_kernel_" not in weight.path]


def _merged(model: keras.Model) -> dict[str, np.ndarray]:
    """Returns, by path, the kernels that have low-rank additions, with these added."""
    merged = {}
    for layer in model._flatten_layers():
        if getattr(layer, "lora_enabled", False):
            # Not `layer.kernel`, which has the precision of the arithmetic.
            low = layer.lora_kernel_a.numpy() @ layer.lora_kernel_b.numpy()
            added = layer.lora_alpha / layer.lora_rank * low
            merged[layer._kernel.path] = layer._kernel.numpy() + added
    return merged


def _require_same(path: Path, digests: Mapping[str, str], belongs_to: Mapping[str, str]) -> None:
    for name, digest in belongs_to.items():
        if digests.get(name) != digest:
            raise CheckpointError(
                f"{path}: does not match {name} beside it; these weights were trained with another. "
                "Put back the file that the training wrote."
            )


def _require_partners(path: Path, model: keras.Model, stored: Mapping[str, tuple[int, ...]]) -> None:
    wanted = {name: tuple(weight.shape) for name, weight in _named(model)}
    faults = [f"{name} is missing" for name in wanted if name not in stored]
    faults += [f"{name} has no place in the model" for name in stored if name not in wanted]
    faults += [
        f"{name} is {list(stored[name])} instead of {list(shape)}"
        for name, shape in wanted.items()
        if name in stored and stored[name] != shape
    ]
    if faults:
        raise CheckpointError(f"{path}: holds the weights of another model: {join_first(faults, 3)}.")
