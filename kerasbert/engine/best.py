"""Which epoch was best so far, and whether to go on."""

from collections.abc import Mapping
from dataclasses import dataclass

from kerasbert.config import Config
from kerasbert.config.resolved import ResolvedTrainingConfig
from kerasbert.config.schema import Monitor
from kerasbert.tasks import get_task


@dataclass
class Best:
    """The best epoch so far by the monitored figure. Epochs count from 1; 0: none yet."""

    score: float = float("-inf")
    epoch: int = 0
    loss: float = float("inf")  # of the validation rows in that epoch

    def update(self, epoch: int, figures: Mapping[str, float], config: ResolvedTrainingConfig) -> bool:
        """Notes the validation figures of an epoch and returns whether it is the best.

        Of epochs with the same figure the one with the lower loss is better.
        """
        loss, score = figures["loss"], figures[config.monitor]
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


def monitor_of(config: Config) -> Monitor:
    """Returns the validation figure that chooses the best weights.

    Accuracy, the usual choice, hides a label that is rare and never decided.
    """
    several = get_task(config.task).label_separator is not None
    return config.training.monitor or ("micro_f1" if several else "macro_f1")
