"""A model with a temperature that rejects answers: published, served, asked over REST and gRPC."""

import shutil

import numpy as np
import pytest

from kerasbert import open_model
from kerasbert.checkpoints import RunDirectory
from kerasbert.errors import UserError
from kerasbert.evaluation import evaluate_rows
from kerasbert.export import export_model

from .conftest import running

pytestmark = pytest.mark.process


@pytest.mark.slow
def test_every_interface_gives_the_calibrated_answers_and_what_is_accepted(trained, tmp_path):
    rows = trained.prepared.validation
    run = RunDirectory(shutil.copytree(trained.run.path, tmp_path / "run"))
    config = run.load_config()
    config.decision.temperature = 1.7
    run.save_config(config)
    score = run.load().predict(rows.texts)["score"]
    config.decision.reject_below = float(np.median(score)) + 1e-6
    run.save_config(config)

    export_model(trained.run.path, tmp_path / "models")
    export_model(run.path, tmp_path / "models")  # a new output breaks nobody
    expected = open_model(run.path).predict_batch(rows.texts)
    accepted = score >= config.decision.reject_below
    assert 0 < accepted.mean() < 1
    np.testing.assert_array_equal(expected["accepted"], accepted)
    measured = evaluate_rows(open_model(run.path), rows).metrics
    assert measured["rejection"]["coverage"] == accepted.mean()
    assert measured["calibration"]["temperature"] == 1.7
    with running(tmp_path / "models", name=None) as server:
        for url in (f"{server.rest}/models", f"grpc://{server.grpc_address}/models", tmp_path / "models"):
            model = open_model(url)
            answers = model.predict(rows.texts)
            assert [answer["accepted"] for answer in answers] == accepted.tolist()
            np.testing.assert_allclose(model.predict_proba(rows.texts), expected["probabilities"], atol=1e-5)
            same = evaluate_rows(model, rows).metrics
            assert same["rejection"] == pytest.approx(measured["rejection"], abs=1e-6)
            assert same["accuracy"] == measured["accuracy"]
    with pytest.raises(UserError, match="the output accepted is gone"):
        export_model(trained.run.path, tmp_path / "models")
    assert sorted(path.name for path in (tmp_path / "models").iterdir() if path.name.isdigit()) == ["1", "2"]
