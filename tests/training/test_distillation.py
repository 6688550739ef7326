"""A student that learns from a teacher."""

import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax, softmax

from kerasbert.config import BackboneConfig, DistillationConfig, EncoderConfig, HeadConfig, TrainingConfig
from kerasbert.errors import ConfigError
from kerasbert.models import build_backbone, build_model
from kerasbert.tasks import Classification
from kerasbert.training import prepare, train
from kerasbert.training.distillation import Distillation

IDS = np.array([[2, 5, 5, 5, 6, 3, 0, 0], [2, 5, 7, 3, 0, 0, 0, 0], [2, 6, 6, 5, 7, 8, 5, 3]], np.int32)
INPUTS = {"token_ids": IDS, "segment_ids": IDS * 0, "padding_mask": (IDS != 0).astype(np.int32)}
TARGETS = np.array([[1, 0, 0], [np.nan] * 3, [0, 0, 1]], np.float32)
WEIGHTS = np.array([1.0, 2.0, 0.5], np.float32)


def build(layers: int, width: int) -> keras.Model:
    sizes = EncoderConfig(
        activation="gelu_tanh",
        num_layers=layers,
        hidden_dim=width,
        num_heads=2,
        intermediate_dim=24,
        max_positions=8,
        dropout=0.0,
    )
    head = HeadConfig(pooling="mean", dropout=0.0)
    model = build_model(build_backbone(sizes, 10), Classification("abc"), head)
    model.head.get_layer("logits").kernel.assign(np.random.default_rng(layers).normal(size=(width, 3)))
    return model


def test_the_loss_is_its_formula():
    """Hinton et al. 2015, section 2, on labelled and unlabelled rows."""
    student, teacher = build(1, 16), build(2, 32)
    config = DistillationConfig(teacher="it", weight=0.3, temperature=4.0)
    loss, _ = Distillation(student, teacher, Classification("abc"), config, TrainingConfig())(
        INPUTS, tf.constant(TARGETS), tf.constant(WEIGHTS)
    )
    z, t = student(INPUTS).numpy(), teacher(INPUTS).numpy()
    hard = -(np.nan_to_num(TARGETS) * log_softmax(z, axis=-1)).sum(axis=-1)
    soft = -(softmax(t / 4, axis=-1) * log_softmax(z / 4, axis=-1)).sum(axis=-1)
    expected = (WEIGHTS * (0.7 * hard + 0.3 * 16 * soft)).mean()
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("window_length", [None, 4])
def test_hidden_states_are_compared_at_the_same_share_of_the_depth(window_length: int | None):
    student, teacher = build(1, 16), build(2, 32)
    student.encoder.window_length = teacher.encoder.window_length = window_length
    task, plain = Classification("abc"), DistillationConfig(teacher="it")
    config = plain.model_copy(update={"hidden_weight": 3.0})
    weights = tf.ones(3)
    with_hidden = Distillation(student, teacher, task, config, TrainingConfig())
    given = INPUTS, tf.constant(TARGETS), weights
    loss = float(with_hidden(*given)[0])
    loss -= float(Distillation(student, teacher, task, plain, TrainingConfig())(*given)[0])
    of_student, of_teacher = (model(INPUTS, return_hidden_states=True)[1] for model in (student, teacher))
    (kernel,) = with_hidden.variables
    rows = np.repeat([0, 1, 2], [6, 4, 8])
    of_rows = np.zeros(3)
    for layer, goal in ((0, 0), (1, 2)):  # the embeddings, and the last layer of either
        apart = ((of_student[layer].numpy() @ kernel.numpy() - of_teacher[goal].numpy()) ** 2).mean(axis=-1)
        of_rows += [apart[rows == row].mean() for row in range(3)]
    assert loss == pytest.approx(3.0 * of_rows.mean() / 2, rel=1e-4)


@pytest.fixture
def student_config(tiny_config, trained, tmp_path):
    def make(**distillation):
        return tiny_config(
            distillation={"teacher": str(trained.run.path), **distillation},
            backbone={"hidden_dim": 8, "intermediate_dim": 16},
            training={"epochs": 3},
        )

    return make


@pytest.mark.slow
@pytest.mark.process
def test_a_student_learns_what_the_teacher_knows_without_labels(student_config, trained, tmp_path):
    texts = tmp_path / "texts.jsonl"
    lines = [json.dumps({"text": row.text}) for row in trained.prepared.train.rows]
    texts.write_text("\n".join(lines * 8), encoding="utf-8")
    config = student_config(unlabelled=[str(texts)], weight=1.0, hidden_weight=0.5)
    prepared = prepare(config)
    assert len(prepared.unlabelled) == 8 * len(trained.prepared.train)
    assert prepared.vocabulary.tokens == trained.prepared.vocabulary.tokens
    result = train(prepared)
    rows = prepared.validation.texts
    answers = [c.predict(rows)["label_id"] for c in (result.classifier, trained.classifier)]
    assert (answers[0] == answers[1]).mean() >= 0.9
    assert result.metrics["parameters"] < trained.metrics["parameters"]
    assert not any("projection" in weight.path for weight in result.classifier.model.weights)


@pytest.mark.slow
@pytest.mark.process
def test_two_replicas_distil_what_one_device_distils(student_config, tmp_path, mirrored):
    learned = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        config = student_config(hidden_weight=1.0)
        config.run_dir = str(tmp_path / str(len(learned)))
        config.backbone.dropout = config.head.dropout = 0.0
        config.training.epochs = 1
        classifier = train(prepare(config), strategy=strategy).classifier
        learned.append([np.asarray(weight) for weight in classifier.model.weights])
    assert max(float(np.abs(a - b).max()) for a, b in zip(*learned, strict=True)) <= 1e-6


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"training": {"max_length": 32}}, "has positions for 16 tokens only"),
        ({"data": {"label_map": {"negative": "bad"}}}, "has other labels"),
        ({"backbone": {"source": "kerasbert-tiny-zh"}}, "has another vocabulary"),
        ({"task": "multi_label"}, "is of another task"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(tiny_config, trained, changes: dict, fault: str):
    config = tiny_config(distillation={"teacher": str(trained.run.path)}, **changes)
    if "backbone" in changes:
        config.backbone = BackboneConfig(**changes["backbone"])
    with pytest.raises(ConfigError, match=f"distillation.teacher: .*{fault}"):
        prepare(config)


def test_a_teacher_has_the_windows_of_its_student(tiny_config, trained):
    config = tiny_config(distillation={"teacher": str(trained.run.path)}, text={"windows": 2})
    config.backbone = BackboneConfig(source=str(trained.run.path))
    with pytest.raises(
        ConfigError, match=r"splits texts otherwise \(text.windows: 1, training.max_length: 16"
    ):
        prepare(config)


def test_the_windows_of_a_teacher_must_fit_the_student(tiny_config, trained, tmp_path):
    teacher = shutil.copytree(trained.run.path, tmp_path / "teacher")
    settings = (teacher / "config.yaml").read_text(encoding="utf-8")
    (teacher / "config.yaml").write_text(settings.replace("windows: 1", "windows: 2"), encoding="utf-8")
    config = tiny_config(distillation={"teacher": str(teacher)}, training={"batch_tokens": 16})
    with pytest.raises(ConfigError, match=r"with the text settings of .*teacher: training\.batch_tokens: "):
        prepare(config)


def test_a_teacher_goes_with_one_pass_only(tiny_config, trained):
    with pytest.raises(ConfigError, match=r"does not go with training\.r_drop"):
        tiny_config(distillation={"teacher": str(trained.run.path)}, training={"r_drop": 1.0})
