"""The Keras model that `fit` trains: one train step, the same on one device and on many."""

from typing import Any

import keras
import tensorflow as tf

# Seeds of the replicas' dropout are this far apart.
_SEED_STRIDE = 1_000_003


class Trainer(keras.Model):
    """A functional model with the train step that BERT needs.

    What it mends in Keras 3.15 (tests/training/test_keras_ground.py tells when this has changed):

    - embedding gradients are made dense, since Adam squares duplicate rows of sparse ones one by one;
    - the model is built from one replica's batch, since reducing bool or uneven batches fails;
    - dropout differs between replicas.
    """

    def train_step(self, data: tuple) -> dict[str, tf.Tensor]:
        """One optimizer step on (inputs, targets, weights)."""
        inputs, targets, weights = data
        with tf.GradientTape() as tape:
            logits = self(inputs, training=True)
            loss = self._compute_loss(
                x=inputs, y=targets, y_pred=logits, sample_weight=weights, training=True
            )
            scaled = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self.trainable_weights)
        self.optimizer.apply_gradients(
            (tf.convert_to_tensor(gradient), weight)
            for gradient, weight in zip(gradients, self.trainable_weights, strict=True)
            if gradient is not None  # BERT's pooler, where the head does not use it
        )
        # The loss is divided by the number of replicas so that gradients can be summed.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        rows = tf.shape(keras.tree.flatten(targets)[0])[0]
        self._loss_tracker.update_state(loss * replicas, sample_weight=rows)
        return self.compute_metrics(inputs, targets, logits, weights)

    @property
    def loss_variables(self) -> list[Any]:
        """The running loss of the epoch."""
        return self._loss_tracker.variables

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        if self._distribute_strategy is None:
            return
        if iterator is not None:
            for _, _, batches in iterator:
                data_batch = keras.tree.map_structure(self._first_replica, next(batches))
                break
        with self.distribute_strategy.scope():
            self._symbolic_build(data_batch=data_batch)

    def _first_replica(self, value: Any) -> Any:
        return self.distribute_strategy.experimental_local_results(value)[0]

    def separate_dropout(self) -> None:
        """Gives each replica its own dropout seeds. Call once, after the weights are set."""
        seeds = [v for v in self.variables if v.path.endswith("seed_generator_state")]
        strategy = self.distribute_strategy
        if strategy is None or strategy.num_replicas_in_sync == 1:
            return

        def move() -> None:
            context = tf.distribute.get_replica_context()
            offset = tf.stack([context.replica_id_in_sync_group * _SEED_STRIDE, 0])
            for seed in seeds:
                seed.value.assign(seed.value + tf.cast(offset, seed.value.dtype))

        strategy.run(tf.function(move))
