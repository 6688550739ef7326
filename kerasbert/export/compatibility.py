"""Checks, from the files alone, that a new version does not break clients of the previous one."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from kerasbert.data.labels import read_labels
from kerasbert.errors import UserError
from kerasbert.export.signatures import OPTIONAL
from kerasbert.layout import EXPORTED_LABELS, GRAPH, is_version, version_folders

_INTERNAL = "__saved_model_init_op"


def refuse_breaking_changes(staging: Path, model_dir: Path) -> None:
    """Compares a staged version with the highest one that exists.

    Raises:
        UserError: its users would fail with the new one.
    """
    before = [path for path in version_folders(model_dir).values() if is_version(path)]
    if not before:
        return
    changes = list(breaking_changes(before[-1], staging))
    if changes:
        raise UserError(
            f"not published: users of {before[-1]} would fail: {'; '.join(changes)}. Publish it under "
            "another MODEL_DIR, or add --allow-breaking."
        )


def breaking_changes(old: Path, new: Path) -> Iterator[str]:
    """Yields the changes from `old` to `new`, two version directories, that break clients."""
    signatures_before, signatures = read_signatures(old), read_signatures(new)
    for name, before in signatures_before.items():
        if name not in signatures:
            again = f" (--signature {name} keeps it)" if name in OPTIONAL else ""
            yield f"signature {name} is gone{again}"
            continue
        where = f"signature {name}"
        yield from _inputs(where, before.inputs, signatures[name].inputs)
        yield from _outputs(where, before.outputs, signatures[name].outputs)
    labels_before, labels = _labels(old), _labels(new)
    if labels_before and labels and labels_before != labels:
        yield f"the labels were {', '.join(labels_before)} and are {', '.join(labels)}"


def read_signatures(version: Path) -> Mapping[str, Any]:
    """Returns the signatures (`SignatureDef`) of a SavedModel by name.

    Raises:
        UserError: the file is no SavedModel.
    """
    path = version / GRAPH
    proto = saved_model_pb2.SavedModel()
    try:
        proto.ParseFromString(path.read_bytes())
        signatures = proto.meta_graphs[0].signature_def
    except (OSError, DecodeError, IndexError) as error:
        raise UserError(
            f"{path}: cannot be compared with the new version ({error}). Remove {version} or add "
            "--allow-breaking."
        ) from error
    return {name: signature for name, signature in signatures.items() if name != _INTERNAL}


def _labels(version: Path) -> list[str]:
    """Returns the labels in their order; none where the export did not write them."""
    path = version / EXPORTED_LABELS
    return read_labels(path) if path.is_file() else []


def _inputs(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    yield from _changes(f"{where}: the input", before, after, _accepts)
    for name in sorted(set(after) - set(before)):
        yield f"{where}: the input {name} is new, and nobody sends it"


def _outputs(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    yield from _changes(f"{where}: the output", before, after, _may_equal)
    if len(before) == 1 < len(after):
        # REST omits the name of a single output.
        yield f"{where}: a second output makes REST answers objects, which were plain values"


def _changes(
    what: str, before: Mapping[str, Any], after: Mapping[str, Any], fits: Callable[[Any, Any], bool]
) -> Iterator[str]:
    for name in before:
        if name not in after:
            yield f"{what} {name} is gone"
        elif not fits(after[name], before[name]):
            yield f"{what} {name} was {_describe(before[name])} and is {_describe(after[name])}"


def _accepts(new: Any, old: Any) -> bool:
    """Whether every tensor that is valid for `old` is valid for `new`."""
    return new.dtype == old.dtype and (
        new.tensor_shape.unknown_rank
        or (not old.tensor_shape.unknown_rank and _match(new, old, lambda size, before: size in (-1, before)))
    )


def _may_equal(new: Any, old: Any) -> bool:
    """Whether the known dimensions of the two shapes are equal."""
    return new.dtype == old.dtype and (
        new.tensor_shape.unknown_rank
        or old.tensor_shape.unknown_rank
        or _match(new, old, lambda size, before: size == before or -1 in (size, before))
    )


def _match(new: Any, old: Any, fits: Callable[[int, int], bool]) -> bool:
    """Whether the ranks are the same and the sizes fit one by one."""
    sizes, before = _sizes(new), _sizes(old)
    return len(sizes) == len(before) and all(map(fits, sizes, before))


def _sizes(tensor: Any) -> list[int]:
    return [dimension.size for dimension in tensor.tensor_shape.dim]


def _describe(tensor: Any) -> str:
    dtype = types_pb2.DataType.Name(tensor.dtype).removeprefix("DT_").lower()
    if tensor.tensor_shape.unknown_rank:
        return f"{dtype} of any shape"
    return f"{dtype} [{', '.join('any' if size < 0 else str(size) for size in _sizes(tensor))}]"
