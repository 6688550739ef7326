"""Hugging Face folders: `config.json`, `tokenizer_config.json`, `vocab.txt`, `model.safetensors`."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import safetensors.numpy

from kerasbert.checkpoints.backbone_source import BackboneSource, fill_source
from kerasbert.checkpoints.bert_config import read_bert_config, read_json, write_bert_config
from kerasbert.checkpoints.families import Family, find_family
from kerasbert.checkpoints.fold import fold
from kerasbert.checkpoints.safetensors_files import INDEX, WEIGHTS, SafetensorsFiles
from kerasbert.checkpoints.tensor_names import file_name, find, shorten, to_file, without_wrapper
from kerasbert.checkpoints.tokenizer_files import read_tokenizer, write_tokenizer
from kerasbert.config import EncoderConfig, TextConfig
from kerasbert.errors import CheckpointError, ConfigError
from kerasbert.files import atomic_path, make_directory, write_json
from kerasbert.text import Vocabulary

CONFIG = "config.json"
_OLD_CONFIG = "bert_config.json"
_DTYPES = ("float32", "float16")
_PICKLED = "pytorch_model*.bin"
# Takes the tensors and nothing else: `weights_only` runs no code, and no model adds weights of its own.
_CONVERT = (
    "import glob, sys, torch; from safetensors.torch import save_file; d = sys.argv[1]; "
    'files = sorted(glob.glob(glob.escape(d) + "/pytorch_model*.bin")); '
    'parts = [torch.load(f, map_location="cpu", weights_only=True) for f in files]; '
    "save_file({k: v.clone().contiguous() for p in parts for k, v in p.items()}, "
    'd + "/model.safetensors", metadata={"format": "pt"})'
)
_FOREIGN = ("*.h5", "*.msgpack", "*.pt", "*.pth", "*.bin", "*.onnx", "*.gguf")
# Buffers rather than weights; older files hold them too.
_BUFFERS = ("bert.embeddings.position_ids", "bert.embeddings.token_type_ids")
_TIED = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
_ARCHITECTURES = {
    (): "BertModel",
    ("mlm_head",): "BertForMaskedLM",
    ("nsp_head",): "BertForNextSentencePrediction",
    ("mlm_head", "nsp_head"): "BertForPreTraining",
    ("logits",): "BertForSequenceClassification",
}


@dataclass(frozen=True)
class Classes:
    """The classifier of a folder."""

    labels: Sequence[str]  # in the order of the logits
    several: bool  # whether a row may have several labels
    max_length: int  # tokens, where a tokenizer should cut


def is_hugging_face(directory: Path) -> bool:
    """Whether `path` looks like such a folder. Early conversions kept Google's name of the configuration."""
    weights = any(directory.glob("*.safetensors")) or any(directory.glob(_PICKLED))
    return (directory / CONFIG).is_file() or (weights and (directory / _OLD_CONFIG).is_file())


def read_hugging_face(directory: Path, source: str) -> BackboneSource:
    """Reads the encoder, and the pre-training heads if there are any.

    Raises:
        CheckpointError: a file is missing or damaged, or the model is not a BERT that kerasbert can build.
    """
    config_file = directory / CONFIG
    if not config_file.is_file() and (directory / _OLD_CONFIG).is_file():
        config_file = directory / _OLD_CONFIG
    config = read_bert_config(config_file, source)
    values = read_json(config_file)
    family = find_family(config_file, values)
    if not (directory / WEIGHTS).is_file() and not (directory / INDEX).is_file():
        raise CheckpointError(_no_weights(directory))
    tokenizer = read_tokenizer(directory)
    files = SafetensorsFiles(directory)
    names: dict[str, str] = {}
    for name in files.shapes:
        usual = _usual(name, family)
        if names.setdefault(usual, name) != name:
            both = shorten([name, names[usual]])
            raise CheckpointError(f"{files.path}: {both} are the same weight.")
    for buffer in _BUFFERS:
        names.pop(buffer, None)
    _untie(files, names)
    task_head = [name for name in names if name.startswith(family.task_heads)]
    notes = list(tokenizer.notes)
    if task_head:
        notes.append(f"{shorten(task_head)} stayed behind: the head of another task")
    for name in task_head:
        del names[name]
    stored, read, folded = fold(
        str(files.path),
        {usual: files.shapes[name] for usual, name in names.items()},
        lambda usual: files.read(names[usual]),
        family,
        values,
    )
    return fill_source(
        str(files.path),
        stored,
        read,
        "hugging_face",
        config,
        tokenizer.vocabulary,
        config_file=config_file,
        text=tokenizer.text,
        format="Hugging Face folder" + (f" of {family.name}" if family.name != "BERT" else ""),
        dtype=files.dtype,
        notes=[*notes, *folded],
        directory=directory,
    )


