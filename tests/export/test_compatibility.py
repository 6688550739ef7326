import re
from pathlib import Path

import pytest
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from kerasbert.data.labels import write_labels
from kerasbert.errors import UserError
from kerasbert.export.compatibility import (
    breaking_changes,
    read_signatures,
    refuse_breaking_changes,
)
from kerasbert.layout import EXPORTED_LABELS

pytestmark = pytest.mark.process

# A signature: its inputs and its outputs, each (dtype, sizes); None: of any rank.
STRINGS, FLOATS = ("STRING", [-1]), ("FLOAT", [-1, 2])
SERVE = ({"text": STRINGS}, {"label": STRINGS, "probabilities": FLOATS})
IDS = ({"token_ids": ("INT32", [-1, -1])}, {"probabilities": FLOATS})


def write(path: Path, signatures: dict, labels: tuple[str, ...] = ()) -> Path:
    path.mkdir(parents=True)
    proto = saved_model_pb2.SavedModel()
    signature_def = proto.meta_graphs.add().signature_def
    for name, (inputs, outputs) in signatures.items():
        signature = signature_def[name]
        for tensors, infos in ((inputs, signature.inputs), (outputs, signature.outputs)):
            for tensor, (dtype, sizes) in tensors.items():
                infos[tensor].dtype = types_pb2.DataType.Value(f"DT_{dtype}")
                if sizes is None:
                    infos[tensor].tensor_shape.unknown_rank = True
                for size in sizes or ():
                    infos[tensor].tensor_shape.dim.add(size=size)
    (path / "saved_model.pb").write_bytes(proto.SerializeToString())
    if labels:
        (path / "assets.extra").mkdir()
        write_labels(path / EXPORTED_LABELS, labels)
    return path


@pytest.fixture
def changes(tmp_path):
    def run(before: dict, after: dict) -> list[str]:
        return list(breaking_changes(write(tmp_path / "1", before), write(tmp_path / "2", after)))

    return run


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": SERVE}, {"a": SERVE}),
        ({"a": SERVE}, {"a": SERVE, "b": IDS}),
        # Another output beside several.
        ({"a": SERVE}, {"a": (SERVE[0], {**SERVE[1], "polarity": ("FLOAT", [-1])})}),
        # An input that takes more than before.
        ({"a": ({"x": ("INT32", [-1, 8])}, {})}, {"a": ({"x": ("INT32", [-1, -1])}, {})}),
        ({"a": ({"x": ("INT32", [8])}, {})}, {"a": ({"x": ("INT32", None)}, {})}),
        # An output of which less or more is known.
        ({"a": ({}, {"y": ("FLOAT", [-1, -1])})}, {"a": ({}, {"y": ("FLOAT", [-1, 2])})}),
        ({"a": ({}, {"y": ("FLOAT", [-1, 2])})}, {"a": ({}, {"y": ("FLOAT", [-1, -1])})}),
        ({"a": ({}, {"y": ("FLOAT", [-1, 2])})}, {"a": ({}, {"y": ("FLOAT", None)})}),
        # Internal to TensorFlow.
        ({"a": SERVE, "__saved_model_init_op": ({}, {})}, {"a": SERVE}),
    ],
)
def test_what_users_can_live_with(changes, before, after):
    assert changes(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({"a": SERVE, "b": IDS}, {"a": SERVE}, "signature b is gone"),
        ({"a": SERVE}, {"a": ({}, SERVE[1])}, "the input text is gone"),
        ({"a": SERVE}, {"a": ({"text": STRINGS, "pair": STRINGS}, SERVE[1])}, "the input pair is new"),
        ({"a": SERVE}, {"a": (SERVE[0], {"label": STRINGS})}, "the output probabilities is gone"),
        (
            {"a": SERVE},
            {"a": ({"text": ("INT32", [-1])}, SERVE[1])},
            r"the input text was string \[any\] and is int32 \[any\]",
        ),
        ({"a": IDS}, {"a": ({"token_ids": ("INT32", [-1, 128])}, IDS[1])}, r"is int32 \[any, 128\]"),
        ({"a": IDS}, {"a": ({"token_ids": ("INT32", [-1])}, IDS[1])}, "token_ids"),
        ({"a": ({"x": ("INT32", None)}, {})}, {"a": ({"x": ("INT32", [-1])}, {})}, "was int32 of any shape"),
        ({"a": IDS}, {"a": (IDS[0], {"probabilities": ("FLOAT", [-1, 3])})}, r"is float \[any, 3\]"),
        ({"a": IDS}, {"a": (IDS[0], {"probabilities": ("FLOAT", [-1])})}, "the output probabilities was"),
        ({"a": IDS}, {"a": (IDS[0], {"probabilities": ("HALF", [-1, 2])})}, "is half"),
        ({"a": IDS}, {"a": (IDS[0], {**IDS[1], "label": STRINGS})}, "makes REST answers objects"),
    ],
)
def test_what_breaks_users(changes, before, after, message):
    (change,) = changes(before, after)
    assert re.search(message, change)


@pytest.mark.parametrize(
    ("before", "after", "breaks"),
    [
        (("a", "b"), ("a", "b"), False),
        (("a", "b"), ("b", "a"), True),
        (("a", "b"), ("a", "c"), True),
        ((), ("a", "b"), False),  # by an export that did not write them
    ],
)
def test_the_labels_are_part_of_what_users_know(tmp_path, before, after, breaks):
    old, new = write(tmp_path / "1", {"a": SERVE}, before), write(tmp_path / "2", {"a": SERVE}, after)
    wanted = [f"the labels were {', '.join(before)} and are {', '.join(after)}"] if breaks else []
    assert list(breaking_changes(old, new)) == wanted


def test_the_highest_version_counts(tmp_path):
    write(tmp_path / "9", {"a": IDS})
    write(tmp_path / "10", {"a": SERVE})
    (tmp_path / "11").mkdir()  # no model
    refuse_breaking_changes(write(tmp_path / "staging", {"a": SERVE}), tmp_path)
    with pytest.raises(UserError, match=r"users of \S+10 would fail: .*; .*--allow-breaking"):
        refuse_breaking_changes(write(tmp_path / "other", {"a": IDS}), tmp_path)


def test_the_first_version_breaks_nobody(tmp_path):
    refuse_breaking_changes(write(tmp_path / ".staging", {"a": SERVE}), tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xff", b""])
def test_a_damaged_version_before_is_named(tmp_path, content):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(content)
    with pytest.raises(UserError, match=r"1/saved_model.pb: cannot be compared.*--allow-breaking"):
        refuse_breaking_changes(write(tmp_path / ".staging", {"a": SERVE}), tmp_path)


def test_real_models(exported, exported_bfloat16, exported_multi_label, exported_pairs):
    assert "__saved_model_init_op" not in read_signatures(exported.path)
    assert set(read_signatures(exported.path)) == {"serving_default", "classify", "token_ids", "explain"}
    assert list(breaking_changes(exported.path, exported_bfloat16.path)) == []
    gone = ["signature embed is gone (--signature embed keeps it)"]
    assert list(breaking_changes(exported_bfloat16.path, exported.path)) == gone
    pairs = list(breaking_changes(exported.path, exported_pairs.path))
    assert "signature serving_default: the input pair is new, and nobody sends it" in pairs
    assert any(change.startswith("the labels were negative, positive and are") for change in pairs)
    several = list(breaking_changes(exported.path, exported_multi_label.path))
    assert any("probabilities was float [any, 2] and is float [any, 3]" in change for change in several)
