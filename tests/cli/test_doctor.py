from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, requires, version

import pytest

from kerasbert import plugins
from kerasbert.doctor import checks, gpu
from kerasbert.native.session import NativeError


def test_this_machine_is_well(kerasbert):
    result = kerasbert("doctor")
    assert result.exit_code == 0, result.output
    assert "FAILED" not in result.stdout
    for word in (version("tensorflow"), "native", "task", "sentiment", "kerasbert-tiny-zh", "devices"):
        assert word in result.stdout
    assert result.stderr == ""


def test_a_broken_plugin_is_found(kerasbert, monkeypatch):
    gone = EntryPoint("gone", "kerasbert_gone:Gone", "kerasbert.tasks")
    found = {"kerasbert.tasks": [gone], "kerasbert.backbones": []}
    monkeypatch.setattr(plugins, "entry_points", lambda group: [*entry_points(group=group), *found[group]])
    result = kerasbert("doctor")
    assert result.exit_code == 1
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    assert "gone" in line


def test_a_native_loader_that_does_not_load_is_found(kerasbert, monkeypatch):
    def fails():
        raise NativeError("TensorFlow's C library cannot be loaded: no such file")

    monkeypatch.setattr(checks, "library_version", fails)
    result = kerasbert("doctor")
    assert result.exit_code == 1
    assert "FAILED native" in result.stdout


@pytest.mark.parametrize("package", ["tensorflow-serving-api", "keras-nlp"])
def test_a_missing_package_is_found(kerasbert, monkeypatch, package):
    def look(name):
        if name == package:
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(checks, "version", look)
    result = kerasbert("doctor")
    assert result.exit_code == 1
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    assert package in line


class FakeDriver:
    """libcuda of two cards, as far as the doctor calls it."""

    def cuInit(self, flags):  # noqa: N802
        return 0

    def cuDeviceGetCount(self, count):  # noqa: N802
        count._obj.value = 2
        return 0

    def cuDriverGetVersion(self, version):  # noqa: N802
        version._obj.value = 12080
        return 0

    def cuDeviceGet(self, device, number):  # noqa: N802
        device._obj.value = number
        return 0

    def cuDeviceGetName(self, name, size, device):  # noqa: N802
        name.value = [b"NVIDIA H200", b"NVIDIA A100"][device.value]

    def cuDeviceGetAttribute(self, value, attribute, device):  # noqa: N802
        value._obj.value = {75: [9, 8], 76: [0, 0]}[attribute][device.value]


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    """Two cards, and a folder into which the packages of NVIDIA install."""

    def load(name):
        if name == "libcuda.so.1":
            return FakeDriver()
        raise OSError(name)

    monkeypatch.setattr(gpu.ctypes, "CDLL", load)
    monkeypatch.setattr(gpu, "_wheels", lambda: [tmp_path])
    monkeypatch.setattr(gpu.shutil, "which", lambda name: None)
    for name in ("TF_GPU_ALLOCATOR", "NVIDIA_TF32_OVERRIDE", "CUDA_CACHE_MAXSIZE", "NCCL_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_each_library_that_a_gpu_lacks_is_named_with_its_package(two_gpus):
    assert gpu.gpu_names() == ["NVIDIA H200", "NVIDIA A100"]
    details = [finding.detail for finding in gpu.examine_gpus()]
    assert details[0] == (
        "2 GPU(s): NVIDIA H200 (compute capability 9.0), NVIDIA A100 (compute capability 8.0); "
        "driver for CUDA 12"
    )
    for library, (folder, package) in gpu._LIBRARIES.items():
        assert any(detail.startswith(library) and detail.endswith(package) for detail in details)
        (two_gpus / folder / "lib").mkdir(parents=True, exist_ok=True)
        (two_gpus / folder / "lib" / library).touch()
    assert any("lacks ptxas" in detail for detail in details)
    details = [finding.detail for finding in gpu.examine_gpus()]
    assert not any("is missing" in detail for detail in details)
    assert f"all {len(gpu._LIBRARIES)} libraries of CUDA that TensorFlow loads are there" in details


def test_settings_are_shown_with_what_holds_without_them(two_gpus, monkeypatch):
    monkeypatch.setenv("TF_GPU_ALLOCATOR", "cuda_malloc_async")
    details = [finding.detail for finding in gpu.examine_gpus() if finding.subject == "gpu setting"]
    assert "TF_GPU_ALLOCATOR=cuda_malloc_async" in details
    for name in ("NVIDIA_TF32_OVERRIDE", "TF_FORCE_GPU_ALLOW_GROWTH", "NCCL_DEBUG", "CUDA_CACHE_MAXSIZE"):
        assert any(detail.startswith(f"{name} is not set: ") for detail in details)


def test_a_driver_that_is_too_old_is_found(two_gpus, monkeypatch):
    def old(self, version):
        version._obj.value = 11040
        return 0

    monkeypatch.setattr(FakeDriver, "cuDriverGetVersion", old)
    assert any("driver is too old" in finding.detail for finding in gpu.examine_gpus())


def test_what_the_doctor_knows_of_tensorflow_is_what_it_says_of_itself():
    import tensorflow as tf

    built = tf.sysconfig.get_build_info()
    if not built["is_cuda_build"]:
        pytest.skip("TensorFlow was built without CUDA here")
    assert built["cuda_version"].startswith(f"{gpu._CUDA}.")
    assert f"libcudnn.so.{built['cudnn_version']}" in gpu._LIBRARIES
    kernels = [name for name in built["cuda_compute_capabilities"] if name.startswith("sm_")]
    most = "sm_" + "".join(map(str, gpu._COMPILED_BELOW))
    assert max(kernels) < most


def test_the_packages_are_those_of_tensorflow():
    """Its extra `and-cuda`."""
    wanted = {line.split("<")[0].split(";")[0] for line in requires("tensorflow") if "and-cuda" in line}
    assert {package for _, package in gpu._LIBRARIES.values()} <= {name.strip() for name in wanted}
