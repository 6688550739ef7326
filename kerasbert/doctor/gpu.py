"""What TensorFlow needs to use a GPU, and the settings that it reads."""

import ctypes
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from kerasbert.doctor.finding import Finding

# What TensorFlow 2.21 loads at run time, with the folder and the package of the wheel that holds it; without
# one of them it uses the CPU and does not say which.
_LIBRARIES = {
    "libcudart.so.12": ("cuda_runtime", "nvidia-cuda-runtime-cu12"),
    "libcublas.so.12": ("cublas", "nvidia-cublas-cu12"),
    "libcublasLt.so.12": ("cublas", "nvidia-cublas-cu12"),
    "libcudnn.so.9": ("cudnn", "nvidia-cudnn-cu12"),
    "libcufft.so.11": ("cufft", "nvidia-cufft-cu12"),
    "libcusolver.so.11": ("cusolver", "nvidia-cusolver-cu12"),
    "libcusparse.so.12": ("cusparse", "nvidia-cusparse-cu12"),
    "libcupti.so.12": ("cuda_cupti", "nvidia-cuda-cupti-cu12"),
    "libnccl.so.2": ("nccl", "nvidia-nccl-cu12"),
    "libnvJitLink.so.12": ("nvjitlink", "nvidia-nvjitlink-cu12"),
}
_CUDA = 12  # of TensorFlow 2.21's wheels
# Cards from this compute capability on get kernels that the driver makes of PTX.
_COMPILED_BELOW = (9, 0)
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
# What each setting does when it is not set.
_DEFAULTS = {
    "NVIDIA_TF32_OVERRIDE": "float32 products are TF32 where the card has it; 0 turns that off",
    "TF_FORCE_GPU_ALLOW_GROWTH": "TensorFlow takes nearly all memory of the GPU; true: as it needs it",
    "TF_GPU_ALLOCATOR": "TensorFlow's own; cuda_malloc_async is CUDA's, and may fragment less",
}
_OF_SEVERAL = {"NCCL_DEBUG": "silent; INFO says how the GPUs are connected, WARN what fails"}
_OF_PTX = {
    "CUDA_CACHE_MAXSIZE": "the driver compiles kernels for this card at a first start, for minutes, "
    "and may not keep all; 4294967296 keeps them"
}


@dataclass(frozen=True)
class Gpu:
    """A GPU that the driver knows; `capability` is its compute capability."""

    name: str
    capability: tuple[int, int]


def examine_gpus() -> list[Finding]:
    """Checks driver and libraries, and lists the settings; one line if there is no GPU."""
    driver, gpus = _read_driver()
    if not gpus:
        return [Finding("devices", "no GPU that a CUDA driver knows; training runs on the CPU")]
    named = ", ".join(f"{gpu.name} (compute capability {'.'.join(map(str, gpu.capability))})" for gpu in gpus)
    findings = [Finding("devices", f"{len(gpus)} GPU(s): {named}; driver for CUDA {driver // 1000}")]
    if driver < _CUDA * 1000:
        findings.append(Finding("gpu", f"the driver is too old: TensorFlow needs one for CUDA {_CUDA}"))
    missing = [library for library in _LIBRARIES if not _is_there(library)]
    findings += [
        Finding(
            "gpu", f"{library} is missing, so training runs on the CPU: pip install {_LIBRARIES[library][1]}"
        )
        for library in missing
    ]
    findings.append(
        Finding("gpu", "CUDA's libraries: pip install 'kerasbert[gpu]' installs all")
        if missing
        else Finding("gpu", f"all {len(_LIBRARIES)} libraries of CUDA that TensorFlow loads are there")
    )
    if not _has_ptxas():
        findings.append(Finding("gpu", "training.jit_compile lacks ptxas: pip install nvidia-cuda-nvcc-cu12"))
    settings = dict(_DEFAULTS)
    if len(gpus) > 1:
        settings |= _OF_SEVERAL
    if any(gpu.capability >= _COMPILED_BELOW for gpu in gpus):
        settings |= _OF_PTX
    return [*findings, *(_setting(name, default) for name, default in settings.items())]


def gpu_names() -> list[str]:
    """Returns the names of the GPUs visible to this process; empty if there is no CUDA driver."""
    return [gpu.name for gpu in _read_driver()[1]]


def _setting(name: str, default: str) -> Finding:
    value = os.environ.get(name)
    return Finding("gpu setting", f"{name}={value}" if value else f"{name} is not set: {default}")


def _read_driver() -> tuple[int, list[Gpu]]:
    """Returns the driver's version of CUDA, 12040 for 12.4, and the GPUs that this process may use."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0, []
    count, version = ctypes.c_int(), ctypes.c_int()
    if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)):
        return 0, []
    cuda.cuDriverGetVersion(ctypes.byref(version))
    gpus = []
    for number in range(count.value):
        device, name = ctypes.c_int(), ctypes.create_string_buffer(128)
        if not cuda.cuDeviceGet(ctypes.byref(device), number):
            cuda.cuDeviceGetName(name, len(name), device)
            capability = []
            for attribute in (_MAJOR, _MINOR):
                value = ctypes.c_int()
                cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
                capability.append(value.value)
            gpus.append(Gpu(name.value.decode(errors="replace"), (capability[0], capability[1])))
    return version.value, gpus


def _is_there(library: str) -> bool:
    """Whether TensorFlow finds a library: in the wheel of its package, or where the system's are."""
    if any((folder / _LIBRARIES[library][0] / "lib" / library).exists() for folder in _wheels()):
        return True
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_ptxas() -> bool:
    found = any((folder / "cuda_nvcc" / "bin" / "ptxas").exists() for folder in _wheels())
    return found or shutil.which("ptxas") is not None


def _wheels() -> list[Path]:
    """Returns the folders into which the packages of NVIDIA install."""
    spec = importlib.util.find_spec("nvidia")
    return [Path(folder) for folder in spec.submodule_search_locations or []] if spec else []
