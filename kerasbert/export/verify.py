"""The gate before publishing: the native loader must answer what the trainer answers."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from kerasbert.deployment import Memory
from kerasbert.errors import ExportError
from kerasbert.export.native import NativeModel, strings
from kerasbert.models import TextClassifier

# Largest difference of a float output from the trainer's; of a vector, as a share of its length.
TOLERANCE = {"float32": 1e-5, "bfloat16": 5e-2, "int8": 0.2}

# Ordinary and hostile texts; the tasks add their own samples.
_PROBES = (
    *(
        text.encode()
        for text in (
            "",
            "房间干净，服务员很热情。",
            "等了两个小时才送到，饭都凉了！",
            "今晚八点半决赛，主队2比1逆转",
            "The battery lasts two days, great value.",
            "全角ＡＢＣ１２３与半角abc123",
            "繁體字與简体字混排",
            "emoji 😀👍🏽 和 ZWJ 👨‍👩‍👧",
            "naïve café façade",
            "ひらがなカタカナ漢字",
            "前\0后",
            "\u200b零\u200b宽\u200b",
            "x" * 300,
            "很长的文本。" * 400,
        )
    ),
    b"\xff\xfe invalid \xe4\xbd",
    b"\xe4\xbd\xa0\xe5\xa5",
)


def verify(path: Path, classifier: TextClassifier, arithmetic: str) -> Memory:
    """Checks the SavedModel at `path` in the native loader: each signature, batch 0, 1 and many.

    Args:
        path: the version directory.
        classifier: the trained one.
        arithmetic: of the SavedModel: `float32`, `bfloat16` or `int8`.

    Returns:
        What the native process took.

    Raises:
        ExportError: it does not load, fails to run, or answers otherwise than `classifier`.
    """
    model = NativeModel(path)
    if any("_XlaMustCompile" in function.attr for function in model.graph.library.function):
        raise ExportError("the graph demands XLA, which TensorFlow Serving switches off.")
    texts = [*_PROBES, *(text.encode() for text in classifier.task.sample_texts)]
    vectors = "embed" in model.signatures
    with _without_tf32():
        cases = [
            case
            for count in (0, 1, len(texts))
            for case in _cases(classifier, texts[-count:] if count else [], vectors)
        ]
    requests = [(name, inputs) for name, inputs, _ in cases]
    *answers, explanation = model.run([*requests, ("explain", _explained(classifier))])
    _check_complete(explanation)
    # Elsewhere a probability may cross the decision's border and change a label.
    exact = arithmetic == "float32"
    for (name, inputs, outputs), answer in zip(cases, answers, strict=True):
        batch = len(next(iter(inputs.values())))
        _compare(f"signature {name}, batch {batch}", answer, outputs, TOLERANCE[arithmetic], exact)
    assert model.memory is not None  # it ran
    return model.memory


@contextlib.contextmanager
def _without_tf32() -> Iterator[None]:
    """Makes float32 products of a GPU exact in the block: TF32 keeps 10 bits, and the tolerance is finer."""
    config = tf.config.experimental
    before = config.tensor_float_32_execution_enabled()
    config.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        config.enable_tensor_float_32_execution(before)


def _cases(
    classifier: TextClassifier, texts: Sequence[bytes], vectors: bool
) -> list[tuple[str, dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Returns (signature, inputs, what the trainer answers) for one batch, with `embed` if `vectors`."""
    names = ("text", "pair") if classifier.takes_pairs else ("text",)
    columns = {name: strings(texts) for name in names}
    if classifier.takes_pairs:
        columns["pair"] = strings(list(reversed(texts)))
    outputs = classifier.predict(*(column.tolist() for column in columns.values()))
    tensors = [tf.constant(column.tolist(), tf.string, shape=[len(texts)]) for column in columns.values()]
    packed = classifier.text_graph(*tensors)
    examples = [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[column[row]]))
                    for name, column in columns.items()
                }
            )
        ).SerializeToString()
        for row in range(len(texts))
    ]
    classified = {
        "classes": np.tile(strings([label.encode() for label in classifier.labels]), (len(texts), 1)),
        "scores": outputs["probabilities"],
    }
    cases = [
        ("serving_default", columns, outputs),
        ("classify", {"inputs": strings(examples)}, classified),
        ("token_ids", {name: tensor.numpy() for name, tensor in packed.items()}, outputs),
    ]
    if vectors:
        cases.append(("embed", columns, {"vector": classifier.vectors(*tensors).numpy()}))
    return cases


def _explained(classifier: TextClassifier) -> dict[str, np.ndarray]:
    """Returns a request to explain few and short texts: long ones take hundreds of passes."""
    texts = strings([text for text in _PROBES if 0 < len(text) < 40])
    inputs = {"text": texts, "label": strings([classifier.labels[0].encode()] * len(texts))}
    return {**inputs, "pair": texts[::-1]} if classifier.takes_pairs else inputs


def _check_complete(explanation: Mapping[str, np.ndarray]) -> None:
    total = sum(values.sum(axis=1) for name, values in explanation.items() if "attributions" in name)
    missed = np.abs(total - (explanation["score"] - explanation["baseline_score"]))
    if not np.allclose(missed, explanation["error"], atol=1e-3):
        raise ExportError("signature explain: the attributions do not sum to what it says.")


def _compare(
    where: str,
    answer: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    tolerance: float,
    exact: bool,
) -> None:
    if set(answer) != set(expected):
        raise ExportError(f"{where}: gives {sorted(answer)}, the trainer {sorted(expected)}.")
    for name, wanted in expected.items():
        got = answer[name]
        if got.shape != wanted.shape or got.dtype != wanted.dtype:
            raise ExportError(
                f"{where}: {name} is {got.dtype} {got.shape}, the trainer's {wanted.dtype} {wanted.shape}."
            )
        if np.issubdtype(wanted.dtype, np.floating):
            difference = float(np.max(_differences(name, got, wanted), initial=0.0))
            if not difference <= tolerance:
                raise ExportError(
                    f"{where}: {name} differs from the trainer's by {difference:.1e}, more than {tolerance}."
                )
        elif exact and not np.array_equal(got, wanted):
            raise ExportError(f"{where}: {name} differs from the trainer's.")


def _differences(name: str, got: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    if name != "vector":
        return np.abs(got - wanted)
    # Its elements have no scale of their own.
    return np.linalg.norm(got - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
