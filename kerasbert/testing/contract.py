"""Contract tests of tasks. Plugin authors subclass `TaskContract`; `plugins check` also runs it."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from kerasbert.config import Config, DecisionConfig, EncoderConfig, HeadConfig, dump_yaml, merge, parse_config
from kerasbert.data import Columns, load_rows, read_valid_rows, sort_labels
from kerasbert.export import export_model
from kerasbert.layout import is_version
from kerasbert.models import Classifier, build_backbone, build_model
from kerasbert.tasks import SampleData, Task, get_task
from kerasbert.tasks.decision import confidence, decide
from kerasbert.tasks.metrics import decisions
from kerasbert.training import prepare, train

HOSTILE_TEXTS = (
    "",
    " ",
    "\0",
    "前\0后",
    "\u200b",
    "😀👨‍👩‍👧",
    "ＶＸ１２３",
    "n\u0303",
    "\ufeff",
    "长" * 100_000,
    "a" * 1000,
)
_TINY: dict[str, Any] = {
    "backbone": {"num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32},
    "training": {"epochs": 1, "batch_size": 32, "max_length": 32, "learning_rate": 1e-3},
}


class TaskContract:
    """The contract as tests. In a plugin: `class TestMine(TaskContract): name = "mine"`.

    Attributes:
        name: name of the task.
        labels: labels to test a task with if its labels come from the data.
    """

    name: ClassVar[str]
    labels: ClassVar[tuple[str, ...]] = ("a", "b", "c")

    @property
    def task_class(self) -> type[Task]:
        """The task under test."""
        return get_task(self.name)

    def make_task(self) -> Task:
        """Returns the task with its fixed labels, or with `labels`."""
        return self.task_class(self.task_class.fixed_labels or self.labels)

    def test_says_what_it_is(self) -> None:
        """Name, summary and labels are valid."""
        task = self.task_class
        assert task.name == self.name, f"name is {task.name!r}"
        assert task.summary, "summary is empty"
        labels = task.fixed_labels
        assert isinstance(labels, tuple | list), f"fixed_labels must be a tuple, is {labels!r}"
        assert len(labels) != 1, "one label leaves nothing to decide"
        assert len(set(labels)) == len(labels), "a label repeats"
        assert all(label.strip() == label and "\n" not in label for label in labels)

    def test_defaults_are_valid(self) -> None:
        """The defaults are a valid configuration, and the options can be written as YAML."""
        self._config()
        dump_yaml(self.make_task().options.model_dump())

    def test_cleaning_is_total(self) -> None:
        """Cleaning works in a graph and maps any string to one string."""
        clean = tf.function(self.make_task().clean, input_signature=[tf.TensorSpec([None], tf.string)])
        for texts in (HOSTILE_TEXTS, ()):
            cleaned = clean(tf.constant(texts, tf.string, shape=[len(texts)]))
            assert cleaned.dtype == tf.string
            assert cleaned.shape == [len(texts)], f"{len(texts)} texts became {cleaned.shape}"
            for text in cleaned.numpy():
                text.decode("utf-8")

    def test_head_gives_logits(self) -> None:
        """The head returns float32 logits, one per label, for any length; gradients reach the encoder."""
        task = self.make_task()
        model = self._model(task)
        for batch, length in ((1, 8), (3, 16)):
            shape = tuple(model(_inputs(batch, length)).shape)
            assert shape == (batch, len(task.labels)), f"logits are {shape} for {len(task.labels)} labels"
        assert model.output.dtype == "float32", f"logits are {model.output.dtype}"
        targets = task.targets([[label] for label in task.labels])
        inputs = _inputs(len(task.labels), 8)
        with tf.GradientTape() as tape:
            loss = task.loss()(targets, model(inputs, training=True))
        assert np.isfinite(loss), f"the loss is {loss}"
        gradient = tape.gradient(loss, model.encoder.token_embedding.embeddings.value)
        reaches = gradient is not None and tf.norm(tf.convert_to_tensor(gradient)) > 0
        assert reaches, "no gradient reaches the embeddings"

    def test_decision_is_consistent(self) -> None:
        """The outputs have the right types and shapes, and are consistent."""
        task = self.make_task()
        count = len(task.labels)
        for rows in (0, 1, 17):
            logits = np.random.default_rng(rows).normal(size=(rows, count)).astype(np.float32)
            outputs = {name: value.numpy() for name, value in task.decide(tf.constant(logits)).items()}
            probabilities, label_id = outputs["probabilities"], outputs["label_id"]
            assert probabilities.shape == (rows, count)
            assert probabilities.dtype == np.float32
            assert label_id.dtype == np.int64
            assert outputs["score"].dtype == np.float32
            assert all(len(value) == rows for value in outputs.values()), "an output lacks the batch"
            assert np.all((probabilities >= 0) & (probabilities <= 1))
            np.testing.assert_allclose(outputs["score"], probabilities[np.arange(rows), label_id])
            if {"selected", "given"} <= set(outputs):
                same = np.array_equal(outputs["selected"], outputs["given"])
                assert same, "selected differs from given, its old name: set both"
            taken = {"accepted", "distance"} & set(outputs)
            assert not taken, f"the output {taken.pop()} is the core's, which rejects answers"
            decided = decisions(outputs, count)
            for row in range(rows):
                chosen = [label for label, one in zip(task.labels, decided[row], strict=True) if one]
                joined = (task.label_separator or " ").join(chosen)
                assert outputs["label"][row].decode() == joined, "label differs from the selected labels"

    def test_decision_can_be_calibrated(self) -> None:
        """With a temperature and rejection the outputs are the task's own, from the calibrated logits."""
        task = self.make_task()
        logits = np.random.default_rng(0).normal(size=(17, len(task.labels))).astype(np.float32)
        config = DecisionConfig(temperature=2.0, reject_below=0.5)
        decided = tf.function(lambda logits: decide(task, config, logits))(tf.constant(logits))
        outputs = {name: value.numpy() for name, value in decided.items()}
        accepted = outputs.pop("accepted")
        for name, value in task.decide(tf.constant(logits / 2)).items():
            if value.dtype.is_floating:
                np.testing.assert_allclose(outputs[name], value, rtol=1e-5, atol=1e-6)
            else:
                assert np.array_equal(outputs[name], value), f"{name} depends on more than the logits"
        assert np.array_equal(accepted, confidence(outputs).numpy() >= 0.5)
        targets = task.targets([[label] for label in task.labels])
        chosen = task.calibrate(task.decide(tf.constant(targets))["probabilities"].numpy(), targets)
        assert isinstance(chosen, task.Options), f"calibrate returns {type(chosen).__name__}, not Options"

    def test_samples_are_valid(self) -> None:
        """The sample data, if any, covers all labels, and validation does not repeat training rows."""
        task = self.task_class
        if task.sample_data is None:
            return
        assert task.sample_texts, "sample_texts is empty"
        columns = Columns.from_config(self._config().data, task.label_separator)
        rows = load_rows([task.sample_data.train], columns)
        labels = task.fixed_labels or sort_labels(rows.label_counts)
        validation = read_valid_rows([task.sample_data.validation], columns, labels)
        assert not rows.left_out, f"{len(rows.left_out)} sample rows cannot be used"
        assert set(rows.label_counts) == set(labels), "the samples lack a label"
        seen = {(row.text, row.pair) for row in rows.rows}
        repeated = [row for row in validation.rows if (row.text, row.pair) in seen]
        assert not repeated, "validation repeats training texts"

    def test_trained_model_serves(self) -> None:
        """A model trained for one epoch on the samples, or on generated rows, can be exported."""
        with tempfile.TemporaryDirectory() as directory:
            sample = self.task_class.sample_data or self._made_up_rows(Path(directory))
            data = {"train": str(sample.train), "validation": str(sample.validation)}
            values = merge(self.task_class.defaults, merge(_TINY, {"task": self.name, "data": data}))
            config = parse_config(Config, values, where=self.name)
            config.run_dir = str(Path(directory) / "run")
            config.decision.accepted_accuracy, config.decision.reject_outliers = 0.9, 0.1
            result = train(prepare(config))
            assert np.isfinite(result.metrics["macro_f1"])
            assert {"accepted", "distance"} <= set(result.outputs)
            published = export_model(result.run.path, Path(directory) / "model")
            assert is_version(published.path)

    def _config(self) -> Config:
        defaults = merge({"task": self.name}, self.task_class.defaults)
        return parse_config(Config, defaults, where=f"defaults of {self.name}")

    def _made_up_rows(self, directory: Path) -> SampleData:
        labels = self.make_task().labels
        data = self._config().data
        texts, label_column = [data.text_column, data.pair_column or data.text_column], data.label_column
        lines = (
            json.dumps({**dict.fromkeys(texts, f"{label} {number}"), label_column: label})
            for number in range(8)
            for label in labels
        )
        path = directory / "rows.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        return SampleData(path, path)

    def _model(self, task: Task) -> Classifier:
        sizes = EncoderConfig(**_TINY["backbone"], max_positions=32, activation="gelu_tanh")
        return build_model(build_backbone(sizes, 50), task, HeadConfig())


def run_checks(task: type[Task]) -> Iterator[tuple[str, str | None]]:
    """Runs the contract on `task`; yields each check's name and its error, or None."""
    contract = type("Contract", (TaskContract,), {"name": task.name})()
    for name in (name for name in vars(TaskContract) if name.startswith("test_")):
        try:
            getattr(contract, name)()
        except Exception as error:  # a check of foreign code may fail in any way
            yield name.removeprefix("test_"), f"{type(error).__name__}: {error}".splitlines()[0]
        else:
            yield name.removeprefix("test_"), None


def _inputs(batch: int, length: int) -> dict[str, tf.Tensor]:
    ids = tf.random.stateless_uniform((batch, length), (0, 1), 5, 50, tf.int32)
    return {
        "token_ids": ids,
        "segment_ids": tf.zeros_like(ids),
        "padding_mask": tf.ones_like(ids),
    }
