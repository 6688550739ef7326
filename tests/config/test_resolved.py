import pytest
from pydantic import BaseModel

from kerasbert.config import (
    BackboneConfig,
    Config,
    EncoderConfig,
    PretrainingConfig,
    ResolvedConfig,
    ResolvedPretrainingConfig,
    parse_config,
)
from kerasbert.config.resolved import ResolvedTrainingConfig
from kerasbert.config.schema import TrainingConfig
from kerasbert.errors import ConfigError

SIZES = {"num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 8, "max_positions": 8}
ENCODER = {**SIZES, "activation": "gelu"}
RESOLVED = {"run_dir": "runs/x", "backbone": ENCODER, "training": {"monitor": "loss"}}


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        (Config, ResolvedConfig),
        (BackboneConfig, EncoderConfig),
        (TrainingConfig, ResolvedTrainingConfig),
        (PretrainingConfig, ResolvedPretrainingConfig),
    ],
)
def test_both_have_the_same_keys_in_the_same_order(written: type[BaseModel], resolved: type[BaseModel]):
    assert list(resolved.model_fields) == list(written.model_fields)


def test_a_resolved_configuration_may_be_trained_with_again():
    resolved = parse_config(ResolvedConfig, RESOLVED, where="c.yaml")
    again = parse_config(Config, resolved.model_dump(), where="c.yaml")
    assert again.model_dump() == resolved.model_dump()


@pytest.mark.parametrize("key", ["run_dir", "backbone.activation", *(f"backbone.{name}" for name in SIZES)])
def test_what_is_left_open_is_named(key: str):
    values = Config.model_validate(RESOLVED).model_dump()
    section, _, name = key.rpartition(".")
    (values[section] if section else values)[name] = None
    with pytest.raises(ConfigError, match=rf"^c\.yaml: {key}: .*Received: None"):
        parse_config(ResolvedConfig, values, where="c.yaml")
