"""Directories that earlier versions wrote still load, and unfinished ones resume.

`earlier` has tiny trainings on texts made up for it, what the finished ones answered, and for each
unfinished one a finished twin.
"""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy

from kerasbert import open_model
from kerasbert.config import Config, PretrainingConfig, parse_config, read_yaml
from kerasbert.pretraining import pretrain
from kerasbert.training import train

DIRECTORY = Path(__file__).parent / "earlier"
# Another processor rounds differently.
TOLERANCE = 1e-3


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, as the working directory."""
    copy = tmp_path / "copy"
    shutil.copytree(DIRECTORY, copy)
    monkeypatch.chdir(copy)
    return copy


def weights(file: Path) -> dict[str, np.ndarray]:
    found = {}
    with h5py.File(file) as archive:
        archive.visititems(
            lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return found


def assert_close(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(actual[name], value, rtol=0, atol=TOLERANCE, err_msg=name)


@pytest.mark.process
@pytest.mark.parametrize("name", ["finished", "multi_label"])
def test_a_finished_run_answers_as_before(directory: Path, name: str):
    expected = json.loads((directory / "answers.json").read_text(encoding="utf-8"))[name]
    actual = open_model(directory / name).predict([answer["text"] for answer in expected])
    for now, before in zip(actual, expected, strict=True):
        assert now["label"] == before["label"]
        assert now["score"] == pytest.approx(before["score"], abs=TOLERANCE)
        assert now["probabilities"] == pytest.approx(before["probabilities"], abs=TOLERANCE)


@pytest.mark.process
def test_an_interrupted_training_resumes_exactly(directory: Path):
    config = parse_config(Config, read_yaml(Path("interrupted/config.yaml")), where="interrupted/config.yaml")
    result = train(config, resume=True)
    expected = json.loads(Path("finished/metrics.json").read_text(encoding="utf-8"))
    assert result.metrics["best_epoch"] == expected["best_epoch"]
    assert result.metrics["macro_f1"] == expected["macro_f1"]
    assert_close(weights(result.run.weights), weights(Path("finished/model.weights.h5")))


@pytest.mark.slow
@pytest.mark.process
def test_an_interrupted_pretraining_resumes_exactly(directory: Path):
    path = Path("pretraining_interrupted/pretrain.yaml")
    result = pretrain(parse_config(PretrainingConfig, read_yaml(path), where=str(path)), resume=True)
    actual = safetensors.numpy.load_file(result.run.path / "model.safetensors")
    assert_close(actual, safetensors.numpy.load_file("pretrained/model.safetensors"))