def save_hugging_face(
    directory: Path,
    model: keras.Model | Mapping[str, np.ndarray],
    config: EncoderConfig,
    text: TextConfig,
    vocabulary: Vocabulary,
    dtype: str = "float32",
    classes: Classes | None = None,
) -> None:
    """Writes a model as a folder that Transformers and `backbone.source` read; the weights come last.

    Args:
        directory: is made if need be; its files of these names are replaced.
        model: holds the layer `backbone`, and perhaps `mlm_head`, `nsp_head` or the classifier `logits`; or
            such weights by Keras path.
        config: of the encoder.
        text: of the vocabulary.
        vocabulary: its rows are those of the token embedding.
        dtype: float32 or float16, of the numbers in the file.
        classes: of the classifier, if the model is one.
    """
    if dtype not in _DTYPES:
        raise ConfigError(f"dtype: must be one of {', '.join(_DTYPES)}. Received: {dtype!r}")
    weights = model
    if not isinstance(model, Mapping):
        weights = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    foreign = [path for path in weights if find(path) is None]
    if foreign:
        raise CheckpointError(
            f"{directory}: Hugging Face's BERT has no place for {shorten(foreign)}. Save the backbone alone."
        )
    heads = tuple(
        name
        for name in ("mlm_head", "nsp_head", "logits")
        if any(path.startswith(f"{name}/") for path in weights)
    )
    # A bare BertModel has no prefix, all others have one.
    prefix = "bert." if heads else ""
    tensors = {
        file_name(path, "hugging_face").replace("bert.", prefix, 1): _in_dtype(path, weight, dtype)
        for path, weight in weights.items()
    }
    values = {
        "architectures": [_ARCHITECTURES[heads]],
        **write_bert_config(config),
        "vocab_size": len(vocabulary),
        "pad_token_id": vocabulary.pad,
        "torch_dtype": dtype,
    }
    if classes:
        values["id2label"] = {str(number): label for number, label in enumerate(classes.labels)}
        values["label2id"] = {label: number for number, label in enumerate(classes.labels)}
        kind = "multi" if classes.several else "single"
        values["problem_type"] = f"{kind}_label_classification"
    make_directory(directory)
    write_json(directory / CONFIG, values)
    write_tokenizer(directory, text, vocabulary, classes.max_length if classes else config.max_positions)
    with atomic_path(directory / WEIGHTS) as temporary:
        # Not save_file, whose files only their owner can read.
        temporary.write_bytes(safetensors.numpy.save(tensors, metadata={"format": "pt"}))


def _usual(name: str, family: Family) -> str:
    """Returns the name that today's BertForPreTraining gives a tensor."""
    name = family.usual_name(without_wrapper(name, "."))
    # The names of the first conversions from TF1.
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def _untie(files: SafetensorsFiles, names: dict[str, str]) -> None:
    """Drops tensors that are tied to another, or gives them its name if it is missing."""
    for copy, original in _TIED.items():
        if copy not in names:
            continue
        if original not in names:
            names[original] = names.pop(copy)
        elif not np.array_equal(files.read(names[copy]), files.read(names[original])):
            raise CheckpointError(
                f"{files.path}: {copy} is not {original}. A masked LM head with an output matrix "
                "of its own has no place in the model."
            )
        else:
            del names[copy]


def _in_dtype(path: str, weight: np.ndarray, dtype: str) -> np.ndarray:
    if dtype == "float16" and np.abs(weight).max(initial=0) > np.finfo(np.float16).max:
        raise CheckpointError(f"{path}: holds numbers too large for float16. Use float32.")
    return to_file(path, weight.astype(dtype), "hugging_face")


def _no_weights(directory: Path) -> str:
    pickled = sorted(path.name for path in directory.glob(_PICKLED))
    if pickled:
        return (
            f"{directory}: has its weights in {shorten(pickled)} only, and kerasbert never opens a pickle. "
            f"PyTorch converts what is in it: python -c '{_CONVERT}' {shlex.quote(str(directory))}"
        )
    others = sorted(path.name for name in _FOREIGN for path in directory.glob(name))
    seen = f" It has {shorten(others)}, which kerasbert does not read." if others else ""
    return f"{directory}: has no {WEIGHTS}.{seen}"
