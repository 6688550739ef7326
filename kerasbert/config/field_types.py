"""Types of the keys of a configuration that YAML alone does not get right."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from kerasbert.config.yaml_values import SpelledInt


def _as_list(value: Any) -> Any:
    paths = [value] if isinstance(value, str) else value
    if isinstance(paths, list) and "" in paths:
        raise ValueError("should name a file, or several")
    return paths


def _as_string(value: Any) -> str:
    """YAML reads `1` as a number; labels are strings."""
    if value is None or isinstance(value, bool):
        raise ValueError(f"put quotes around it: YAML reads it as {value}")
    if isinstance(value, SpelledInt):
        raise ValueError(f"put quotes around it: YAML reads {value.spelling} as {int(value)}")
    if isinstance(value, list | dict):
        raise ValueError("should be text, not a list or a mapping")
    return str(value)


def _require_space(value: dict[Any, Any]) -> None:
    """YAML reads `{a:b}` as a key without a value."""
    for key, item in value.items():
        colon = next((mark for mark in ":：" if mark in str(key)), None)
        if item is None and colon is not None:
            left, right = str(key).split(colon, 1)
            raise ValueError(f"write a colon and a space, {left}: {right}; YAML reads {key} as one word")


def _as_strings(value: Any) -> Any:
    if isinstance(value, dict):
        _require_space(value)
        return {_as_string(key): _as_string(item) for key, item in value.items()}
    return [_as_string(item) for item in value] if isinstance(value, list) else value


def _with_string_keys(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    _require_space(value)
    return {_as_string(key): item for key, item in value.items()}


Paths = Annotated[list[str], BeforeValidator(_as_list)]
LabelMap = Annotated[dict[str, str], BeforeValidator(_as_strings)]
BY_LABEL = BeforeValidator(_with_string_keys)  # of dicts with labels as keys
LabelWeights = Annotated[Literal["balanced"] | dict[str, float] | None, BY_LABEL]
_NO_STRATEGY = {
    "parameter_server": "Keras 3 does not support it",
    "tpu": "it was never tried here",
    "central_storage": "its losses differ from those of one device",
    "keras_distribution": "keras.distribution is ignored on TensorFlow",
}


def _known_strategy(value: Any) -> Any:
    if value in _NO_STRATEGY:
        raise ValueError(f"{_NO_STRATEGY[value]}. Choose mirrored or multi_worker")
    return value


Strategy = Annotated[
    Literal["auto", "one_device", "mirrored", "multi_worker"], BeforeValidator(_known_strategy)
]
Monitor = Literal["accuracy", "macro_f1", "micro_f1", "loss"]
LabelList = Annotated[list[str], BeforeValidator(_as_strings)]
