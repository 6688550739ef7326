"""The one table of tensor names: Keras weight paths, Hugging Face and TF1, and how the layouts differ.

Keras splits the attention projections by head, Hugging Face stores every dense kernel transposed, TF1
neither. The names are those of BertForPreTraining in Transformers and of google-research/bert.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from kerasbert.config import EncoderConfig
from kerasbert.errors import CheckpointError
from kerasbert.listing import join_first

Format = Literal["hugging_face", "tf1"]
Layout = Literal["same", "dense", "split", "split_bias", "merge", "transposed"]
Shapes = Mapping[str, tuple[int, ...]]

_LAYER = "transformer_layer_{n}/"
_HF = "bert.encoder.layer.{n}."
_TF1 = "bert/encoder/layer_{n}/"


@dataclass(frozen=True)
class TensorName:
    """One weight in three naming schemes; `{n}` is the number of the layer."""

    keras: str
    hugging_face: str
    tf1: str
    layout: Layout


def _dense(keras: str, hugging_face: str, tf1: str) -> list[TensorName]:
    return [
        TensorName(f"{keras}/kernel", f"{hugging_face}.weight", f"{tf1}/kernel", "dense"),
        TensorName(f"{keras}/bias", f"{hugging_face}.bias", f"{tf1}/bias", "same"),
    ]


def _norm(keras: str, hugging_face: str, tf1: str) -> list[TensorName]:
    return [
        TensorName(f"{keras}/gamma", f"{hugging_face}.LayerNorm.weight", f"{tf1}/LayerNorm/gamma", "same"),
        TensorName(f"{keras}/beta", f"{hugging_face}.LayerNorm.bias", f"{tf1}/LayerNorm/beta", "same"),
    ]


def _embedding(keras: str, name: str) -> TensorName:
    return TensorName(
        f"{keras}/embeddings", f"bert.embeddings.{name}.weight", f"bert/embeddings/{name}", "same"
    )


def _below(place: str) -> tuple[str, str]:
    """Returns the Hugging Face and the TF1 name of a place in a layer."""
    return _HF + place, _TF1 + place.replace(".", "/")


def _attention(name: str) -> list[TensorName]:
    keras = f"{_LAYER}self_attention_layer/{name}"
    hugging_face, tf1 = _below(f"attention.self.{name}")
    return [
        TensorName(f"{keras}/kernel", f"{hugging_face}.weight", f"{tf1}/kernel", "split"),
        TensorName(f"{keras}/bias", f"{hugging_face}.bias", f"{tf1}/bias", "split_bias"),
    ]


def _attention_output() -> list[TensorName]:
    keras = f"{_LAYER}self_attention_layer/attention_output"
    kernel, bias = _dense(keras, *_below("attention.output.dense"))
    return [replace(kernel, layout="merge"), bias]


_TRANSFORM = "cls/predictions/transform"
TABLE: tuple[TensorName, ...] = (
    _embedding("token_embedding", "word_embeddings"),
    _embedding("position_embedding", "position_embeddings"),
    _embedding("segment_embedding", "token_type_embeddings"),
    *_norm("embeddings_layer_norm", "bert.embeddings", "bert/embeddings"),
    *_attention("query"),
    *_attention("key"),
    *_attention("value"),
    *_attention_output(),
    *_norm(f"{_LAYER}self_attention_layer_norm", *_below("attention.output")),
    *_dense(f"{_LAYER}feedforward_intermediate_dense", *_below("intermediate.dense")),
    *_dense(f"{_LAYER}feedforward_output_dense", *_below("output.dense")),
    *_norm(f"{_LAYER}feedforward_layer_norm", *_below("output")),
    *_dense("pooled_dense", "bert.pooler.dense", "bert/pooler/dense"),
    *_dense("mlm_head/intermediate_dense", "cls.predictions.transform.dense", f"{_TRANSFORM}/dense"),
    *_norm("mlm_head/intermediate_layer_norm", "cls.predictions.transform", _TRANSFORM),
    TensorName("mlm_head/output_bias", "cls.predictions.bias", "cls/predictions/output_bias", "same"),
    TensorName(
        "nsp_head/kernel", "cls.seq_relationship.weight", "cls/seq_relationship/output_weights", "transposed"
    ),
    TensorName("nsp_head/bias", "cls.seq_relationship.bias", "cls/seq_relationship/output_bias", "same"),
    TensorName("logits/kernel", "classifier.weight", "output_weights", "transposed"),
    TensorName("logits/bias", "classifier.bias", "output_bias", "same"),
)
HEADS = ("mlm_head", "nsp_head")
# The weights with one row for each token.
OF_TOKENS = ("token_embedding/embeddings", "mlm_head/output_bias")
# What DataParallel, torch.compile and modules around a BERT put before its names.
_WRAPPERS = ("module", "model", "_orig_mod")
_BY_KERAS = {row.keras: row for row in TABLE}


def find(path: str) -> tuple[TensorName, int] | None:
    """Returns the row of a Keras weight path and the number of its layer, or None."""
    layer = re.match(r"transformer_layer_(\d+)/", path)
    number = int(layer[1]) if layer else 0
    row = _BY_KERAS.get(_LAYER + path[layer.end() :] if layer else path)
    return (row, number) if row else None


def layer_number(path: str) -> int | None:
    """Returns the number of the transformer layer that a Keras weight is of, if it is of one."""
    found = re.match(r"transformer_layer_(\d+)/", path)
    return int(found[1]) if found else None


def file_name(path: str, form: Format) -> str:
    """Returns the name of a Keras weight in a file of format `form`."""
    row, number = _row(path)
    return (row.hugging_face if form == "hugging_face" else row.tf1).replace("{n}", str(number))


def file_shape(path: str, shape: tuple[int, ...], form: Format) -> tuple[int, ...]:
    """Returns the shape that a Keras weight of `shape` has in a file."""
    layout = _row(path)[0].layout
    flat = _flat(shape, layout)
    return flat[::-1] if _is_transposed(layout, form) else flat


def to_file(path: str, weight: np.ndarray, form: Format) -> np.ndarray:
    """Returns a Keras weight as it lies in a file."""
    layout = _row(path)[0].layout
    flat = weight.reshape(_flat(weight.shape, layout))
    return np.ascontiguousarray(flat.T if _is_transposed(layout, form) else flat)


def from_file(path: str, tensor: np.ndarray, shape: tuple[int, ...], form: Format) -> np.ndarray:
    """Returns a tensor of a file as the Keras weight `path` of `shape`, float32."""
    flat = tensor.T if _is_transposed(_row(path)[0].layout, form) else tensor
    return np.ascontiguousarray(flat, np.float32).reshape(shape)


def without_wrapper(name: str, separator: str) -> str:
    """Returns the name of a tensor without what wraps the model, such as `module.`."""
    while name.partition(separator)[0] in _WRAPPERS:
        name = name.partition(separator)[2]
    return name


def backbone_shapes(config: EncoderConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of the encoder's weights by Keras path, without building it."""
    hidden, heads, inner = config.hidden_dim, config.num_heads, config.intermediate_dim
    split = (heads, hidden // heads)
    layer = {
        **{f"self_attention_layer/{part}/kernel": (hidden, *split) for part in ("query", "key", "value")},
        **{f"self_attention_layer/{part}/bias": split for part in ("query", "key", "value")},
        "self_attention_layer/attention_output/kernel": (*split, hidden),
        "self_attention_layer/attention_output/bias": (hidden,),
        "self_attention_layer_norm/gamma": (hidden,),
        "self_attention_layer_norm/beta": (hidden,),
        "feedforward_intermediate_dense/kernel": (hidden, inner),
        "feedforward_intermediate_dense/bias": (inner,),
        "feedforward_output_dense/kernel": (inner, hidden),
        "feedforward_output_dense/bias": (hidden,),
        "feedforward_layer_norm/gamma": (hidden,),
        "feedforward_layer_norm/beta": (hidden,),
    }
    return {
        "token_embedding/embeddings": (vocabulary_size, hidden),
        "position_embedding/embeddings": (config.max_positions, hidden),
        "segment_embedding/embeddings": (2, hidden),
        "embeddings_layer_norm/gamma": (hidden,),
        "embeddings_layer_norm/beta": (hidden,),
        **{
            f"transformer_layer_{n}/{path}": shape
            for n in range(config.num_layers)
            for path, shape in layer.items()
        },
        "pooled_dense/kernel": (hidden, hidden),
        "pooled_dense/bias": (hidden,),
    }


def head_shapes(config: EncoderConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of the pre-training heads' weights by Keras path."""
    hidden = config.hidden_dim
    return {
        "mlm_head/output_bias": (vocabulary_size,),
        "mlm_head/intermediate_dense/kernel": (hidden, hidden),
        "mlm_head/intermediate_dense/bias": (hidden,),
        "mlm_head/intermediate_layer_norm/gamma": (hidden,),
        "mlm_head/intermediate_layer_norm/beta": (hidden,),
        "nsp_head/kernel": (hidden, 2),
        "nsp_head/bias": (2,),
    }


def require_partners(where: str, wanted: Shapes, stored: Shapes, form: Format) -> None:
    """Raises unless the file has each wanted weight in its shape, and nothing else.

    Args:
        where: the file, for the message.
        wanted: shapes of the weights by Keras path.
        stored: shapes of the tensors by their name in the file.
        form: of the file.
    """
    expected = {file_name(path, form): file_shape(path, shape, form) for path, shape in wanted.items()}
    faults = [f"{name} is missing" for name in expected if name not in stored]
    faults += [f"{name} has no place in the model" for name in stored if name not in expected]
    faults += [
        f"{name} is {list(stored[name])} instead of {list(shape)}"
        for name, shape in expected.items()
        if name in stored and tuple(stored[name]) != shape
    ]
    if faults:
        raise CheckpointError(
            f"{where}: is not the BERT that its configuration describes: {shorten(faults)}. "
            "Check that the files belong together."
        )


def shorten(faults: Sequence[str], most: int = 3) -> str:
    """Returns the first faults in one line, whatever the names in them hold."""
    line = join_first(
        [fault if len(fault) <= 200 else f"{fault[:99]}...{fault[-99:]}" for fault in faults], most
    )
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


def _row(path: str) -> tuple[TensorName, int]:
    found = find(path)
    if found is None:
        raise CheckpointError(f"{path}: is no weight of a BERT with its usual heads.")
    return found


def _flat(shape: tuple[int, ...], layout: Layout) -> tuple[int, ...]:
    if layout == "split":
        return shape[0], shape[1] * shape[2]
    if layout == "merge":
        return shape[0] * shape[1], shape[2]
    return (shape[0] * shape[1],) if layout == "split_bias" else shape


def _is_transposed(layout: Layout, form: Format) -> bool:
    return layout == "transposed" or (form == "hugging_face" and layout in ("dense", "split", "merge"))
