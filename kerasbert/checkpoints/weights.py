"""Weights files: written atomically, read strictly."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import keras

from kerasbert.errors import CheckpointError
from kerasbert.files import atomic_path


def save_weights(model: keras.Model, path: Path, belongs_to: Mapping[str, str]) -> None:
    """Writes the weights of `model` as Keras does, without the optimizer's state.

    Args:
        model: what to save.
        path: a name that ends in `.weights.h5`.
        belongs_to: digests of what the weights make sense with only; `load_weights` compares them.
    """
    with atomic_path(path) as temporary:
        model.save_weights(temporary)
        with h5py.File(temporary, "a") as file:
            file.attrs.update(belongs_to)


def load_weights(model: keras.Model, path: Path, belongs_to: Mapping[str, str]) -> None:
    """Reads weights into `model`: each one of the file and of the model must have its partner.

    Raises:
        CheckpointError: the file is missing or damaged, or it is of another model, vocabulary or
            label list.
    """
    try:
        with h5py.File(path) as file:
            stored: list[str] = []
            file.visititems(
                lambda name, item: stored.append(name) if isinstance(item, h5py.Dataset) else None
            )
            digests = dict(file.attrs)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such weights file.") from error
    except OSError as error:
        raise CheckpointError(
            f"{path}: is damaged or cut short ({error}). Restore it or train again."
        ) from error
    for name, digest in belongs_to.items():
        if digests.get(name) != digest:
            raise CheckpointError(
                f"{path}: does not match {name} beside it; these weights were trained with another. "
                "Put back the file that the training wrote."
            )
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(f"{path}: holds the weights of another model. {reason}") from error
    # Keras ignores what the file has beyond the model. Seeds of dropout layers are no weights.
    weights = [name for name in stored if "seed_generator" not in name]
    if len(weights) != len(model.weights):
        raise CheckpointError(
            f"{path}: holds {len(weights)} weights, the model has {len(model.weights)}. "
            "It is of another model."
        )
