import importlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_recall_fscore_support
from tensorflow.python.framework.config import disable_op_determinism

from kerasbert.checkpoints import RunDirectory
from kerasbert.config import Config
from kerasbert.data import Rows
from kerasbert.engine.history import History
from kerasbert.engine.progress_reporter import ProgressReporter
from kerasbert.errors import CheckpointError, ConfigError, KerasBertError, UserError
from kerasbert.evaluation import evaluate
from kerasbert.models import TextClassifier
from kerasbert.training import TrainResult, prepare, train
from kerasbert.training.validation import Validation

pytestmark = pytest.mark.process

EPOCHS = 12


@pytest.fixture(scope="module")
def overfit(trained: TrainResult, reviews_file: Path, tmp_path_factory) -> TrainResult:
    """A longer run on the reviews, validated on its own rows."""
    config = trained.prepared.config.model_copy(deep=True)
    config.data.validation = [str(reviews_file)]
    config.run_dir = str(tmp_path_factory.mktemp("overfit") / "run")
    config.training.epochs = EPOCHS
    return train(prepare(config))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Returns a function that writes rows and returns the path."""

    def rows(records: list[dict], name: str = "rows.jsonl") -> str:
        text = "\n".join(json.dumps(record) for record in records)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return rows


def history(run: RunDirectory) -> list[dict]:
    return [json.loads(line) for line in run.history.read_text(encoding="utf-8").splitlines()]


def metrics(run: RunDirectory) -> dict:
    return json.loads(run.metrics.read_text(encoding="utf-8"))


def weights(result: TrainResult) -> list[np.ndarray]:
    return result.classifier.model.get_weights()


def equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def loss_of(truth: list[str], probabilities: np.ndarray, **more) -> float:
    """Of scikit-learn, which wants float64 that sums to one."""
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    return log_loss(truth, exact, labels=sorted(set(truth)), **more)


def accuracy_of(run: RunDirectory, rows: Rows) -> float:
    """Of the run, loaded from its files."""
    decided = [label.decode() for label in run.load().predict(rows.texts, rows.pairs)["label"]]
    return accuracy_score([label for (label,) in rows.labels], decided)


@pytest.fixture
def weights_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[Config], list[np.ndarray]]:
    """Returns a function that trains without the figures at the end and returns the best weights."""
    module = importlib.import_module("kerasbert.training.train")
    monkeypatch.setattr(module, "finish", lambda prepared, run, *rest: (prepared, run))

    def run(config: Config) -> list[np.ndarray]:
        prepared, directory = train(config)
        classifier = TextClassifier(prepared.config, prepared.task, prepared.vocabulary)
        return directory.load_weights_into(classifier).model.get_weights()

    return run


# What a run reaches and leaves behind


def test_single_words_are_learned(overfit: TrainResult):
    assert overfit.metrics["accuracy"] == 1.0
    assert overfit.metrics["macro_f1"] == 1.0


def test_the_best_epoch_is_that_of_the_history(overfit: TrainResult):
    best = max(history(overfit.run), key=lambda line: (line["val_macro_f1"], -line["val_loss"]))
    assert overfit.metrics["best_epoch"] == best["epoch"]
    assert [line["best"] for line in history(overfit.run)].count(True) >= 1


def test_the_saved_weights_are_those_of_the_best_epoch(overfit: TrainResult):
    rows = overfit.prepared.validation
    answers = overfit.run.load().predict(rows.texts)
    truth = [label for (label,) in rows.labels]
    best = history(overfit.run)[overfit.metrics["best_epoch"] - 1]
    assert loss_of(truth, answers["probabilities"]) == pytest.approx(best["val_loss"], rel=1e-4)
    assert best["val_accuracy"] == max(line["val_accuracy"] for line in history(overfit.run))


def test_history_has_a_line_of_numbers_for_each_epoch(overfit: TrainResult):
    lines = history(overfit.run)
    assert [line["epoch"] for line in lines] == list(range(1, len(lines) + 1))
    wanted = {
        "loss",
        "val_loss",
        "val_accuracy",
        "val_macro_f1",
        "val_micro_f1",
        "learning_rate",
        "seconds",
        "rows_per_second",
    }
    for line in lines:
        assert wanted <= line.keys()
        assert all(np.isfinite(value) for value in line.values())


def test_the_learning_rate_of_the_history_is_that_of_the_last_step_of_the_epoch(trained: TrainResult):
    # 72 rows in batches of 8 for 2 epochs: 18 steps, of which 2 are warm-up.
    rates = [line["learning_rate"] for line in history(trained.run)]
    assert rates == pytest.approx([3e-3 * (18 - 8) / (18 - 2), 3e-3 * (18 - 17) / (18 - 2)])


def test_metrics_are_what_scikit_learn_computes(trained: TrainResult):
    rows = trained.prepared.validation
    labels = ["negative", "positive"]
    truth = [label for (label,) in rows.labels]
    answers = trained.run.load().predict(rows.texts)["label"]
    decided = [label.decode() for label in answers]
    found = metrics(trained.run)
    assert found["accuracy"] == accuracy_score(truth, decided)
    assert found["macro_f1"] == pytest.approx(f1_score(truth, decided, average="macro", zero_division=0))
    assert found["examples"] == len(truth)
    figures = precision_recall_fscore_support(truth, decided, labels=labels, zero_division=0)
    for label, precision, recall, f1, support in zip(labels, *figures, strict=True):
        expected = {"precision": precision, "recall": recall, "f1": f1, "support": support}
        assert found["per_class"][label] == pytest.approx(expected)


def test_metrics_say_what_was_trained(trained: TrainResult):
    found = metrics(trained.run)
    assert found["train_rows"] + found["examples"] == 80
    assert found["left_out_rows"] == 0
    assert found["parameters"] == sum(weight.size for weight in weights(trained))
    assert found["interrupted"] is False


def test_the_model_card_has_the_figures(trained: TrainResult):
    card = trained.run.model_card.read_text(encoding="utf-8")
    found = metrics(trained.run)
    assert f"accuracy {found['accuracy']:.4f}, macro F1 {found['macro_f1']:.4f}" in card
    assert f"| parameters | {found['parameters']:,} |" in card
    assert re.search(r"\| negative \| [\d.]+ \| [\d.]+ \| [\d.]+ \| \d+ \|", card)


# Chance


@pytest.fixture
def _determinism_ends() -> None:
    yield
    disable_op_determinism()


@pytest.mark.slow
@pytest.mark.usefixtures("_determinism_ends")
def test_the_saved_configuration_and_its_seed_decide_everything(tiny_config, tmp_path: Path, weights_after):
    settings = {"epochs": 1, "seed": 1, "token_dropout": 0.2, "deterministic": True}
    one = weights_after(tiny_config(training=settings))
    saved = RunDirectory(tmp_path / "run").load_config()
    saved.run_dir = str(tmp_path / "again")
    assert equal(one, weights_after(saved))
    saved.run_dir, saved.training.seed = str(tmp_path / "other"), 2
    assert not equal(one, weights_after(saved))


# Ways to train


@pytest.mark.slow
def test_mixed_precision_trains_float32_weights(tiny_config):
    result = train(tiny_config(training={"precision": "mixed_bfloat16"}))
    assert {weight.dtype for weight in weights(result)} == {np.dtype("float32")}
    losses = [line["loss"] for line in history(result.run)]
    assert losses[1] < losses[0]
    assert result.run.load().predict(["手机很好"])["probabilities"].dtype == np.float32


def test_float16_trains_too(tiny_config, weights_after):
    config = tiny_config(training={"precision": "mixed_float16"})
    assert {weight.dtype for weight in weights_after(config)} == {np.dtype("float32")}
    losses = [line["loss"] for line in history(RunDirectory(config.run_dir))]
    assert losses[1] < losses[0]


@pytest.mark.slow
def test_the_history_has_the_weighted_loss_of_the_rows(tiny_config, write):
    # With no learning to speak of, the loss of the epoch is that of the untrained model.
    words = {"rare": "好", "often": "坏"}
    rows = [
        {"text": f"{words[label]}{i}", "label": label} for i in range(4) for label in ["rare"] + ["often"] * 3
    ]
    path = write(rows)
    result = train(
        tiny_config(
            data={"train": path, "validation": path},
            backbone={"dropout": 0.0},
            head={"dropout": 0.0},
            decision={"calibrate": False},
            training={"epochs": 1, "learning_rate": 1e-30, "class_weights": "balanced"},
        )
    )
    probabilities = result.classifier.predict([row["text"] for row in rows])["probabilities"]
    truth = [row["label"] for row in rows]
    # 4 of 16 rows are rare: balanced weights are 16 / (2 * 4) and 16 / (2 * 12).
    weight = [{"rare": 2.0, "often": 2 / 3}[label] for label in truth]
    expected = loss_of(truth, probabilities, sample_weight=weight)
    assert history(result.run)[0]["loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_a_batch_larger_than_the_data_is_the_batch_of_all_rows(
    tiny_config, write, tmp_path: Path, weights_after
):
    rows = [{"text": f"{word}{i}", "label": word} for i in range(3) for word in ("好", "坏")]
    path = write(rows)

    def run(batch_size: int) -> list[np.ndarray]:
        config = tiny_config(
            data={"train": path, "validation": path},
            backbone={"dropout": 0.0},
            head={"dropout": 0.0},
            training={"epochs": 2, "batch_size": batch_size},
            run_dir=str(tmp_path / str(batch_size)),
        )
        return weights_after(config)

    for six, ten in zip(run(6), run(10), strict=True):
        np.testing.assert_allclose(six, ten, atol=1e-6)


def test_pairs_train_and_unusable_rows_are_left_out(tiny_config, write):
    same = [{"text": a, "pair": b, "label": str(int(a == b))} for a in "甲乙丙丁" for b in "甲乙丙丁"]
    empty = {"text": " ", "pair": "", "label": "1"}
    unlabelled = {"text": "甲", "pair": "乙", "label": ""}
    path = write([*same, empty, unlabelled])
    result = train(
        tiny_config(data={"train": path, "pair_column": "pair", "label_map": {"1": "same", "0": "different"}})
    )
    assert result.classifier.takes_pairs
    assert result.classifier.labels == ("different", "same")
    left_out = [json.loads(line) for line in result.run.left_out.read_text(encoding="utf-8").splitlines()]
    assert [(line["line"], line["reason"], line["text"]) for line in left_out] == [
        (17, "empty text", " "), (18, "empty label", "甲"),
    ]  # fmt: skip
    found = metrics(result.run)
    assert found["left_out_rows"] == 2
    assert found["train_rows"] + found["examples"] == 16
    assert found["accuracy"] == accuracy_of(result.run, result.prepared.validation)


def test_several_labels_a_row_train_and_evaluate(tiny_config, write, tmp_path: Path):
    words = {"food": "早餐", "room": "房间", "staff": "前台"}
    chosen = [(), ("food",), ("room",), ("staff",), ("food", "room"), ("room", "staff"), tuple(words)]
    rows = [
        {"text": "还行" + "".join(words[label] for label in labels) + str(i), "label": "|".join(labels)}
        for i in range(6)
        for labels in chosen
    ]
    path = write(rows)
    data = {"train": path, "validation": path}
    settings = {"epochs": 12, "learning_rate": 3e-2}
    result = train(tiny_config(task="multi_label", data=data, training=settings))
    selected = result.run.load().predict([row["text"] for row in rows])["selected"]
    truth = np.array([[label in row["label"].split("|") for label in words] for row in rows])
    found = metrics(result.run)
    assert result.classifier.labels == tuple(words)
    assert found["accuracy"] == accuracy_score(truth, selected)
    for average in ("macro", "micro"):
        assert found[f"{average}_f1"] == pytest.approx(
            f1_score(truth, selected, average=average, zero_division=0)
        )
    assert found["macro_f1"] > 0.9
    figures = evaluate(result.run.path, [path]).figures
    assert {name: figures[name] for name in ("accuracy", "macro_f1", "micro_f1", "per_class")} == {
        name: found[name] for name in ("accuracy", "macro_f1", "micro_f1", "per_class")
    }
    assert figures["confusion"] is None


# What goes wrong


def test_a_training_that_ends_in_no_numbers_is_not_finished(tiny_config):
    # The loss of the only step is that of the untrained model: it is the weights after it that are lost.
    lost = {"learning_rate": 1e38, "epochs": 1, "batch_size": 80, "warmup_fraction": 0.0, "clip_norm": None}
    config = tiny_config(training=lost)
    with pytest.raises(KerasBertError, match=r"Lower training\.learning_rate"):
        train(config)
    with pytest.raises(CheckpointError, match="did not finish"):
        RunDirectory(config.run_dir).load()


def test_weights_that_are_no_numbers_are_never_saved(tiny_config, monkeypatch: pytest.MonkeyPatch):
    figures = {"loss": 1.0, "accuracy": 1.0, "macro_f1": 1.0, "micro_f1": 1.0}

    validations = []
    original = Validation.__init__

    def remember(self, model, *arguments) -> None:
        original(self, model, *arguments)
        validations.append(model)

    def diverge(self) -> dict:
        for weight in validations[0].trainable_weights:
            weight.assign(np.full(weight.shape, np.nan))
        return figures

    monkeypatch.setattr(Validation, "__init__", remember)
    monkeypatch.setattr(Validation, "__call__", diverge)
    config = tiny_config()
    with pytest.raises(KerasBertError, match=r"step 9: a weight is not finite"):
        train(config)
    assert not RunDirectory(config.run_dir).metrics.exists()


@pytest.mark.slow
def test_ctrl_c_in_the_first_epoch_keeps_what_was_reached(tiny_config, monkeypatch: pytest.MonkeyPatch):
    def stop(self, step: int) -> None:
        if step == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(ProgressReporter, "move", stop)
    result = train(tiny_config())
    assert result.interrupted
    assert metrics(result.run)["interrupted"] is True
    assert metrics(result.run)["best_epoch"] == 0
    assert result.run.load().predict(["手机很好"])["label"][0] in (b"negative", b"positive")


@pytest.mark.slow
def test_ctrl_c_later_keeps_the_best_epoch(tiny_config, monkeypatch: pytest.MonkeyPatch):
    written = History.add

    def stop(self, record: dict, number: int) -> None:
        written(self, record, number)
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(History, "add", stop)
    result = train(tiny_config(training={"epochs": 9}))
    assert result.interrupted
    lines = history(result.run)
    assert len(lines) == 2
    assert metrics(result.run)["best_epoch"] == 1 + int(np.argmax([line["val_accuracy"] for line in lines]))
    assert ", interrupted" in result.run.model_card.read_text(encoding="utf-8")
    assert metrics(result.run)["accuracy"] == accuracy_of(result.run, result.prepared.validation)


def test_a_used_directory_is_refused_and_kept(tiny_config, trained: TrainResult, tmp_path: Path):
    run_dir = shutil.copytree(trained.run.path, tmp_path / "used")
    before = {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=r"used: exists already"):
        train(tiny_config(run_dir=str(run_dir)))
    assert {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"class_weights": {"negative": 1.0, "positve": 2.0}}, r"class_weights: must name each label"),
        ({"class_weights": {"negative": 1.0}}, r"class_weights: must name each label \(negative, positive\)"),
        ({"strategy": "mirrored", "batch_size": 7}, r"batch_size: must be a multiple of the 2 replicas"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(tiny_config, settings: dict, message: str):
    config: Config = tiny_config(training=settings)
    with pytest.raises(ConfigError, match=message):
        train(config)
    assert not Path(config.run_dir).exists()
