"""AdamW for BERT, correct under tf.distribute too."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from kerasbert.config import OptimizationConfig


class ReplicatedAdamW(keras.optimizers.AdamW):
    """AdamW that clips the summed gradient, with a learning rate and an average for each weight.

    Keras 3.15 clips the gradient of each replica and sums after, which changes the update; here the
    sum over the replicas comes first. On one device both are the same.

    Args:
        rate_of: the learning rate of a weight as a multiple, from its path.
        average_decay: of the moving average of each weight (Polyak & Juditsky 1992). 0: none is kept.
            Step t decays by at most (1 + t) / (10 + t), so that the first weights are soon forgotten.
        settings: those of `keras.optimizers.AdamW`.
    """

    def __init__(
        self,
        *settings: Any,
        rate_of: Callable[[str], float] = lambda path: 1.0,
        average_decay: float = 0.0,
        **more: Any,
    ):
        super().__init__(*settings, **more)
        self._rate_of, self._average_decay = rate_of, average_decay
        self._averages: list[keras.Variable] = []

    @property
    def averages(self) -> list[tuple[keras.Variable, keras.Variable]]:
        """Pairs of each weight and its moving average; empty if there are no averages."""
        return list(zip(self._trainable_variables, self._averages, strict=False))

    def build(self, variables: list[keras.Variable]) -> None:
        """Creates the moments, and the averages, which start at the weights."""
        if self.built:
            return
        super().build(variables)
        if self._average_decay:
            self._averages = self.add_optimizer_variables(variables, "average")
            for weight, average in self.averages:
                average.assign(weight)

    def _apply_weight_decay(self, variables: Any) -> None:
        pass  # not here but in update_step, at the rate of the weight

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Decays and moves one weight."""
        place = self._get_variable_index(variable)
        rate = learning_rate * self._rate_of(self._trainable_variables[place].path)
        if self.weight_decay and self._use_weight_decay(variable):
            variable.assign(variable * (1.0 - self.weight_decay * rate))
        step = tf.cast(self.iterations + 1, tf.float32)
        # Keras would read and write each weight a dozen times instead of once.
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[place].value.handle,
            v=self._velocities[place].value.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )
        if self._averages:
            decay = tf.minimum(self._average_decay, (1.0 + step) / (10.0 + step))
            average = self._averages[place]
            average.assign(decay * average + (1.0 - decay) * variable)

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        return grads  # not here: see _backend_update_step

    def _backend_update_step(
        self, grads: list[Any], trainable_variables: list[Any], learning_rate: tf.Tensor
    ) -> None:
        variables = [getattr(v, "value", v) for v in trainable_variables]
        summed = self._all_reduce_sum_gradients(list(zip(grads, variables, strict=True)))
        clipped = [gradient for gradient, _ in summed]
        if self.global_clipnorm:
            clipped, _ = tf.clip_by_global_norm(clipped, self.global_clipnorm)
        tf.__internal__.distribute.interim.maybe_merge_call(
            self._distributed_tf_update_step,
            self._distribution_strategy,
            list(zip(clipped, variables, strict=True)),
            learning_rate,
        )


def build_optimizer(
    config: OptimizationConfig,
    schedule: keras.optimizers.schedules.LearningRateSchedule,
    rate_of: Callable[[str], float] = lambda path: 1.0,
    average_decay: float = 0.0,
) -> keras.optimizers.Optimizer:
    """Returns AdamW (Loshchilov & Hutter 2019) with clipping by global norm.

    Biases and normalisation weights do not decay, as in BERT.

    Args:
        config: of the optimizer.
        schedule: of the learning rate; see `build_schedule`.
        rate_of: see `ReplicatedAdamW`.
        average_decay: see `ReplicatedAdamW`.
    """
    optimizer = ReplicatedAdamW(
        schedule,
        weight_decay=config.weight_decay,
        epsilon=1e-6,
        global_clipnorm=config.clip_norm,
        rate_of=rate_of,
        average_decay=average_decay,
    )
    # Keras matches names, not paths: "layer_norm" would exclude nothing.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if config.precision == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer
