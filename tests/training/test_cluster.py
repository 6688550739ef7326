"""How the cluster is found, and the files that start one."""

import subprocess
from pathlib import Path

import pytest
import tensorflow as tf
import yaml

from kerasbert.config import TrainingConfig
from kerasbert.engine.strategy import choose_strategy
from kerasbert.errors import ConfigError

CLUSTER = Path(__file__).parents[2] / "configs" / "cluster"


@pytest.fixture
def resolver_of(monkeypatch):
    """Returns a function that sets variables and returns the cluster resolver the strategy would get."""

    def of(**variables: str):
        for name in ("TF_CONFIG", "SLURM_STEP_NUM_TASKS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(
            tf.distribute, "MultiWorkerMirroredStrategy", lambda cluster_resolver: cluster_resolver
        )
        return choose_strategy(TrainingConfig(strategy="multi_worker"))

    return of


def test_a_slurm_step_is_a_cluster_of_its_tasks(resolver_of):
    resolver = resolver_of(
        SLURM_STEP_NUM_TASKS="3",
        SLURM_STEP_NODELIST="gpu[07-08,11]",
        SLURM_STEP_TASKS_PER_NODE="1(x3)",
        SLURM_PROCID="2",
        CUDA_VISIBLE_DEVICES="0,1",
    )
    assert resolver.cluster_spec().as_dict() == {"worker": ["gpu07:8888", "gpu08:8888", "gpu11:8888"]}
    assert (resolver.task_type, resolver.task_id) == ("worker", 2)


@pytest.mark.parametrize("broken", ["{", '{"cluster": 3, "task": {"type": "worker", "index": 0}}'])
def test_a_broken_tf_config_is_the_users_mistake(monkeypatch, broken: str):
    monkeypatch.setenv("TF_CONFIG", broken)
    with pytest.raises(ConfigError, match="TF_CONFIG: does not describe a cluster"):
        choose_strategy(TrainingConfig(strategy="multi_worker"))


def test_the_kubeflow_job_runs_a_shell_command_on_every_worker():
    job = yaml.safe_load((CLUSTER / "tfjob.yaml").read_text(encoding="utf-8"))
    worker = job["spec"]["tfReplicaSpecs"]["Worker"]
    (container,) = worker["template"]["spec"]["containers"]
    assert container["name"] == "tensorflow"
    assert worker["restartPolicy"] == "ExitCode"
    (script,) = container["args"]
    assert "training.strategy=multi_worker" in script
    subprocess.run(["sh", "-n", "-c", script], check=True)
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in worker["template"]["spec"]["volumes"]}


def test_the_slurm_file_is_a_shell_script():
    subprocess.run(["bash", "-n", str(CLUSTER / "slurm.sh")], check=True)
