"""Which validation metric selects the best epoch."""

from kerasbert.config import Config
from kerasbert.config.field_types import Monitor
from kerasbert.tasks import get_task


def monitor_of(config: Config) -> Monitor:
    """Returns the validation metric that selects the best weights.

    Accuracy, the usual choice, hides a label that is rare and never decided.
    """
    several = get_task(config.task).label_separator is not None
    return config.training.monitor or ("micro_f1" if several else "macro_f1")
