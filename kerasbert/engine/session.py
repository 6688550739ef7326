"""The context of a training: locks the run directory, sets seeds, handles lost workers, frees graphs."""

import contextlib
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from kerasbert.config import OptimizationConfig
from kerasbert.engine.graphs import released_graphs
from kerasbert.engine.run import Run
from kerasbert.engine.strategy import explain_lost_worker, is_chief, wait_for_all
from kerasbert.files import exclusive_lock
from kerasbert.interrupts import kept


@contextlib.contextmanager
def session(
    run: Run,
    config: OptimizationConfig,
    strategy: tf.distribute.Strategy,
    resume: bool,
    set_up: Callable[[], None],
) -> Iterator[None]:
    """Opens a run for the training in the block, whose random numbers begin at the seed.

    Args:
        run: to make, or to reopen. The chief holds its lock.
        config: with the seed.
        strategy: whose workers begin and end the block together.
        resume: whether to reopen it.
        set_up: called on the chief, under the lock, before the block: writes or checks the run's files.

    Raises:
        UserError: the directory is used, is no run, or is locked by another process.
        KerasBertError: another worker was lost.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(explain_lost_worker(run.path))
        stack.enter_context(
            kept(f"{run.path} is {'as it was' if resume else 'started'}: continue with --resume")
        )
        if is_chief(strategy):
            if resume:
                run.load_config()  # or there is nothing to lock
            else:
                run.create()
            stack.enter_context(exclusive_lock(run.path))
            set_up()
        stack.enter_context(released_graphs())
        wait_for_all(strategy)
        keras.utils.set_random_seed(config.seed)
        if config.deterministic:
            tf.config.experimental.enable_op_determinism()
        yield
        wait_for_all(strategy)  # a worker that leaves early would end the others
