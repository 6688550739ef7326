import pytest
import tensorflow as tf

from kerasbert.config import Config, TrainingConfig, parse_config
from kerasbert.engine.strategy import choose_strategy, require_even_batch
from kerasbert.errors import ConfigError


@pytest.mark.parametrize("name", ["auto", "one_device"])
def test_one_device_without_gpus(name: str):
    assert choose_strategy(TrainingConfig(strategy=name)).num_replicas_in_sync == 1


def test_mirrored_takes_all_devices():
    devices = len(tf.config.list_logical_devices("CPU"))
    assert devices == 2
    assert choose_strategy(TrainingConfig(strategy="mirrored")).num_replicas_in_sync == devices


@pytest.mark.parametrize("batch_size", [1, 7, 33])
def test_a_batch_that_does_not_divide_is_refused(batch_size: int):
    config = TrainingConfig(strategy="mirrored")
    with pytest.raises(
        ConfigError, match=rf"^training\.batch_size: must be a multiple of the 2 .*: {batch_size}$"
    ):
        require_even_batch(choose_strategy(config), batch_size)


def test_one_device_takes_any_batch():
    require_even_batch(choose_strategy(TrainingConfig(strategy="one_device")), 7)


def test_so_is_one_that_does_not_divide_into_its_parts():
    strategy = choose_strategy(TrainingConfig(strategy="mirrored"))
    require_even_batch(strategy, 12, 3)
    with pytest.raises(ConfigError, match=r"2 replicas times accumulation_steps, 3.*Received: 8"):
        require_even_batch(strategy, 8, 3)


@pytest.mark.parametrize("name", ["parameter_server", "tpu", "central_storage", "keras_distribution"])
def test_what_cannot_work_is_refused_by_name(name: str):
    with pytest.raises(ConfigError, match=r"training\.strategy: .*Choose mirrored or multi_worker"):
        parse_config(Config, {"training": {"strategy": name}}, where="test")


def test_multi_worker_without_a_cluster_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ConfigError, match="multi_worker needs TF_CONFIG"):
        choose_strategy(TrainingConfig(strategy="multi_worker"))


def test_several_gpus_are_mirrored(monkeypatch: pytest.MonkeyPatch):
    cpus = tf.config.list_logical_devices("CPU")
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: cpus if kind == "GPU" else cpus[:1])
    assert choose_strategy(TrainingConfig(strategy="auto")).num_replicas_in_sync == 2
    assert choose_strategy(TrainingConfig(strategy="one_device")).num_replicas_in_sync == 1
