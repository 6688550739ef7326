"""How fast the encoder learns beside KerasHub's BertBackbone of the same weights: forward and backward.

    python benchmarks/encoder_speed.py [--rows 32] [--length 128] [--real 0.7] [--precision mixed_bfloat16]
        [--sizes LAYERS,HIDDEN,HEADS,INTERMEDIATE]

Turns are interleaved; prints medians and their ratio. `--real` is the mean share of real tokens in a row.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import keras
import keras_nlp
import numpy as np
import tensorflow as tf

from kerasbert.models.encoder import Encoder

VOCABULARY = 8_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--real", type=float, default=0.7)
    parser.add_argument("--precision", default="mixed_bfloat16")
    parser.add_argument("--sizes", default="3,192,3,768")
    parser.add_argument("--turns", type=int, default=15)
    arguments = parser.parse_args()
    inputs = batch(arguments)
    steps = {kind.__name__: step_of(kind, arguments) for kind in (keras_nlp.models.BertBackbone, Encoder)}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(arguments.turns + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step(inputs)
            if turn:  # the first one traces
                times[name].append(time.perf_counter() - start)
    stock, ours = (statistics.median(seconds) for seconds in times.values())
    real = float(tf.reduce_mean(tf.cast(inputs["padding_mask"], tf.float32)))
    print(f"{arguments.rows} rows of {arguments.length} tokens, {real:.0%} real, {arguments.precision}")
    print(f"BertBackbone {stock * 1e3:.1f} ms, Encoder {ours * 1e3:.1f} ms: {stock / ours:.2f} times as fast")


def batch(arguments: argparse.Namespace) -> dict[str, tf.Tensor]:
    """Returns random tokens; lengths are uniform around the wanted share."""
    random, length = np.random.default_rng(0), arguments.length
    shortest = max(int(length * (2 * arguments.real - 1)), 1)
    lengths = random.integers(shortest, length + 1, arguments.rows)
    lengths[0] = length
    shape = (arguments.rows, length)
    return {
        "token_ids": tf.constant(random.integers(0, VOCABULARY, shape), tf.int32),
        "segment_ids": tf.zeros(shape, tf.int32),
        "padding_mask": tf.sequence_mask(lengths, length, tf.int32),
    }


def step_of(kind: type, arguments: argparse.Namespace) -> Callable[[dict[str, tf.Tensor]], list[tf.Tensor]]:
    """Returns a function that computes outputs and all gradients, with dropout."""
    layers, hidden, heads, intermediate = map(int, arguments.sizes.split(","))
    keras.utils.set_random_seed(0)
    backbone = kind(
        vocabulary_size=VOCABULARY,
        num_layers=layers,
        hidden_dim=hidden,
        num_heads=heads,
        intermediate_dim=intermediate,
        max_sequence_length=512,
        dtype=arguments.precision,
    )
    weights = [weight.value for weight in backbone.trainable_weights]

    @tf.function
    def step(inputs: dict[str, tf.Tensor]) -> list[tf.Tensor]:
        real = tf.cast(inputs["padding_mask"], tf.float32)[..., None]
        with tf.GradientTape() as tape:
            outputs = backbone(inputs, training=True)
            loss = tf.reduce_mean(real * tf.cast(outputs["sequence_output"], tf.float32) ** 2)
            loss += tf.reduce_mean(tf.cast(outputs["pooled_output"], tf.float32))
        gradients = tape.gradient(loss, weights)
        return [tf.reduce_sum(tf.convert_to_tensor(gradient)) for gradient in gradients]

    return step


if __name__ == "__main__":
    main()
