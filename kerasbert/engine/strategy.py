"""The tf.distribute strategy of a training."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from kerasbert.config import OptimizationConfig
from kerasbert.engine.watchdog import watchdog
from kerasbert.errors import ConfigError, KerasBertError


def choose_strategy(config: OptimizationConfig) -> tf.distribute.Strategy:
    """Returns the strategy that `config` names.

    `auto` mirrors over the GPUs of this host where there are several, `mirrored` over the GPUs or, where
    there is none, the logical CPUs. `multi_worker` joins the cluster that TF_CONFIG or SLURM describes;
    it must be called before anything else of TensorFlow.

    Raises:
        ConfigError: what `config` wants cannot work here.
    """
    if config.strategy == "multi_worker":
        minutes = config.cluster_minutes
        with watchdog(minutes, f"not all workers of the cluster came within {minutes:g} minutes."):
            return _multi_worker()
    gpus = tf.config.list_logical_devices("GPU")
    if config.strategy == "one_device" or (config.strategy == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def require_even_batch(
    strategy: tf.distribute.Strategy, batch_size: int, parts: int = 1, key: str = "training.batch_size"
) -> None:
    """Raises `ConfigError` unless a global batch divides evenly among the replicas and into `parts`."""
    replicas = strategy.num_replicas_in_sync
    if batch_size % (replicas * parts):
        raise ConfigError(
            f"{key}: must be a multiple of the {replicas} replicas"
            + (f" times accumulation_steps, {parts}" if parts > 1 else "")
            + f", since it is the global batch. Received: {batch_size}"
        )


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes files: it is the only one, or the first worker of a cluster."""
    resolver = strategy.cluster_resolver
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) or not resolver.task_type:
        return True
    has_chief = "chief" in resolver.cluster_spec().jobs
    return resolver.task_type == "chief" or (not has_chief and resolver.task_id == 0)


def devices(strategy: tf.distribute.Strategy) -> str:
    """Describes the devices of a strategy."""
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    replicas = strategy.num_replicas_in_sync
    return kind if replicas == 1 else f"{replicas} replicas, each on a {kind} of its own"


def distribute(strategy: tf.distribute.Strategy, batches: tf.data.Dataset) -> Iterator[Any]:
    """Returns an iterator over global batches, each split between the replicas in order."""
    options = tf.data.Options()
    # Every worker reads all rows and keeps its share, so a step always has the same rows.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return iter(strategy.experimental_distribute_dataset(batches.with_options(options)))


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns when all workers have called it."""
    any_worker(strategy, [False])


@contextlib.contextmanager
def explain_lost_worker(directory: Path) -> Iterator[None]:
    """Turns the errors that occur when another worker is lost into one that says what to do."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError) as error:
        raise KerasBertError(
            f"{directory}: another worker was lost ({error.message.splitlines()[0]}). Start all workers "
            "again with --resume."
        ) from error


def any_worker(strategy: tf.distribute.Strategy, flags: list[bool]) -> list[bool]:
    """Returns which flags are set on any worker, the same on all workers."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return flags
    local = tf.constant(flags, tf.float32)
    summed = strategy.reduce("SUM", strategy.run(tf.identity, args=(local,)), axis=None)
    return [bool(value) for value in summed.numpy() > 0]


def _multi_worker() -> tf.distribute.Strategy:
    resolvers = tf.distribute.cluster_resolver
    if "TF_CONFIG" in os.environ:
        resolver = resolvers.TFConfigClusterResolver()
    elif "SLURM_STEP_NUM_TASKS" in os.environ:
        try:
            resolver = resolvers.SlurmClusterResolver()
        except (RuntimeError, ValueError) as error:
            raise ConfigError(f"SLURM: its variables do not describe a cluster ({error}).") from error
    else:
        raise ConfigError(
            "training.strategy: multi_worker needs TF_CONFIG, or a SLURM step, to know the cluster. See "
            "configs/cluster/ for both."
        )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"TF_CONFIG: does not describe a cluster ({error}).") from error
    except RuntimeError as error:
        raise ConfigError(
            "training.strategy: multi_worker must come first in a process, and TensorFlow was used "
            f"already ({error}). Give train() a configuration, not a prepared one."
        ) from error
