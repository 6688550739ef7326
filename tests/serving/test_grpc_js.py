"""@grpc/grpc-js as a client: another implementation of gRPC and of protocol buffers."""

import json
import shutil
import subprocess
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2
from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

pytestmark = pytest.mark.process

CLIENT = Path(__file__).with_name("client.js")
PACKAGES = ("@grpc/grpc-js@1.14", "@grpc/proto-loader@0.8")


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    directory = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=10000"]
    command += ["--prefix", str(directory), *PACKAGES]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry does not answer")
    if done.returncode:
        pytest.skip(f"the npm registry is not here: {done.stderr[-200:]}")
    return directory / "node_modules"


@pytest.fixture
def descriptors(tmp_path: Path) -> Path:
    """All that the two services are made of, as tensorflow-serving-api ships no .proto files."""
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def add(file) -> None:
        if file.name not in files:
            for dependency in file.dependencies:
                add(dependency)
            files[file.name] = descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb)

    add(prediction_service_pb2.DESCRIPTOR)
    add(model_service_pb2.DESCRIPTOR)
    path = tmp_path / "descriptors.bin"
    path.write_bytes(descriptor_pb2.FileDescriptorSet(file=files.values()).SerializeToString())
    return path


def test_a_client_in_javascript_is_answered(server, node_modules, descriptors):
    script = shutil.copy(CLIENT, node_modules.parent)
    done = subprocess.run(
        ["node", script, str(descriptors), server.grpc_address],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "length": [6, 1],
        "same": ["天气", "a"],
        "version": "1",
        "bad": {
            "code": grpc.StatusCode.NOT_FOUND.value[0],
            "details": "Servable not found for request: Latest(x)",
        },
        "state": "AVAILABLE",
    }
