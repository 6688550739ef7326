"""The files as those who read them do: protobuf, Kubernetes' schemas, docker-compose."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

from kerasbert.deployment import Memory, write_server_files
from kerasbert.deployment.server_files import FILES, needed_mebibytes

MEMORY = Memory(base=300 * 2**20, peak=500 * 2**20)
FIELD = descriptor_pb2.FieldDescriptorProto


@pytest.fixture(scope="module", params=["reviews", "news_topic.v2", "2024_V3"])
def serving(request, tmp_path_factory) -> Path:
    model_dir = tmp_path_factory.mktemp("model")
    write_server_files(model_dir, request.param, MEMORY)
    return model_dir / "serving"


def declare(messages: dict[str, dict[str, tuple[int, str | None]]]):
    """TensorFlow Serving's messages that no package ships, by (type, name of the type) of their fields."""
    file = descriptor_pb2.FileDescriptorProto(
        name="test.proto", package="test", syntax="proto3", dependency=["google/protobuf/wrappers.proto"]
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for number, (field, (kind, type_name)) in enumerate(fields.items(), 1):
            message.field.add(
                name=field, number=number, type=kind, type_name=type_name, label=FIELD.LABEL_OPTIONAL
            )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"test.{next(iter(messages))}"))()


def test_batching_is_what_the_server_reads(serving):
    integer = (FIELD.TYPE_MESSAGE, ".google.protobuf.Int64Value")
    numbers = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
    proto = declare(
        {
            "BatchingParameters": {
                **dict.fromkeys((*numbers, "max_execution_batch_size"), integer),
                "enable_large_batch_splitting": (FIELD.TYPE_MESSAGE, ".google.protobuf.BoolValue"),
                "pad_variable_length_inputs": (FIELD.TYPE_BOOL, None),
            }
        }
    )
    text_format.Parse((serving / "batching.config").read_text(), proto)
    assert not proto.pad_variable_length_inputs
    # Splitting needs room between the two.
    assert proto.enable_large_batch_splitting.value
    assert 0 < proto.max_execution_batch_size.value < proto.max_batch_size.value
    assert proto.num_batch_threads.value > 0


def test_monitoring_is_what_the_server_reads(serving):
    proto = declare(
        {
            "MonitoringConfig": {"prometheus_config": (FIELD.TYPE_MESSAGE, ".test.PrometheusConfig")},
            "PrometheusConfig": {"enable": (FIELD.TYPE_BOOL, None), "path": (FIELD.TYPE_STRING, None)},
        }
    )
    text_format.Parse((serving / "monitoring.config").read_text(), proto)
    assert proto.prometheus_config.enable
    assert proto.prometheus_config.path.startswith("/")


def manifests(serving: Path) -> dict[str, dict]:
    documents = yaml.safe_load_all((serving / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


def test_the_manifests_fit_the_schemas_of_kubernetes(serving):
    found = manifests(serving)
    assert set(found) == {"Deployment", "Service", "HorizontalPodAutoscaler", "NetworkPolicy"}
    for document in found.values():
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_the_manifests_belong_together(serving):
    found = manifests(serving)
    pod = found["Deployment"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert (
        found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"]
        == found["Deployment"]["metadata"]["name"]
    )
    ports = {
        port["name"]: port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container["ports"]
    }
    assert {port["targetPort"] for port in found["Service"]["spec"]["ports"]} == {"https"}
    assert found["NetworkPolicy"]["spec"]["ingress"] == [{"ports": [{"port": "https"}]}]
    server = pod["spec"]["containers"][0]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert server[probe]["httpGet"]["port"] in ports


def test_the_memory_is_what_was_measured_for_all_versions_and_headroom(serving):
    resources = manifests(serving)["Deployment"]["spec"]["template"]["spec"]["containers"][0]["resources"]
    wanted = f"{needed_mebibytes(MEMORY)}Mi"
    assert resources["requests"]["memory"] == resources["limits"]["memory"] == wanted
    assert 1.2 < needed_mebibytes(MEMORY) / (300 + 4 * 200) < 1.35
    assert yaml.safe_load((serving / "compose.yaml").read_text())["services"]["serving"]["mem_limit"] == (
        f"{needed_mebibytes(MEMORY)}m"
    )


def test_all_paths_in_the_containers_are_there(serving):
    """What the commands name below /models/NAME lies in the folder that is mounted there."""
    compose = yaml.safe_load((serving / "compose.yaml").read_text())["services"]
    containers = manifests(serving)["Deployment"]["spec"]["template"]["spec"]["containers"]
    (volume,) = compose["serving"]["volumes"]
    source, mount, mode = volume.split(":")
    assert ((serving / source).resolve(), mode) == (serving.parent, "ro")
    assert containers[0]["volumeMounts"][0]["mountPath"] == mount
    assert containers[0]["args"] == compose["serving"]["command"]
    assert containers[1]["args"] == compose["nginx"]["command"]
    named = [*(flag.partition("=")[2] for flag in containers[0]["args"]), *containers[1]["args"]]
    files = {Path(value).relative_to(mount) for value in named if value.startswith("/")}
    expected = {"batching.config", "monitoring.config", "models.config", "nginx.conf"}
    assert files == {Path("serving") / file for file in expected}


def test_compose_opens_the_port_of_nginx_alone(serving):
    compose = yaml.safe_load((serving / "compose.yaml").read_text())["services"]
    assert {name: service.get("ports") for name, service in compose.items()} == {
        "serving": None,
        "nginx": ["8443:8443"],
    }


def test_nginx_finds_the_server_by_its_name(serving):
    assert "server serving:8501;" in (serving / "nginx.conf").read_text()
    assert "serving" in yaml.safe_load((serving / "compose.yaml").read_text())["services"]
    pod = manifests(serving)["Deployment"]["spec"]["template"]["spec"]
    assert pod["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": ["serving"]}]


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed")
def test_docker_compose_takes_the_file(serving, tmp_path):
    command = ["docker-compose", "-f", str(serving / "compose.yaml"), "config"]
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, env={**environment, "SECRETS_DIR": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    config = yaml.safe_load(done.stdout)
    assert f"{serving.parent}:" in json.dumps(config["services"]["serving"]["volumes"])
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "name the folder that holds tls.crt" in refused.stderr


def test_what_the_user_changed_stays(tmp_path):
    assert [path.name for path in write_server_files(tmp_path, "m", MEMORY)] == list(FILES)
    mine = tmp_path / "serving" / "nginx.conf"
    mine.write_text("mine")
    (tmp_path / "serving" / "compose.yaml").unlink()
    written = write_server_files(tmp_path, "m", MEMORY)
    assert [path.name for path in written] == ["compose.yaml"]
    assert mine.read_text() == "mine"
