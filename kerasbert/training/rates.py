"""Learning rates and freezing of weights by their depth in the model."""

import re
from collections.abc import Callable

from kerasbert.config import TrainingConfig


def depth_of(path: str, num_layers: int) -> int | None:
    """Returns how deep in the encoder the weight at `path` is.

    0 for the embeddings, 1 to `num_layers` for the layers, one more for the pooler, None for the head.
    """
    if re.match("(token|position|segment)_embedding/|embeddings_layer_norm/", path):
        return 0
    layer = re.match(r"transformer_layer_(\d+)/", path)
    if layer:
        return int(layer[1]) + 1
    return num_layers + 1 if path.startswith("pooled_dense/") else None


def rate_of(config: TrainingConfig, num_layers: int) -> Callable[[str], float]:
    """Returns a function from the path of a weight to its learning rate, as a multiple.

    With `layer_decay` each layer learns at that share of the rate of the layer above (Howard & Ruder
    2018, section 3.2; Clark et al. 2020, appendix A).
    """

    def rate(path: str) -> float:
        depth = depth_of(path, num_layers)
        if depth is None:
            return config.head_rate
        table = config.embedding_rate if "_embedding/" in path else 1.0
        return table * config.layer_decay ** (num_layers + 1 - depth)

    return rate


def lowest_trained(config: TrainingConfig, num_layers: int, epoch: int) -> int:
    """Returns the depth from which weights are trained in an epoch, counted from 0.

    With `gradual_unfreezing` the first epoch trains the head, and each further one another layer from
    the top (Howard & Ruder 2018, section 3.3).
    """
    fixed = 0 if config.frozen_layers is None else config.frozen_layers + 1
    return max(fixed, num_layers + 1 - epoch) if config.gradual_unfreezing else fixed
