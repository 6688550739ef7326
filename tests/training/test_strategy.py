import pytest
import tensorflow as tf

from kerasbert.config import TrainingConfig
from kerasbert.errors import ConfigError
from kerasbert.training.strategy import choose_strategy


@pytest.mark.parametrize("name", ["auto", "one_device"])
def test_one_device_without_gpus(name: str):
    assert choose_strategy(TrainingConfig(strategy=name), 8).num_replicas_in_sync == 1


def test_mirrored_takes_all_devices():
    devices = len(tf.config.list_logical_devices("CPU"))
    assert devices == 2
    assert choose_strategy(TrainingConfig(strategy="mirrored"), 8).num_replicas_in_sync == devices


@pytest.mark.parametrize("batch_size", [1, 7, 33])
def test_a_batch_that_does_not_divide_is_refused(batch_size: int):
    config = TrainingConfig(strategy="mirrored")
    with pytest.raises(
        ConfigError, match=rf"batch_size: must be a multiple of the 2 .*Received: {batch_size}"
    ):
        choose_strategy(config, batch_size)


def test_one_device_takes_any_batch():
    choose_strategy(TrainingConfig(strategy="one_device"), 7)


def test_several_gpus_are_mirrored(monkeypatch: pytest.MonkeyPatch):
    cpus = tf.config.list_logical_devices("CPU")
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: cpus if kind == "GPU" else cpus[:1])
    assert choose_strategy(TrainingConfig(strategy="auto"), 8).num_replicas_in_sync == 2
    assert choose_strategy(TrainingConfig(strategy="one_device"), 8).num_replicas_in_sync == 1
