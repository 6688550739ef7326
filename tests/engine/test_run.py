import pytest

from kerasbert.config import OptimizationConfig
from kerasbert.engine.run import new_run_dir
from kerasbert.errors import ConfigError


def test_two_runs_of_the_same_second_have_names_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda form: "20260101-000000")
    for suffix in ("", "-2", "-3"):
        path = new_run_dir("spam", OptimizationConfig())
        assert path == f"runs/spam-20260101-000000{suffix}"
        (tmp_path / path).mkdir(parents=True)


def test_the_workers_of_a_cluster_need_a_name_that_is_given():
    with pytest.raises(ConfigError, match="run_dir: name one"):
        new_run_dir("spam", OptimizationConfig(strategy="multi_worker"))
