import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from kerasbert.errors import UserError
from kerasbert.serving.model_config import ModelConfig, read_models_config


@pytest.fixture
def written(tmp_path):
    def write(policy: str = "", labels: str = "") -> ModelConfig:
        path = tmp_path / "models.config"
        text = f"""model_config_list {{
          config {{ name: "other" base_path: "/models/other" model_platform: "tensorflow" }}
          config {{ name: "m" base_path: "/models/m" model_platform: "tensorflow" {policy} {labels} }}
        }}"""
        assert text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
        path.write_text(text, encoding="utf-8")
        return read_models_config(path, "m")

    return write


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        ("", {9}),
        ("model_version_policy { latest { } }", {9}),
        ("model_version_policy { latest { num_versions: 2 } }", {7, 9}),
        ("model_version_policy { all { } }", {2, 7, 9}),
        ("model_version_policy { specific { versions: 2 versions: 8 } }", {2}),
    ],
)
def test_the_policy_chooses_among_the_versions_present(written, policy, served):
    assert written(policy).choose([7, 9, 2]) == served


def test_labels_are_read(written):
    labels = 'version_labels { key: "stable" value: 2 } version_labels { key: "canary" value: 9 }'
    assert written(labels=labels).labels == {"stable": 2, "canary": 9}


def test_without_a_file_the_highest_is_served():
    assert ModelConfig().choose([3, 10, 9]) == {10}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("model_config_list {", "not a model configuration"),
        ("{}", "not a model configuration"),
        ("", "must have an entry for the model 'm'. Received: no model."),
        ('model_config_list { config { name: "x" } }', "Received: x."),
    ],
)
def test_what_is_wrong_with_the_file_is_said(tmp_path, content, message):
    path = tmp_path / "models.config"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_models_config(path, "m")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.config: cannot be read"):
        read_models_config(tmp_path / "none.config", "m")
