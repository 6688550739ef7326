import pytest

from kerasbert.config import BackboneConfig, EncoderConfig
from kerasbert.models import build_backbone, complete_backbone_config

TINY = EncoderConfig(
    num_layers=2,
    hidden_dim=16,
    num_heads=2,
    intermediate_dim=24,
    max_positions=12,
    activation="gelu_tanh",
)


def test_open_sizes_are_filled():
    complete = complete_backbone_config(BackboneConfig(), max_length=77)
    assert complete == EncoderConfig(
        num_layers=2,
        hidden_dim=128,
        num_heads=2,
        intermediate_dim=512,
        max_positions=77,
        activation="gelu_tanh",
    )


@pytest.mark.parametrize(
    "name", ["num_layers", "hidden_dim", "num_heads", "intermediate_dim", "max_positions"]
)
def test_a_given_size_is_kept(name: str):
    complete = complete_backbone_config(BackboneConfig(**{name: 64}), max_length=77)
    expected = complete_backbone_config(BackboneConfig(), max_length=77).model_copy(update={name: 64})
    assert complete == expected


def test_other_settings_are_kept():
    complete = complete_backbone_config(BackboneConfig(dropout=0.3), max_length=77)
    assert complete.dropout == 0.3
    assert complete.source == "scratch"


def test_completing_changes_nothing_of_its_argument():
    config = BackboneConfig()
    complete_backbone_config(config, max_length=77)
    assert config == BackboneConfig()


def test_the_backbone_has_the_parameters_that_its_sizes_imply():
    vocabulary, hidden, inner, positions = 50, 16, 24, 12
    embeddings = (vocabulary + positions + 2) * hidden + 2 * hidden
    attention = 4 * (hidden * hidden + hidden)
    feed_forward = (hidden * inner + inner) + (inner * hidden + hidden)
    layer = attention + feed_forward + 4 * hidden
    pooler = hidden * hidden + hidden
    assert build_backbone(TINY, vocabulary).count_params() == embeddings + 2 * layer + pooler


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_weights_stay_float32_in_mixed_precision(precision: str):
    backbone = build_backbone(TINY, 50, precision)
    assert {weight.dtype for weight in backbone.weights} == {"float32"}
    assert backbone.compute_dtype == precision.removeprefix("mixed_")
