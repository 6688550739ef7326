import keras
import numpy as np
import pytest

from kerasbert.config import BackboneConfig, HeadConfig, TrainingConfig
from kerasbert.errors import ConfigError
from kerasbert.models import build_backbone, build_model, complete_backbone_config
from kerasbert.tasks import Classification
from kerasbert.training import prepare, train
from kerasbert.training.rates import depth_of, lowest_trained, rate_of


@pytest.fixture(scope="module")
def model() -> keras.Model:
    config = complete_backbone_config(BackboneConfig(num_layers=3), 8)
    return build_model(build_backbone(config, 10), Classification("ab"), HeadConfig())


def test_every_weight_has_its_depth(model: keras.Model):
    encoder = model.encoder
    expected = {weight.path: None for weight in model.head.get_layer("logits").weights}
    expected |= {weight.path: 4 for weight in encoder.pooled_dense.weights}
    for depth, layer in enumerate(encoder.transformer_layers, 1):
        expected |= {weight.path: depth for weight in layer.weights}
    paths = [weight.path for weight in model.weights]
    assert {path: depth_of(path, 3) for path in paths} == {path: expected.get(path, 0) for path in paths}


def test_rates_fall_from_layer_to_layer():
    config = TrainingConfig(layer_decay=0.5, head_rate=3.0, embedding_rate=4.0)
    rate = rate_of(config, num_layers=2)
    assert rate("logits/kernel") == 3.0
    assert rate("pooled_dense/kernel") == 1.0
    assert rate("transformer_layer_1/feedforward_output_dense/bias") == 0.5
    assert rate("transformer_layer_0/self_attention_layer/query/kernel") == 0.25
    assert rate("token_embedding/embeddings") == 4.0 * 0.125
    assert rate("embeddings_layer_norm/gamma") == 0.125


def test_one_more_layer_thaws_in_each_epoch():
    gradual = TrainingConfig(gradual_unfreezing=True)
    assert [lowest_trained(gradual, 2, epoch) for epoch in range(5)] == [3, 2, 1, 0, 0]
    partly = TrainingConfig(gradual_unfreezing=True, frozen_layers=1)
    assert [lowest_trained(partly, 2, epoch) for epoch in range(5)] == [3, 2, 2, 2, 2]
    assert lowest_trained(TrainingConfig(frozen_layers=0), 2, 0) == 1
    assert lowest_trained(TrainingConfig(), 2, 0) == 0


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize(
    ("settings", "moved"),
    [
        ({"frozen_layers": 0}, {"layer", "head"}),
        ({"frozen_layers": 1}, {"head"}),
        ({"gradual_unfreezing": True, "epochs": 1}, {"head"}),
        ({"gradual_unfreezing": True, "epochs": 2}, {"layer", "head"}),
        ({"gradual_unfreezing": True, "epochs": 3}, {"embeddings", "layer", "head"}),
    ],
)
def test_frozen_weights_stay_bit_for_bit(tiny_config, trained, tmp_path, settings: dict, moved: set):
    settings = {"batch_size": 8, "monitor": "loss", **settings}
    config = tiny_config(backbone={"source": str(trained.run.path)}, training=settings)
    # The sizes come from the source.
    config.backbone = BackboneConfig(source=str(trained.run.path))
    result = train(prepare(config))
    names = {0: "embeddings", 1: "layer", None: "head"}
    found = set()
    before = {weight.path: np.asarray(weight) for weight in trained.classifier.model.weights}
    for weight in result.classifier.model.weights:
        if weight.path not in before or depth_of(weight.path, 1) == 2:
            continue
        if depth_of(weight.path, 1) is None or not np.array_equal(before[weight.path], np.asarray(weight)):
            found.add(names[depth_of(weight.path, 1)])
    assert found == moved


def test_more_frozen_layers_than_there_are_are_refused(tiny_config):
    with pytest.raises(ConfigError, match=r"training\.frozen_layers: must be at most 1, .* Received: 2"):
        prepare(tiny_config(training={"frozen_layers": 2}))
