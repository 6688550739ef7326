"""A SavedModel in a C session (tensorflow/c/c_api.h), through ctypes."""

import ctypes
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasbert.native.signatures import read_signatures

_STRING = 7  # TF_STRING
_STRING_SIZE = 24  # sizeof(TF_TString)
_DTYPES = {1: np.float32, 2: np.float64, 3: np.int32, 9: np.int64, 10: np.bool_}
_CODES = {np.dtype(dtype): code for code, dtype in _DTYPES.items()}
# A ConfigProto: graph_options.rewrite_options.disable_meta_optimizer.
_UNOPTIMIZED = bytes.fromhex("52055203980101")
# The op libraries of tensorflow-text that a stock TensorFlow Serving 2.20 links and texts may need.
_TEXT_OPS = (
    "_normalize_ops",
    "_regex_split_ops",
    "_fast_wordpiece_tokenizer",
    "_sentencepiece_tokenizer",
    "_trimmer_ops",
)

_Pointer = ctypes.c_void_p


class NativeError(RuntimeError):
    """The C API failed to load or run the model."""


class _Output(ctypes.Structure):
    _fields_ = (("operation", _Pointer), ("index", ctypes.c_int))


class _Buffer(ctypes.Structure):
    _fields_ = (("data", _Pointer), ("length", ctypes.c_size_t), ("deallocator", _Pointer))


