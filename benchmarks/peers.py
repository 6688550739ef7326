"""How the contenders of serve_vs_peers.py are built and loaded.

A builder writes what a contender loads, `place`, from `folder`, which holds the run (`run`) and the same as a
Hugging Face folder (`hf`). A loader returns two functions of strings: to labels, which is timed, and to
probabilities, which is compared.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXPORTS: dict[str, dict[str, Any]] = {
    "float32": {},
    "bfloat16": {"precision": "bfloat16"},
    "int8": {"quantize": "int8"},
}
Classify = Callable[[list[str]], Any]  # to labels
Probabilities = Callable[[list[str]], list[list[float]]]  # of each text and label


@dataclass
class Model:
    """What is served.

    Attributes:
        labels: in the order of the probabilities.
        max_length: tokens of a row at most.
        heads: of attention.
        width: of the hidden states.
    """

    labels: list[str]
    max_length: int
    heads: int
    width: int


def build_kerashub(folder: Path, place: Path, variant: str, model: Model, length: int) -> None:
    import keras
    import keras_nlp
    import tensorflow as tf

    from kerasbert.checkpoints import RunDirectory
    from kerasbert.models.keras_hub_layers import sublayers

    run = RunDirectory(folder / "run").load()
    ours = run.model.encoder
    backbone = keras_nlp.models.BertBackbone.from_config(ours.get_config())
    backbone.set_weights(ours.get_weights())
    for theirs, layer in zip(backbone.transformer_layers, ours.transformer_layers, strict=True):
        # KerasHub's own is GELU's tanh approximation.
        sublayers(theirs).intermediate.activation = sublayers(layer).intermediate.activation
    lowercase = run.config.text.lowercase
    tokenizer = keras_nlp.models.BertTokenizer(
        list(run.text_graph.vocabulary.tokens), lowercase=lowercase, strip_accents=lowercase
    )
    preprocessor = keras_nlp.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=length)
    classifier = keras_nlp.models.BertTextClassifier(backbone, len(model.labels), preprocessor)
    classifier.get_layer("logits").set_weights(run.model.head.get_layer("logits").get_weights())
    preprocessor(tf.constant([""]))  # builds it
    archive = keras.export.ExportArchive()
    archive.track(classifier)
    archive.track(preprocessor)

    def serve(text: Any) -> dict[str, Any]:
        return {"probabilities": tf.nn.softmax(classifier(preprocessor(text), training=False))}

    strings = tf.TensorSpec([None], tf.string, name="text")
    archive.add_endpoint("serving_default", serve, input_signature=[strings])
    archive.write_out(str(place), verbose=False)
    write_tensors(place)


def build_kerasbert(folder: Path, place: Path, variant: str, model: Model, length: int) -> None:
    from kerasbert.export import export_model

    export_model(folder / "run", place, 1, **EXPORTS[variant])
    write_tensors(place / "1")


def write_tensors(model: Path) -> None:
    """Writes what the tensors of the default signature are called, beside the model."""
    from kerasbert.export import NativeModel

    signature = NativeModel(model).signatures["serving_default"]
    names = {
        name: tensor.name for part in (signature.inputs, signature.outputs) for name, tensor in part.items()
    }
    (model / "tensors.json").write_text(json.dumps(names))


def build_onnx(folder: Path, place: Path, variant: str, model: Model, length: int) -> None:
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    place.mkdir()
    tokenizer = AutoTokenizer.from_pretrained(folder / "hf").backend_tokenizer
    tokenizer.enable_truncation(model.max_length)
    tokenizer.enable_padding()
    tokenizer.save(str(place / "tokenizer.json"))
    # The optimizer knows the attention of the eager implementation.
    bert = AutoModelForSequenceClassification.from_pretrained(folder / "hf", attn_implementation="eager")
    bert.eval()
    ids, names = torch.ones(2, 16, dtype=torch.long), ["input_ids", "attention_mask", "token_type_ids"]
    raw, exported = place / "raw.onnx", place / "model.onnx"
    torch.onnx.export(
        bert,
        (ids, torch.ones_like(ids), torch.zeros_like(ids)),
        str(raw),
        input_names=names,
        output_names=["logits"],
        dynamic_axes={**{name: {0: "batch", 1: "length"} for name in names}, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    optimized = optimizer.optimize_model(str(raw), "bert", num_heads=model.heads, hidden_size=model.width)
    fused = optimized.get_fused_operator_statistics()
    if fused["Attention"] != bert.config.num_hidden_layers:
        raise RuntimeError(f"ONNX Runtime's optimizer did not fuse all attention. It fused: {fused}")
    optimized.save_model_to_file(str(exported))
    raw.unlink()
    if variant == "int8":
        # Shapes are not inferred through the fused operators: their tensors are float32 (1).
        options = {"DefaultTensorType": 1}
        quantize_dynamic(
            exported, exported, per_channel=True, weight_type=QuantType.QInt8, extra_options=options
        )


def load_transformers(folder: Path, place: Path, variant: str) -> tuple[Classify, Probabilities]:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    dtype = torch.bfloat16 if variant == "bfloat16" else torch.float32
    bert = AutoModelForSequenceClassification.from_pretrained(folder / "hf", dtype=dtype).eval()
    if variant == "compile":
        bert.compile(dynamic=True)
    tokenizer = AutoTokenizer.from_pretrained(folder / "hf")
    pipe = pipeline("text-classification", model=bert, tokenizer=tokenizer, device="cpu", truncation=True)
    labels = list(bert.config.id2label.values())

    def probabilities(texts: list[str]) -> list[list[float]]:
        answers = pipe(texts, batch_size=len(texts), top_k=None)
        scores = [{one["label"]: one["score"] for one in answer} for answer in answers]
        return [[score[label] for label in labels] for score in scores]

    return lambda texts: pipe(texts, batch_size=len(texts)), probabilities


def load_onnx(folder: Path, place: Path, variant: str) -> tuple[Classify, Probabilities]:
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = onnxruntime.InferenceSession(str(place / "model.onnx"), options)
    tokenizer = Tokenizer.from_file(str(place / "tokenizer.json"))
    labels = np.array((folder / "run" / "labels.txt").read_text(encoding="utf-8").splitlines())

    def logits(texts: list[str]) -> Any:
        rows = tokenizer.encode_batch(texts)
        columns = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
        feeds = {key: np.array([getattr(row, name) for row in rows]) for key, name in columns.items()}
        return session.run(["logits"], feeds)[0]

    def probabilities(texts: list[str]) -> list[list[float]]:
        powers = np.exp(logits(texts))
        return (powers / powers.sum(-1, keepdims=True)).tolist()

    return lambda texts: labels[logits(texts).argmax(-1)], probabilities


def load_saved_model(folder: Path, place: Path, variant: str) -> tuple[Classify, Probabilities]:
    import numpy as np

    from kerasbert.native.session import NativeSession

    model = place if (place / "tensors.json").exists() else place / "1"
    names = json.loads((model / "tensors.json").read_text())
    session = NativeSession(model)
    labels = np.array((folder / "run" / "labels.txt").read_text(encoding="utf-8").splitlines())

    def run(texts: list[str], *outputs: str) -> list[Any]:
        feeds = {names["text"]: np.array([text.encode() for text in texts], object)}
        return session.run(feeds, [names[output] for output in outputs])

    def classify(texts: list[str]) -> Any:
        if "label" in names:
            return run(texts, "label", "score")
        return labels[run(texts, "probabilities")[0].argmax(-1)]

    return classify, lambda texts: run(texts, "probabilities")[0].tolist()


BUILD = {"kerashub": build_kerashub, "onnx": build_onnx, "kerasbert": build_kerasbert}
LOAD = {
    "transformers": load_transformers,
    "onnx": load_onnx,
    "kerashub": load_saved_model,
    "kerasbert": load_saved_model,
}
