"""What `training.jit_compile` does not go with."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kerasbert.config.schema import Config


def require_compilable(config: "Config") -> None:
    """Raises `ValueError` if XLA cannot compile the training step of `config`, or it would hang."""
    training = config.training
    if not training.jit_compile:
        return
    excluded = {
        # Compiled functions of several replicas wait for each other for ever: keras issue 20763.
        f"training.strategy: {training.strategy}": training.strategy in ("mirrored", "multi_worker"),
        "training.batch_tokens": training.batch_tokens,
        "training.accumulation_steps": training.accumulation_steps > 1,
        "training.r_drop": training.r_drop,
        "training.adversarial_norm": training.adversarial_norm,
        "distillation.teacher": config.distillation.teacher,
    }
    for key, given in excluded.items():
        if given:
            raise ValueError(f"training.jit_compile: does not go with {key}. Remove one of them")
