"""What surrounds every training: seeds, the other workers, and the graphs that it leaves."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf

from kerasbert.config import OptimizationConfig
from kerasbert.engine.graphs import released_graphs
from kerasbert.engine.strategy import explain_lost_worker, is_chief, wait_for_all


@contextlib.contextmanager
def session(
    strategy: tf.distribute.Strategy,
    config: OptimizationConfig,
    directory: Path,
    setup: contextlib.AbstractContextManager[None],
) -> Iterator[None]:
    """Seeds the random numbers and runs the block on all workers together.

    Args:
        strategy: of the training.
        config: with the seed.
        directory: of the run, for messages.
        setup: entered on the chief before any worker goes on, and left after the block.

    Raises:
        KerasBertError: another worker was lost.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(explain_lost_worker(directory))
        if is_chief(strategy):
            stack.enter_context(setup)
        stack.enter_context(released_graphs())
        wait_for_all(strategy)
        keras.utils.set_random_seed(config.seed)
        if config.deterministic:
            tf.config.experimental.enable_op_determinism()
        yield
        wait_for_all(strategy)  # a worker that leaves early would end the others
