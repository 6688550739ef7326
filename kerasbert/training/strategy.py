"""The tf.distribute strategy of a training."""

import tensorflow as tf

from kerasbert.config import OptimizationConfig
from kerasbert.errors import ConfigError


def choose_strategy(config: OptimizationConfig, batch_size: int) -> tf.distribute.Strategy:
    """Returns the strategy that `config` names, for a global batch of `batch_size`.

    `auto` mirrors over the GPUs of this host where there are several. `mirrored` takes the GPUs, or
    the logical CPUs where there is no GPU.

    Raises:
        ConfigError: the global batch does not divide by the number of replicas.
    """
    gpus = tf.config.list_logical_devices("GPU")
    if config.strategy == "one_device" or (config.strategy == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    devices = gpus or tf.config.list_logical_devices("CPU")
    if batch_size % len(devices):
        raise ConfigError(
            f"batch_size: must be a multiple of the {len(devices)} replicas, since it is the "
            f"global batch. Received: {batch_size}"
        )
    return tf.distribute.MirroredStrategy([device.name for device in devices])
