"""Tracks the best epoch, for model selection and early stopping."""

from collections.abc import Mapping
from dataclasses import dataclass

from kerasbert.config.resolved import ResolvedTrainingConfig


@dataclass
class Best:
    """The best epoch so far by the monitored metric. Epochs count from 1; 0: none yet."""

    score: float = float("-inf")
    epoch: int = 0
    loss: float = float("inf")  # of the validation rows in that epoch

    def update(self, epoch: int, metrics: Mapping[str, float], config: ResolvedTrainingConfig) -> bool:
        """Records the validation metrics of an epoch and returns whether it is the best so far.

        Of epochs with the same value the one with the lower loss is better.
        """
        loss, score = metrics["loss"], metrics[config.monitor]
        if config.monitor == "loss":
            score = -score
        if not (score > self.score or (score == self.score and loss < self.loss)):
            return False
        self.score, self.epoch, self.loss = score, epoch, loss
        return True

    def is_over(self, epoch: int, config: ResolvedTrainingConfig) -> bool:
        """Whether `early_stopping_patience` ended with `epoch`."""
        patience = config.early_stopping_patience
        return patience is not None and epoch - self.epoch >= patience
