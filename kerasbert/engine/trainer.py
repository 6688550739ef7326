"""Optimizer steps over all replicas, with the same result on one device and on many."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasbert.errors import ConfigError

# Seeds of the replicas' dropout are this far apart.
_SEED_STRIDE = 1_000_003

# From a replica's share of a batch to the mean loss of its rows, and metrics as [sum, weight].
Objective = Callable[[Any, Any, Any], tuple[tf.Tensor, dict[str, tf.Tensor]]]


class Trainer:
    """Trains a model step by step under a tf.distribute strategy.

    Keras' own `fit` is not used: as of Keras 3.15 it does not run under MultiWorkerMirroredStrategy. All
    parallelism is TensorFlow's; see https://www.tensorflow.org/tutorials/distribute/custom_training.

    Args:
        model: made under the strategy.
        optimizer: made under the strategy.
        objective: what to minimise.
        strategy: of both.
        accumulation_steps: parts of a replica's share that are computed one after the other.
        extra_variables: that the objective learns besides the model's.
        jit_compile: whether XLA compiles the step, once for each shape of a batch. Needs a strategy of one
            replica.

    Raises:
        ConfigError: it has several.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        objective: Objective,
        strategy: tf.distribute.Strategy,
        accumulation_steps: int = 1,
        extra_variables: Sequence[keras.Variable] = (),
        jit_compile: bool = False,
    ):
        if jit_compile and strategy.num_replicas_in_sync > 1:
            raise ConfigError(
                "training.jit_compile: compiles for one device, and training.strategy uses "
                f"{strategy.num_replicas_in_sync}. Set training.strategy: one_device"
            )
        self._jit_compile = jit_compile
        self.model, self.optimizer, self.strategy = model, optimizer, strategy
        self._objective, self._accumulation_steps = objective, accumulation_steps
        self._trainable = [*model.trainable_variables, *extra_variables]
        optimizer.build(self._trainable)
        self._trained: list[keras.Variable] = []
        self.train_only(lambda path: True)

    @property
    def variables(self) -> list[Any]:
        """The variables of a checkpoint: weights, dropout seeds and the optimizer's variables."""
        extra = self._trainable[len(self.model.trainable_variables) :]
        return [*self.model.variables, *extra, *self.optimizer.variables]

    def train_only(self, chosen: Callable[[str], bool]) -> None:
        """Restricts the next steps to the weights for whose path `chosen` returns true."""
        trained = [weight for weight in self._trainable if chosen(weight.path)]
        if len(trained) != len(self._trained):
            self._trained = trained
            self._on_replica = self._replica_step
            if self._jit_compile:
                self._on_replica = tf.function(self._replica_step, jit_compile=True, reduce_retracing=True)
            self._step = tf.function(self._distributed_step)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Replaces the weights by their moving averages, if any, while the block runs."""
        averages = getattr(self.optimizer, "inner_optimizer", self.optimizer).averages
        kept = [weight.numpy() for weight, _ in averages]
        for weight, average in averages:
            weight.assign(average)
        try:
            yield
        finally:
            for (weight, _), value in zip(averages, kept, strict=True):
                weight.assign(value)

    def step(self, iterator: Iterator[Any]) -> dict[str, tf.Tensor]:
        """Trains on the next batch (inputs, targets, weights) and returns its metrics, summed."""
        try:
            return self._step(iterator)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            if not self._jit_compile:
                raise
            raise ConfigError(
                "training.jit_compile: XLA cannot compile or run this step "
                f"({error.message.splitlines()[0]}). Set it to false"
            ) from error

    def separate_dropout(self) -> None:
        """Sets different dropout seeds on each replica. Call once, after the variables are set."""
        seeds = [v for v in self.model.variables if v.path.endswith("seed_generator_state")]
        if self.strategy.num_replicas_in_sync == 1:
            return

        def move() -> None:
            context = tf.distribute.get_replica_context()
            offset = tf.stack([context.replica_id_in_sync_group * _SEED_STRIDE, 0])
            for seed in seeds:
                seed.value.assign(seed.value + tf.cast(offset, seed.value.dtype))

        self.strategy.run(tf.function(move))

    def _distributed_step(self, iterator: Iterator[Any]) -> dict[str, tf.Tensor]:
        metrics = self.strategy.run(self._on_replica, args=next(iterator))
        return {name: self.strategy.reduce("SUM", value, axis=None) for name, value in metrics.items()}

    def _replica_step(self, inputs: Any, targets: Any, weights: Any) -> dict[str, tf.Tensor]:
        parts = self._accumulation_steps
        total: list[Any] = []
        metrics: dict[str, tf.Tensor] = {}
        for part in _split((inputs, targets, weights), parts):
            # Sequentially, since parallel parts would need the memory of the whole share.
            with tf.control_dependencies([gradient for gradient in total if gradient is not None]):
                gradients, of_part = self._gradients(part)
            total = [_sum(pair) for pair in zip(total, gradients, strict=True)] if total else gradients
            metrics = {name: metrics.get(name, 0.0) + value for name, value in of_part.items()}
        weighted = zip(total, self._trained, strict=True)
        # BERT's pooler has no gradient if the head does not use it.
        self.optimizer.apply_gradients([pair for pair in weighted if pair[0] is not None])
        return metrics

    def _gradients(self, batch: tuple[Any, Any, Any]) -> tuple[list[Any], dict[str, tf.Tensor]]:
        with tf.GradientTape() as tape:
            loss, metrics = self._objective(*batch)
            # Gradients are summed over the parts here, and over the replicas in the optimizer.
            share = loss / (self._accumulation_steps * self.strategy.num_replicas_in_sync)
            scaled = self.optimizer.scale_loss(share)
        gradients = tape.gradient(scaled, [weight.value for weight in self._trained])
        # Adam in Keras 3.15 squares duplicate rows of sparse gradients one by one.
        return [None if g is None else tf.convert_to_tensor(g) for g in gradients], metrics


class Totals:
    """Running means of the metrics of steps.

    Args:
        sums: of each metric and its weights, as `sums` returned them.
    """

    def __init__(self, sums: Mapping[str, list[float]] | None = None):
        self._sums = {name: list(pair) for name, pair in (sums or {}).items()}
        self._newest: Mapping[str, tf.Tensor] = {}

    def add(self, metrics: Mapping[str, tf.Tensor]) -> dict[str, float]:
        """Adds the metrics of a step and returns the means of the step before.

        Those of this one would have to be waited for while a GPU computes them.
        """
        before, self._newest = self._newest, metrics
        means = {}
        for name, value in before.items():
            total, weight = (float(part) for part in value.numpy())
            sums = self._sums.setdefault(name, [0.0, 0.0])
            sums[0] += total
            sums[1] += weight
            means[name] = total / weight if weight else 0.0
        return means

    @property
    def sums(self) -> dict[str, list[float]]:
        """The sum of each metric and of its weights."""
        self.add({})
        return self._sums

    def means(self) -> dict[str, float]:
        """Returns the mean of each metric over all steps."""
        return {name: total / weight if weight else 0.0 for name, (total, weight) in self.sums.items()}


def _split(batch: Any, parts: int) -> list[Any]:
    if parts == 1:
        return [batch]
    flat = [tf.split(tensor, parts) for tensor in tf.nest.flatten(batch)]
    return [tf.nest.pack_sequence_as(batch, list(part)) for part in zip(*flat, strict=True)]


def _sum(pair: tuple[Any, Any]) -> Any:
    return None if pair[0] is None else pair[0] + pair[1]
