import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kerasbert.checkpoints import open_source
from kerasbert.checkpoints.sentence_transformers import VectorSettings, read_vector_settings
from kerasbert.errors import CheckpointError, UserError
from kerasbert.hub.bundled import TINY_ZH
from kerasbert.predictors import open_encoder

MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]
DENSE = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}


def write(directory: Path, pooling: dict | None, modules: object = MODULES, length: object = None) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "modules.json").write_text(json.dumps(modules))
    if pooling is not None:
        (directory / "1_Pooling").mkdir()
        (directory / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    if length is not None:
        (directory / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": length}))
    return directory


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, "cls"),
        ({"pooling_mode_max_tokens": True, "include_prompt": True}, "max"),
        ({"embedding_dimension": 8, "pooling_mode": "cls"}, "cls"),
        ({"pooling_mode": ["mean"]}, "mean"),
    ],
)  # fmt: skip
def test_old_and_new_folders_say_their_pooling(tmp_path, pooling, expected):
    assert read_vector_settings(write(tmp_path / "a", pooling)) == VectorSettings(expected)


@pytest.mark.parametrize(
    ("pooling", "modules", "reason"),
    [
        ({"pooling_mode_lasttoken": True}, MODULES, "asks for pooling_mode_lasttoken"),
        ({"pooling_mode": ["cls", "mean"]}, MODULES, "asks for cls and mean"),
        ({"pooling_mode_cls_token": False}, MODULES, "asks for none"),
        ({"pooling_mode": None}, MODULES, "asks for None"),
        ({"pooling_mode": "cls"}, [*MODULES[:2], DENSE], "has a module Dense"),
        (None, MODULES, "but no 1_Pooling/config.json"),
        (None, MODULES[:1], "but no 1_Pooling/config.json"),
    ],
)
def test_what_is_not_computed_is_named(tmp_path, pooling, modules, reason):
    settings = read_vector_settings(write(tmp_path / "a", pooling, modules))
    assert settings.pooling is None
    assert reason in settings.reason


@pytest.mark.parametrize("modules", [{}, 7, [1], [{}], None, "x"])
def test_damaged_modules_are_one_line(tmp_path, modules):
    directory = write(tmp_path / "a", None, modules)
    if modules == {}:
        assert read_vector_settings(directory).pooling is None
        return
    with pytest.raises(CheckpointError, match=r"modules\.json: cannot be read as the modules") as caught:
        read_vector_settings(directory)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("length", "expected"), [(256, 256), ("256", None), (2, None), (None, None), (True, None)]
)
def test_the_length_is_a_number_with_room_for_special_tokens(tmp_path, length, expected):
    settings = read_vector_settings(write(tmp_path / "a", {"pooling_mode": "mean"}, length=length))
    assert settings.max_length == expected
    (tmp_path / "a" / "tokenizer_config.json").write_text('{"model_max_length": 128}')  # in later versions
    assert read_vector_settings(tmp_path / "a").max_length == (expected or 128)


def test_any_other_encoder_has_the_mean(tmp_path):
    assert read_vector_settings(None) == read_vector_settings(tmp_path) == VectorSettings()


@pytest.mark.slow
@pytest.mark.process
def test_an_encoder_follows_its_folder(tmp_path):
    folder = Path(shutil.copytree(TINY_ZH, tmp_path / "a"))
    plain = open_encoder("kerasbert-tiny-zh")
    write(folder, {"pooling_mode_cls_token": True}, length=8)
    encoder = open_encoder(folder)
    assert encoder.pooling == "cls"
    np.testing.assert_allclose(encoder.embed("县" * 20), plain.embed("县" * 6, pooling="cls"), atol=1e-5)
    write(folder / "1_Pooling" / "..", None, [*MODULES, DENSE])
    encoder = open_encoder(folder)
    with pytest.raises(
        UserError, match=r"its modules\.json has a module Dense, which .* not compute\. For vectors"
    ):
        encoder.embed("好")
    assert encoder.embed("好", pooling="mean").shape == plain.embed("好").shape
    assert open_source(str(folder)).directory == folder
