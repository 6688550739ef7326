"""Low-rank additions are part of the weights that are saved."""

import numpy as np
import pytest

from kerasbert.config import BackboneConfig
from kerasbert.training import prepare, train

pytestmark = pytest.mark.process


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_run_holds_the_merged_weights(tiny_config, trained, precision: str):
    config = tiny_config(training={"lora_rank": 2, "learning_rate": 1e-2, "precision": precision})
    config.backbone = BackboneConfig(source=str(trained.run.path))
    result = train(prepare(config))
    before = {weight.path: np.asarray(weight) for weight in trained.classifier.model.weights}
    moved = set()
    for weight in result.classifier.model.weights:
        name = weight.path
        change = np.asarray(weight) - before[name]
        if change.any() and not name.startswith("logits/"):
            moved.add(name.partition("self_attention_layer/")[2])
            if name.endswith("kernel"):  # [hidden, heads, width]; an addition for each place of the first
                assert np.linalg.matrix_rank(change.reshape(-1, change.shape[-1]), tol=1e-5) <= 2
    assert (
        {"query/kernel", "value/kernel"}
        <= moved
        <= {f"{a}/{b}" for a in ("query", "value") for b in ("kernel", "bias")}
    )
    assert result.run.load().predict(["手机很好"])["probabilities"].shape == (1, 2)
