"""Which epoch was best so far, and whether to go on."""

from dataclasses import dataclass

from kerasbert.config import TrainingConfig


@dataclass
class Best:
    """The best epoch so far by the monitored figure. Epochs count from 1; 0: none yet."""

    score: float = float("-inf")
    epoch: int = 0

    def update(self, epoch: int, figures: dict[str, float], config: TrainingConfig) -> bool:
        """Notes the validation figures of an epoch and returns whether it is the best."""
        score = figures[config.monitor] * (-1.0 if config.monitor == "loss" else 1.0)
        if not score > self.score:
            return False
        self.score, self.epoch = score, epoch
        return True

    def is_over(self, epoch: int, config: TrainingConfig) -> bool:
        """Whether `early_stopping_patience` ended with `epoch`."""
        patience = config.early_stopping_patience
        return patience is not None and epoch - self.epoch >= patience
