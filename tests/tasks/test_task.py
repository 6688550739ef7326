import pytest
import tensorflow as tf

from kerasbert.config import HeadConfig
from kerasbert.errors import ConfigError
from kerasbert.models import build_backbone, build_model
from kerasbert.tasks import Classification, Task


def test_the_contract_cannot_be_used_unimplemented():
    with pytest.raises(TypeError, match=r"decide.*loss|loss.*decide"):
        Task(["a", "b"])


def test_cleaning_leaves_text_alone_by_default(task: Classification):
    texts = tf.constant(["Ａ\u200bb", "", "。"])
    assert task.clean(texts).numpy().tolist() == texts.numpy().tolist()


def test_calibration_keeps_the_options_by_default(task: Classification):
    targets = task.targets([("a",), ("b",)])
    assert task.calibrate(targets, targets) == task.options


def test_options_of_two_tasks_are_their_own():
    class Options(Classification.Options):
        level: int = 1

    class Levelled(Classification):
        pass

    Levelled.Options = Options
    assert Levelled(["a", "b"], {"level": 3}).options.level == 3
    assert Levelled(["a", "b"]).options.level == 1
    with pytest.raises(ConfigError, match="level"):
        Levelled(["a", "b"], {"level": "high"})


@pytest.mark.parametrize("labels", [2, 5])
def test_the_head_has_one_logit_for_each_label(labels: int, tiny_config):
    config = tiny_config(backbone={"max_positions": 16})
    task = Classification([f"label {i}" for i in range(labels)])
    model = build_model(build_backbone(config.backbone, 20), task, HeadConfig())
    assert model.output_shape == (None, labels)
