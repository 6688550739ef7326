"""The files as those who read them do: protobuf, Kubernetes' schemas, docker-compose."""

import json
import os
import re
import shutil
import subprocess
import sys
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


def declare(messages: dict[str, dict[str, tuple[int, str | None]]], repeated: tuple[str, ...] = ()):
    """TensorFlow Serving's messages that no package ships, by (type, name of the type) of their fields."""
    file = descriptor_pb2.FileDescriptorProto(
        name="test.proto", package="test", syntax="proto3", dependency=["google/protobuf/wrappers.proto"]
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for number, (field, (kind, type_name)) in enumerate(fields.items(), 1):
            label = FIELD.LABEL_REPEATED if field in repeated else FIELD.LABEL_OPTIONAL
            message.field.add(name=field, number=number, type=kind, type_name=type_name, label=label)
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


def manifests(serving: Path, file: str = "kubernetes.yaml") -> dict[str, dict]:
    documents = yaml.safe_load_all((serving / file).read_text())
    return {document["kind"]: document for document in documents}


def test_the_manifests_fit_the_schemas_of_kubernetes(serving):
    found = manifests(serving)
    kinds = {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"}
    assert set(found) == kinds
    for document in found.values():
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_the_manifests_belong_together(serving):
    found = manifests(serving)
    pod = found["Deployment"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    for spread in pod["spec"]["topologySpreadConstraints"]:
        assert spread["labelSelector"]["matchLabels"] == labels
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


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_a_pod_stops_in_order_with_time_for_what_is_in_flight(serving):
    """Endpoints forget it, nginx finishes, the server goes."""
    pod = manifests(serving)["Deployment"]["spec"]["template"]["spec"]
    server, front = [int(c["lifecycle"]["preStop"]["exec"]["command"][1]) for c in pod["containers"]]
    text = (serving / "nginx.conf").read_text()
    limit = {
        name: seconds(re.search(rf"^ *{name} (\d+s);", text, re.MULTILINE)[1])
        for name in ("worker_shutdown_timeout", "client_body_timeout", "proxy_connect_timeout",
                     "proxy_read_timeout")
    }  # fmt: skip
    finishing = limit.pop("worker_shutdown_timeout")
    assert sum(limit.values()) <= finishing
    assert front + finishing <= server < pod["terminationGracePeriodSeconds"]
    services = yaml.safe_load((serving / "compose.yaml").read_text())["services"]
    assert finishing < seconds(services["nginx"]["stop_grace_period"])


def test_nothing_is_written_but_in_tmp(serving):
    pod = manifests(serving)["Deployment"]["spec"]["template"]["spec"]
    empty = {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume}
    for container in pod["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        writable = {m["name"]: m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")}
        assert set(writable) < empty
        assert list(writable.values()) == ["/tmp"]
    written = re.findall(r"(?:_temp_path|pid) (\S+);", (serving / "nginx.conf").read_text())
    assert len(written) == 6
    assert all(path.startswith("/tmp/") for path in written)
    for service in yaml.safe_load((serving / "compose.yaml").read_text())["services"].values():
        assert (service["read_only"], service["tmpfs"]) == (True, ["/tmp"])
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]


def test_the_secrets_are_what_nginx_reads(serving):
    volumes = manifests(serving)["Deployment"]["spec"]["template"]["spec"]["volumes"]
    (projected,) = [volume["projected"]["sources"] for volume in volumes if "projected" in volume]
    name = manifests(serving)["Deployment"]["metadata"]["name"]
    assert [source["secret"]["name"] for source in projected] == [f"{name}-tls", f"{name}-keys"]


def test_prometheus_reaches_the_metrics_and_nobody_else(serving):
    found, front = manifests(serving, "prometheus.yaml"), manifests(serving)
    for kind in ("Service", "NetworkPolicy"):
        kubernetes_validate.validate(found[kind], kubernetes_validate.latest_version(), strict=True)
    pod = front["Deployment"]["spec"]["template"]
    service, monitor, policy = (found[kind] for kind in ("Service", "ServiceMonitor", "NetworkPolicy"))
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert (
        not monitor["spec"]["selector"]["matchLabels"].items()
        <= front["Service"]["metadata"]["labels"].items()
    )
    assert service["spec"]["selector"] == pod["metadata"]["labels"]
    (endpoint,), (port,) = monitor["spec"]["endpoints"], service["spec"]["ports"]
    assert endpoint["port"] == port["name"]
    assert f'path: "{endpoint["path"]}"' in (serving / "monitoring.config").read_text()
    assert {"name": port["targetPort"], "containerPort": port["port"]} in pod["spec"]["containers"][0][
        "ports"
    ]
    assert policy["spec"]["podSelector"]["matchLabels"] == pod["metadata"]["labels"]
    (rule,) = policy["spec"]["ingress"]
    assert rule["ports"] == [{"port": port["targetPort"]}]
    (peer,) = rule["from"]
    assert set(peer) == {"namespaceSelector", "podSelector"}
    assert policy["metadata"]["name"] != front["NetworkPolicy"]["metadata"]["name"]


def test_kserve_runs_the_same_server(serving):
    (found,) = manifests(serving, "kserve.yaml").values()
    predictor = found["spec"]["predictor"]
    pod = {key: value for key, value in predictor.items() if key not in ("minReplicas", "maxReplicas")}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": found["metadata"], "spec": pod}
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    own = manifests(serving)["Deployment"]["spec"]["template"]["spec"]
    (container,), server = pod["containers"], own["containers"][0]
    assert container["name"] == "kserve-container"
    for key in ("image", "args", "resources", "securityContext"):
        assert container[key] == server[key]
    assert [v for v in pod["volumes"] if v["name"] == "model"] == [own["volumes"][0]]
    assert container["volumeMounts"][0] == server["volumeMounts"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == server["readinessProbe"]["httpGet"]["path"]


def kustomized(serving: Path, directory: Path, choose: bool) -> dict[str, list[dict]]:
    """What `kubectl apply -k` sends, with or without all that kustomization.yaml offers."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    shutil.copytree(serving, directory / "serving")
    file = directory / "serving" / "kustomization.yaml"
    if choose:
        opened = re.sub(r"^( *)# (patches:|images:|- |  )", r"\1\2", file.read_text(), flags=re.MULTILINE)
        file.write_text(opened.replace("sha256:...", f"sha256:{'0' * 64}"))
    done = subprocess.run(
        [kubectl, "kustomize", str(file.parent)], capture_output=True, text=True, check=True
    )
    kinds: dict[str, list[dict]] = {}
    for document in yaml.safe_load_all(done.stdout):
        kinds.setdefault(document["kind"], []).append(document)
    return kinds


def test_kustomize_changes_nothing_by_itself(serving, tmp_path):
    found = {kind: documents[0] for kind, documents in kustomized(serving, tmp_path, choose=False).items()}
    assert found == manifests(serving)


def test_kustomize_adds_a_gpu_metrics_and_digests(serving, tmp_path):
    found = kustomized(serving, tmp_path, choose=True)
    assert len(found["ServiceMonitor"]) == 1
    (deployment,) = found["Deployment"]
    kubernetes_validate.validate(deployment, kubernetes_validate.latest_version(), strict=True)
    pod, before = deployment["spec"]["template"]["spec"], manifests(serving)["Deployment"]["spec"]
    server, front = pod["containers"]
    assert server["resources"]["limits"]["nvidia.com/gpu"] == "1"
    args = before["template"]["spec"]["containers"][0]["args"]
    assert server["args"] == [*args, "--per_process_gpu_memory_fraction=0.8"]
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    assert {c["image"].partition("@")[2] for c in (server, front)} == {f"sha256:{'0' * 64}"}
    patch = {step["path"]: step for step in yaml.safe_load((serving / "kubernetes.gpu.yaml").read_text())}
    assert (
        patch["/spec/template/spec/containers/0/image"]["value"]
        == f"{before['template']['spec']['containers'][0]['image']}-gpu"
    )


def test_compose_with_a_gpu_is_the_same_server_but_for_the_gpu(serving):
    before = yaml.safe_load((serving / "compose.yaml").read_text())["services"]["serving"]
    ((name, after),) = yaml.safe_load((serving / "compose.gpu.yaml").read_text())["services"].items()
    assert name == "serving"
    assert after["image"] == f"{before['image']}-gpu"
    assert after["command"] == [*before["command"], "--per_process_gpu_memory_fraction=0.8"]
    (device,) = after["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["count"], device["capabilities"]) == ("nvidia", 1, ["gpu"])


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


def test_triton_is_told_the_ops_that_it_lacks(tmp_path, exported):
    """The file is a ModelConfig, by the fields it has; without what it names the model does not load."""
    write_server_files(tmp_path, "m", MEMORY)
    text = (FIELD.TYPE_STRING, None)
    proto = declare(
        {
            "ModelConfig": {
                **dict.fromkeys(("name", "platform"), text),
                "max_batch_size": (FIELD.TYPE_INT32, None),
                "model_operations": (FIELD.TYPE_MESSAGE, ".test.ModelOperations"),
            },
            "ModelOperations": {"op_library_filename": text},
        },
        repeated=("op_library_filename",),
    )
    text_format.Parse((tmp_path / "serving" / "config.pbtxt").read_text(), proto)
    assert (proto.platform, proto.max_batch_size) == ("tensorflow_savedmodel", 0)
    names = [Path(name).stem for name in proto.model_operations.op_library_filename]
    code = "import sys; from kerasbert.native import session; session._TEXT_OPS = tuple(sys.argv[2:]);"
    code += "session.NativeSession(sys.argv[1])"

    def load(*libraries: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", code, str(exported), *libraries]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert load(*names).returncode == 0
    for missing in names:  # each is needed
        refused = load(*(name for name in names if name != missing))
        assert "Op type not registered" in refused.stderr