def package_directory(name: str) -> Path:
    """Returns the directory of the package `name`, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise NativeError(f"the package {name} is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


class NativeSession:
    """Loads a SavedModel and runs it.

    Args:
        model: the version directory, with `saved_model.pb`.
        optimize: whether TensorFlow optimizes the graph first, as servers do: that takes longer than a few
            requests.

    Attributes:
        signatures: by name; see `Signature`.

    Raises:
        NativeError: the model cannot be loaded, for example because of an unknown op.
    """

    def __init__(self, model: str | Path, optimize: bool = True):
        self._library = _load_tensorflow()
        self._status = self._call("TF_NewStatus", _Pointer)
        suffix = "dylib" if sys.platform == "darwin" else "so"
        ops = package_directory("tensorflow_text") / "python" / "ops"
        for name in _TEXT_OPS:
            self._checked("TF_LoadLibrary", _Pointer, os.fsencode(ops / f"{name}.{suffix}"))
        self._graph = self._call("TF_NewGraph", _Pointer)
        options = self._call("TF_NewSessionOptions", _Pointer)
        if not optimize:
            size = ctypes.c_size_t(len(_UNOPTIMIZED))
            self._checked("TF_SetConfig", None, _Pointer(options), _UNOPTIMIZED, size)
        meta_graph = self._call("TF_NewBuffer", ctypes.POINTER(_Buffer))
        tags = (ctypes.c_char_p * 1)(b"serve")
        self._session = self._checked(
            "TF_LoadSessionFromSavedModel",
            _Pointer,
            _Pointer(options),
            None,
            os.fsencode(model),
            tags,
            ctypes.c_int(1),
            _Pointer(self._graph),
            meta_graph,
        )
        content = ctypes.string_at(meta_graph.contents.data, meta_graph.contents.length)
        self.signatures = read_signatures(content)
        self._call("TF_DeleteBuffer", None, meta_graph)

    def run(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str]) -> list[np.ndarray]:
        """Runs the graph and returns the tensors `fetches` (`name:0`). Strings are object arrays of bytes."""
        tensors = [self._to_tensor(value) for value in feeds.values()]
        inputs = (_Output * len(feeds))(*map(self._output, feeds))
        outputs = (_Output * len(fetches))(*map(self._output, fetches))
        results = (_Pointer * len(fetches))()
        try:
            self._checked(
                "TF_SessionRun",
                None,
                _Pointer(self._session),
                None,
                inputs,
                (_Pointer * len(feeds))(*tensors),
                ctypes.c_int(len(feeds)),
                outputs,
                results,
                ctypes.c_int(len(fetches)),
                None,
                ctypes.c_int(0),
                None,
            )
        finally:
            for tensor in tensors:
                self._call("TF_DeleteTensor", None, _Pointer(tensor))
        return [self._from_tensor(tensor or 0) for tensor in results]

    def _call(self, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(self._library, name)
        function.restype = result
        return function(*arguments)

    def _checked(self, name: str, result: Any, *arguments: Any) -> Any:
        value = self._call(name, result, *arguments, _Pointer(self._status))
        if self._call("TF_GetCode", ctypes.c_int, _Pointer(self._status)):
            message = self._call("TF_Message", ctypes.c_char_p, _Pointer(self._status))
            raise NativeError(message.decode(errors="replace"))
        return value

    def _output(self, tensor: str) -> _Output:
        name, _, index = tensor.rpartition(":")
        operation = self._call("TF_GraphOperationByName", _Pointer, _Pointer(self._graph), name.encode())
        if not operation:
            raise NativeError(f"the graph has no operation {name!r}")
        return _Output(operation, int(index))

    def _allocate(self, code: int, shape: Sequence[int], size: int) -> int:
        dimensions = (ctypes.c_int64 * max(len(shape), 1))(*shape)
        return self._call(
            "TF_AllocateTensor",
            _Pointer,
            ctypes.c_int(code),
            dimensions,
            ctypes.c_int(len(shape)),
            ctypes.c_size_t(size),
        )

    def _to_tensor(self, array: np.ndarray) -> int:
        if array.dtype != object:
            array = array.copy(order="C")
            tensor = self._allocate(_CODES[array.dtype], array.shape, array.nbytes)
            data = self._call("TF_TensorData", _Pointer, _Pointer(tensor))
            if array.nbytes:
                ctypes.memmove(data, array.ctypes.data, array.nbytes)
            return tensor
        tensor = self._allocate(_STRING, array.shape, _STRING_SIZE * array.size)
        data = self._call("TF_TensorData", _Pointer, _Pointer(tensor)) or 0
        for place, value in enumerate(array.ravel()):
            address = _Pointer(data + _STRING_SIZE * place)
            self._call("TF_StringInit", None, address)
            self._call("TF_StringCopy", None, address, value, ctypes.c_size_t(len(value)))
        return tensor

    def _from_tensor(self, tensor: int) -> np.ndarray:
        handle = _Pointer(tensor)
        rank = self._call("TF_NumDims", ctypes.c_int, handle)
        shape = [self._call("TF_Dim", ctypes.c_int64, handle, ctypes.c_int(axis)) for axis in range(rank)]
        count = int(np.prod(shape, dtype=np.int64))
        code = self._call("TF_TensorType", ctypes.c_int, handle)
        data = self._call("TF_TensorData", _Pointer, handle) or 0
        if code == _STRING:
            array = np.empty(count, object)
            array[:] = [self._string(data + _STRING_SIZE * place) for place in range(count)]
        else:
            dtype = np.dtype(_DTYPES[code])
            content = ctypes.string_at(data, count * dtype.itemsize) if count else b""
            array = np.frombuffer(content, dtype).copy()
        self._call("TF_DeleteTensor", None, handle)
        return array.reshape(shape)

    def _string(self, address: int) -> bytes:
        start = self._call("TF_StringGetDataPointer", _Pointer, _Pointer(address))
        size = self._call("TF_StringGetSize", ctypes.c_size_t, _Pointer(address))
        return ctypes.string_at(start, size)


def library_version() -> str:
    """Returns the version of TensorFlow's C library."""
    function = _load_tensorflow().TF_Version
    function.restype = ctypes.c_char_p
    return function().decode()


def _load_tensorflow() -> ctypes.CDLL:
    directory = package_directory("tensorflow")
    framework, library = (
        directory / (f"{name}.2.dylib" if sys.platform == "darwin" else f"{name}.so.2")
        for name in ("libtensorflow_framework", "libtensorflow_cc")
    )
    try:
        ctypes.CDLL(str(framework), ctypes.RTLD_GLOBAL)
        return ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise NativeError(f"TensorFlow's C library cannot be loaded: {error}") from error
