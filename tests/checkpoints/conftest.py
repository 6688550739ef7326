"""Checkpoints in the naming of Hugging Face and of Google, written out here and not taken from the table."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import tensorflow as tf

from kerasbert.text import SPECIAL_TOKENS

TOKENS = (*SPECIAL_TOKENS, *"手机酒店早餐衣服很好太差喜欢", "play", "##ing")
LAYERS, HIDDEN, HEADS, INNER, POSITIONS = 2, 24, 3, 40, 20
CONFIG = {
    "model_type": "bert",
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "max_position_embeddings": POSITIONS,
    "vocab_size": len(TOKENS),
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "type_vocab_size": 2,
}


def dense(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.LayerNorm.weight": (HIDDEN,), f"{name}.LayerNorm.bias": (HIDDEN,)}


def shapes() -> dict[str, tuple[int, ...]]:
    found = {
        "bert.embeddings.word_embeddings.weight": (len(TOKENS), HIDDEN),
        "bert.embeddings.position_embeddings.weight": (POSITIONS, HIDDEN),
        "bert.embeddings.token_type_embeddings.weight": (2, HIDDEN),
        **norm("bert.embeddings"),
        **dense("bert.pooler.dense", HIDDEN, HIDDEN),
        **dense("cls.predictions.transform.dense", HIDDEN, HIDDEN),
        **norm("cls.predictions.transform"),
        "cls.predictions.bias": (len(TOKENS),),
        **dense("cls.seq_relationship", 2, HIDDEN),
    }
    for n in range(LAYERS):
        layer = f"bert.encoder.layer.{n}"
        for part in ("query", "key", "value"):
            found |= dense(f"{layer}.attention.self.{part}", HIDDEN, HIDDEN)
        found |= dense(f"{layer}.attention.output.dense", HIDDEN, HIDDEN)
        found |= norm(f"{layer}.attention.output")
        found |= dense(f"{layer}.intermediate.dense", INNER, HIDDEN)
        found |= dense(f"{layer}.output.dense", HIDDEN, INNER)
        found |= norm(f"{layer}.output")
    return found


@pytest.fixture
def tokens() -> tuple[str, ...]:
    """The vocabulary of the checkpoints."""
    return TOKENS


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    """BertForPreTraining as Transformers writes it."""
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes().items()}


@pytest.fixture
def hugging_face(tmp_path: Path):
    """Writes a Hugging Face folder and returns it."""

    def write(tensors: Mapping[str, np.ndarray], tokenizer: dict | None = None, shards=(), **config) -> Path:
        directory = tmp_path / "hugging_face"
        directory.mkdir(exist_ok=True)
        (directory / "config.json").write_text(json.dumps({**CONFIG, **config}))
        (directory / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS), encoding="utf-8")
        if tokenizer is not None:
            (directory / "tokenizer_config.json").write_text(json.dumps(tokenizer))
        files: dict[str, dict[str, np.ndarray]] = {}
        for n, (name, tensor) in enumerate(tensors.items()):
            file = shards[n % len(shards)] if shards else "model.safetensors"
            files.setdefault(file, {})[name] = np.ascontiguousarray(tensor)
        for file, part in files.items():
            safetensors.numpy.save_file(part, directory / file)
        if shards:
            index = {"weight_map": {name: file for file, part in files.items() for name in part}}
            (directory / "model.safetensors.index.json").write_text(json.dumps(index))
        return directory

    return write


def google_name(name: str) -> str:
    """The way back from the renaming in Transformers' conversion script."""
    name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    name = name.replace("cls.predictions.bias", "cls.predictions.output_bias")
    name = re.sub(r"seq_relationship\.(weight|bias)", r"seq_relationship.output_\1", name)
    name = name.replace("output_weight", "output_weights")
    name = re.sub(r"(_embeddings)\.weight", r"\1", name)
    name = re.sub(r"\.weight$", ".kernel", name)
    return re.sub(r"layer\.(\d+)", r"layer_\1", name).replace(".", "/")


@pytest.fixture
def google(tmp_path: Path):
    """Writes a TF1 checkpoint, given the tensors of Hugging Face, and returns its folder."""

    def write(
        tensors: Mapping[str, np.ndarray], more=(), tokens=TOKENS, prefix="bert_model", step=None, **config
    ) -> Path:
        directory = tmp_path / "google"
        directory.mkdir(exist_ok=True)
        values = {key: value for key, value in CONFIG.items() if key not in ("model_type", "layer_norm_eps")}
        (directory / "bert_config.json").write_text(json.dumps({**values, **config}))
        (directory / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            for name, tensor in tensors.items():
                new = google_name(name)
                v1.get_variable(new, initializer=tensor.T if new.endswith("kernel") else tensor)
            for name, tensor in dict(more).items():
                v1.get_variable(name, initializer=tensor)
            session.run(v1.global_variables_initializer())
            v1.train.Saver().save(session, str(directory / f"{prefix}.ckpt"), global_step=step)
        return directory

    return write
