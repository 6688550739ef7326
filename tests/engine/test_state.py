import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kerasbert.engine.state import restore_state, save_state, state_files
from kerasbert.errors import CheckpointError


def variables(*values):
    return [tf.Variable(value) for value in values]


def test_a_state_comes_back_exactly(tmp_path):
    values = (np.float32([1.5, np.pi]), np.int64(7), np.zeros((0, 3), np.float32))
    save_state(tmp_path, {"step": 3, "best": 0.5}, variables(*values))
    other = [tf.Variable(tf.zeros_like(value)) for value in values]
    assert restore_state(tmp_path, other) == ({"step": 3, "best": 0.5}, [])
    for variable, value in zip(other, values, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_the_newest_are_kept(tmp_path):
    for step in (1, 2, 10):
        save_state(tmp_path, {"step": step}, variables(float(step)))
    assert [path.name for path in state_files(tmp_path)] == ["step-000000010.state", "step-000000002.state"]


def test_as_many_are_kept_as_wanted(tmp_path):
    for step in (1, 2, 3, 4):
        save_state(tmp_path, {"step": step}, variables(float(step)), keep=3)
    assert [path.name[-7:] for path in state_files(tmp_path)] == ["4.state", "3.state", "2.state"]


@pytest.mark.process
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0), st.integers(1, 255))
def test_a_wrong_byte_anywhere_is_seen(tmp_path, place, change):
    values = np.arange(50, dtype=np.float32)
    for step in (1, 2):
        save_state(tmp_path, {"step": step}, variables(values + step))
    content = bytearray(state_files(tmp_path)[0].read_bytes())
    content[place % len(content)] ^= change
    state_files(tmp_path)[0].write_bytes(content)
    (variable,) = variables(np.zeros(50, np.float32))
    assert restore_state(tmp_path, [variable])[0] == {"step": 1}
    np.testing.assert_array_equal(variable, values + 1)


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-30], lambda content: b"", lambda content: b"x" * 99]
)
def test_a_damaged_one_falls_back_to_the_one_before(tmp_path, damage):
    for step in (1, 2):
        save_state(tmp_path, {"step": step}, variables(np.full(100, step, np.float32)))
    newest = state_files(tmp_path)[0]
    newest.write_bytes(damage(newest.read_bytes()))
    (variable,) = variables(np.zeros(100, np.float32))
    facts, (note,) = restore_state(tmp_path, [variable])
    assert facts == {"step": 1}
    assert note.startswith(f"{newest}: damaged, ")
    assert variable.numpy()[0] == 1


def test_none_and_foreign_ones_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        restore_state(tmp_path, variables(1.0))
    save_state(tmp_path, {"step": 1}, variables(1.0))
    with pytest.raises(CheckpointError, match="belongs to another model"):
        restore_state(tmp_path, variables(1.0, 2.0))
