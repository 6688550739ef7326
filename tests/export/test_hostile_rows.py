"""No row of a batch reaches another: in TensorFlow's C session, as a server runs the model."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tensorflow.core.protobuf import saved_model_pb2

from kerasbert.native.session import NativeError, NativeSession

pytestmark = pytest.mark.process

IDS, SEGMENTS, MASK = NAMES = ("token_ids", "segment_ids", "padding_mask")
# What may stand where 0, 1 or a small id belongs.
INTEGERS = st.integers(-2, 12) | st.sampled_from([-(2**31), 2**31 - 1, 21128, 999])
WIDEST = 21  # the position table has 16 rows
# Rounding alone: sums in another order, now and then to the next bfloat16 or 8-bit integer.
TOLERANCE = {"float32": 1e-5, "bfloat16": 2e-2, "int8": 5e-3}
Run = Callable[..., dict[str, np.ndarray]]


def session_of(path) -> Run:
    """Returns a function from a signature's name and its inputs to its outputs."""
    session = NativeSession(path)
    proto = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    signatures = proto.meta_graphs[0].signature_def

    def run(signature: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        spec = signatures[signature]
        feeds = {spec.inputs[name].name: value for name, value in inputs.items()}
        return dict(
            zip(spec.outputs, session.run(feeds, [o.name for o in spec.outputs.values()]), strict=True)
        )

    return run


@pytest.fixture(scope="module")
def run(exported) -> Run:
    return session_of(exported.path)


@pytest.fixture(scope="module", params=["float32", "bfloat16", "int8"])
def precision_and_run(request) -> tuple[str, Run]:
    name = {"float32": "exported"}.get(request.param, f"exported_{request.param}")
    return request.param, session_of(request.getfixturevalue(name).path)


@st.composite
def raw_rows(draw) -> dict[str, np.ndarray]:
    """Any integers: [rows, width], where the three widths may differ."""
    rows, width = draw(st.integers(1, 4)), draw(st.integers(0, WIDEST))
    widths = [width, *(draw(st.just(width) | st.integers(0, WIDEST)) for _ in range(2))]
    return {
        name: draw(arrays(np.int32, (rows, width), elements=INTEGERS))
        for name, width in zip(NAMES, widths, strict=True)
    }


def rows_of(ids: list[list[int]], masks: list[list[int]]) -> dict[str, np.ndarray]:
    token_ids = np.array(ids, np.int32)
    return {IDS: token_ids, SEGMENTS: np.zeros_like(token_ids), MASK: np.array(masks, np.int32)}


@settings(max_examples=60, deadline=None)
@given(batch=raw_rows())
def test_any_integers_get_the_answer_that_they_get_alone(precision_and_run, batch):
    precision, run = precision_and_run
    together = run("token_ids", **batch)
    assert np.isfinite(together["probabilities"]).all()
    for row in range(len(batch[IDS])):
        alone = run("token_ids", **{name: values[row : row + 1] for name, values in batch.items()})
        for name in ("probabilities", "score"):
            np.testing.assert_allclose(together[name][row], alone[name][0], atol=TOLERANCE[precision], rtol=0)


@settings(max_examples=30, deadline=None)
@given(batch=raw_rows())
def test_python_answers_what_the_server_answers(exported, run, batch):
    expected = exported.classifier.decide({name: tf.constant(values) for name, values in batch.items()})
    answer = run("token_ids", **batch)
    np.testing.assert_allclose(answer["probabilities"], expected["probabilities"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("mask", [[1], [-1, 1, 1, 1], [7, 2, -3, 2**31 - 1]], ids=str)
def test_any_number_but_zero_marks_a_real_token(run, mask):
    ids = [2, 6, 7, 3]
    mask = np.resize(mask, 4).tolist()
    usual = run("token_ids", **rows_of([ids], [[1] * 4]))
    np.testing.assert_array_equal(
        run("token_ids", **rows_of([ids], [mask]))["probabilities"], usual["probabilities"]
    )


@pytest.mark.parametrize("width", [0, 1, 4, 16, 40])
def test_a_row_without_a_real_token_is_the_empty_text(precision_and_run, exported, strings, width):
    _, run = precision_and_run
    empty = run("serving_default", text=strings([""]))
    ids = [2, *[7] * (width - 1)][:width]
    answer = run("token_ids", **rows_of([ids, ids], [[0] * width] * 2))
    np.testing.assert_allclose(
        answer["probabilities"], np.repeat(empty["probabilities"], 2, 0), atol=1e-6, rtol=0
    )
    python = exported.classifier.decide({name: tf.zeros([1, width], tf.int32) for name in NAMES})
    expected = exported.classifier.predict([""])["probabilities"]
    np.testing.assert_allclose(python["probabilities"], expected, atol=1e-6, rtol=0)


def test_the_empty_pair_has_both_separators(exported_pairs, strings):
    run = session_of(exported_pairs.path)
    empty = run("serving_default", text=strings([""]), pair=strings([""]))
    answer = run("token_ids", **rows_of([[]], [[]]))
    np.testing.assert_allclose(answer["probabilities"], empty["probabilities"], atol=1e-6, rtol=0)


def test_ids_segments_and_lengths_out_of_range_count_as_documented(run):
    def answer(ids, segments, mask):
        arguments = zip(NAMES, (ids, segments, mask), strict=True)
        return run("token_ids", **{name: np.array([row], np.int32) for name, row in arguments})

    for given_row, read in (
        (([2, -5, 9999, 3], [0] * 4, [1] * 4), ([2, 1, 1, 3], [0] * 4, [1] * 4)),
        (([2, 6, 7, 3], [-9, 0, 2, 2**31 - 1], [1] * 4), ([2, 6, 7, 3], [0, 0, 1, 1], [1] * 4)),
        (([2, *[6] * 30], [0] * 31, [1] * 31), ([2, *[6] * 15], [0] * 16, [1] * 16)),
        (([2, 6, 7, 3], [0], [1] * 3), ([2, 6, 7], [0] * 3, [1] * 3)),
        (([2, 6, 3], [0] * 5, [1] * 5), ([2, 6, 3], [0] * 3, [1] * 3)),
    ):
        np.testing.assert_array_equal(answer(*given_row)["probabilities"], answer(*read)["probabilities"])


def test_no_rows_are_no_answers(run):
    for width in (0, 4, 40):
        answer = run("token_ids", **{name: np.zeros([0, width], np.int32) for name in NAMES})
        assert answer["probabilities"].shape == (0, 2)


def as_tensorflow_serving_pads(requests: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Joins requests as `AddPadding` of its batching_util.cc does: by the first element of each tensor."""
    width = max(request[IDS].shape[1] for request in requests)

    def padded(values: np.ndarray) -> np.ndarray:
        missing = [(0, 0), (0, width - values.shape[1])]
        return np.pad(values, missing, constant_values=values.flat[0])

    return {name: np.concatenate([padded(request[name]) for request in requests]) for name in NAMES}


@settings(max_examples=30, deadline=None)
@given(
    requests=st.lists(
        st.lists(st.integers(5, 12), min_size=0, max_size=18).map(lambda ids: [2, *ids, 3]),
        min_size=2,
        max_size=4,
    )
)
def test_rows_of_several_lengths_survive_the_padding_of_tensorflow_serving(run, requests):
    alone = [rows_of([ids], [[1] * len(ids)]) for ids in requests]
    together = run("token_ids", **as_tensorflow_serving_pads(alone))
    for row, request in enumerate(alone):
        np.testing.assert_allclose(
            together["probabilities"][row], run("token_ids", **request)["probabilities"][0], atol=1e-5, rtol=0
        )


TEXTS = st.binary(max_size=30) | st.sampled_from([b"", b"a\0b", b"\xff\xfe", "很".encode() * 200])


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_any_bytes_get_the_answer_that_they_get_alone(precision_and_run, strings, texts):
    precision, run = precision_and_run
    together = run("serving_default", text=strings(texts))
    for row, text in enumerate(texts):
        alone = run("serving_default", text=strings([text]))
        np.testing.assert_allclose(
            together["probabilities"][row], alone["probabilities"][0], atol=TOLERANCE[precision], rtol=0
        )


@settings(max_examples=5, deadline=None)
@given(hostile=TEXTS, label=st.binary(max_size=9))
def test_an_explanation_does_not_depend_on_the_row_beside_it(run, strings, hostile, label):
    alone = run("explain", text=strings(["手机很好"]), label=strings([""]))
    together = run("explain", text=strings(["手机很好", hostile]), label=strings([b"", label]))
    words = alone["words"].shape[1]
    assert together["words"][0, :words].tolist() == alone["words"][0].tolist()
    for name in ("score", "baseline_score"):
        np.testing.assert_allclose(together[name][0], alone[name][0], atol=1e-5, rtol=0)
    np.testing.assert_allclose(
        together["attributions"][0, :words], alone["attributions"][0], atol=1e-4, rtol=0
    )


def example_of(kind: str, *values: bytes | int) -> bytes:
    feature = tf.train.Feature()
    getattr(feature, kind).value.extend(values)
    return tf.train.Example(features=tf.train.Features(feature={"text": feature})).SerializeToString()


READABLE = st.binary(max_size=9).map(lambda text: example_of("bytes_list", text))
UNREADABLE = st.sampled_from(
    [
        example_of("int64_list", 5),
        example_of("float_list", 5),
        example_of("bytes_list", b"a", b"b"),
        example_of("bytes_list", b"hello")[:-2],
        b"\xff no Example",
    ]
)


@settings(max_examples=30, deadline=None)
@given(good=READABLE, others=st.lists(READABLE | UNREADABLE, min_size=1, max_size=4), place=st.integers(0, 4))
def test_an_example_is_classified_as_alone_beside_any_other(precision_and_run, strings, good, others, place):
    precision, run = precision_and_run
    batch = [*others[:place], good, *others[place:]]
    alone = run("classify", inputs=strings([good]))["scores"][0]
    together = run("classify", inputs=strings(batch))["scores"]
    np.testing.assert_allclose(together[batch.index(good)], alone, atol=TOLERANCE[precision], rtol=0)
    assert np.isfinite(together).all()


def test_an_example_that_cannot_be_read_is_the_empty_text_beside_others_and_refused_alone(run, strings):
    bad, good = example_of("int64_list", 5), example_of("bytes_list", "很好".encode())
    scores = run("classify", inputs=strings([bad, good]))["scores"]
    expected = run("serving_default", text=strings(["", "很好"]))["probabilities"]
    np.testing.assert_allclose(scores, expected, atol=1e-6, rtol=0)
    with pytest.raises(NativeError, match="expected type: string"):
        run("classify", inputs=strings([bad, bad]))
