import threading
import time

import grpc
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.serving.batching import Batcher
from kerasbert.serving.errors import ServingError, invalid


class Doubler:
    """Doubles `x`; remembers the sizes of its runs; waits while its gate is shut."""

    def __init__(self, batches: bool = True):
        self.sizes: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()
        self._batches = batches

    def batches(self, signature):
        return self._batches

    def run(self, signature, inputs):
        self.started.set()
        assert self.gate.wait(60)
        self.sizes.append(len(inputs["x"]))
        if (inputs["x"] < 0).any():
            raise invalid("negative")
        if signature == "broken":
            return {"y": inputs["x"][:1]}
        return {"y": inputs["x"] * 2}


def row(*values):
    return {"x": np.array(values, np.float32)}


def soon() -> float:
    return time.monotonic() + 60.0


@pytest.fixture
def batcher():
    made = []

    def make(max_batch_size=4, queue_size=100, threads=1, **settings) -> Batcher:
        made.append(Batcher(max_batch_size, queue_size, threads, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close(60.0)


def held(batcher, doubler, **settings):
    """Returns a batcher whose only thread waits in a run."""
    doubler.gate.clear()
    one = batcher(**settings)
    first = one.submit(doubler, "s", row(0), soon())
    assert doubler.started.wait(60)
    return one, first


def test_requests_that_wait_share_runs_up_to_the_largest_batch(batcher):
    doubler = Doubler()
    one, first = held(batcher, doubler)
    futures = [one.submit(doubler, "s", row(value), soon()) for value in range(6)]
    doubler.gate.set()
    assert [future.result(60)["y"].tolist() for future in futures] == [[2 * v] for v in range(6)]
    assert first.result(60)["y"].tolist() == [0]
    assert doubler.sizes == [1, 4, 2]


def test_only_what_fits_shares_a_run(batcher):
    doubler, other = Doubler(), Doubler()
    one, _ = held(batcher, doubler)
    matrix = {"x": np.ones([1, 2], np.float32)}
    whole = {"x": np.array([1], np.int32)}
    futures = [
        one.submit(servable, signature, inputs, soon())
        for servable, signature, inputs in (
            (doubler, "s", row(1)),
            (doubler, "t", row(2)),
            (other, "s", row(3)),
            (doubler, "s", matrix),
            (doubler, "s", whole),
            (doubler, "s", row(4)),
        )
    ]
    doubler.gate.set()
    for future in futures:
        future.result(60)
    assert doubler.sizes == [1, 2, 1, 1, 1]
    assert other.sizes == [1]


def test_a_large_request_takes_several_runs(batcher):
    doubler = Doubler()
    answer = batcher().submit(doubler, "s", row(*range(10)), soon()).result(60)
    assert answer["y"].tolist() == [2 * value for value in range(10)]
    assert doubler.sizes == [4, 4, 2]


def test_a_request_without_rows_runs(batcher):
    assert batcher().submit(Doubler(), "s", row(), soon()).result(60)["y"].shape == (0,)


def test_a_signature_without_a_batch_dimension_runs_alone(batcher):
    doubler = Doubler(batches=False)
    one, _ = held(batcher, doubler)
    futures = [one.submit(doubler, "s", row(1, 2), soon()) for _ in range(3)]
    doubler.gate.set()
    assert [future.result(60)["y"].tolist() for future in futures] == [[2, 4]] * 3
    assert doubler.sizes == [1, 2, 2, 2]


def test_a_bad_row_does_not_fail_its_neighbours(batcher):
    doubler = Doubler()
    one, _ = held(batcher, doubler)
    good, bad, other = (one.submit(doubler, "s", row(value), soon()) for value in (1, -1, 2))
    doubler.gate.set()
    assert (good.result(60)["y"].tolist(), other.result(60)["y"].tolist()) == ([2], [4])
    with pytest.raises(ServingError, match="negative"):
        bad.result(60)


def test_a_full_queue_refuses(batcher):
    doubler = Doubler()
    one, _ = held(batcher, doubler, queue_size=2)
    waiting = [one.submit(doubler, "s", row(1), soon()) for _ in range(2)]
    with pytest.raises(ServingError, match="queue to which this task was submitted is full") as caught:
        one.submit(doubler, "s", row(1), soon())
    assert (caught.value.code, caught.value.http_status) == (grpc.StatusCode.UNAVAILABLE, 503)
    doubler.gate.set()
    for future in waiting:
        future.result(60)


def test_late_and_abandoned_requests_are_not_run(batcher):
    doubler = Doubler()
    one, _ = held(batcher, doubler)
    late = one.submit(doubler, "s", row(1), time.monotonic() - 1.0)
    abandoned = one.submit(doubler, "s", row(1), soon())
    assert abandoned.cancel()
    last = one.submit(doubler, "s", row(5), soon())
    doubler.gate.set()
    assert last.result(60)["y"].tolist() == [10]
    with pytest.raises(ServingError) as caught:
        late.result(60)
    assert caught.value.http_status == 504
    assert doubler.sizes == [1, 1]


def test_inputs_must_have_equally_many_rows(batcher):
    inputs = {"x": np.zeros(2), "z": np.zeros(3)}
    with pytest.raises(ServingError, match="equal 0th-dimension size"):
        batcher().submit(Doubler(), "s", inputs, soon())


def test_outputs_must_have_as_many_rows_as_the_inputs(batcher):
    with pytest.raises(ServingError, match="Batched output tensor"):
        batcher().submit(Doubler(), "broken", row(1, 2), soon()).result(60)


def test_closing_answers_what_waits_and_refuses_the_rest(batcher):
    doubler = Doubler()
    one, first = held(batcher, doubler)
    waiting = one.submit(doubler, "s", row(1), soon())
    threading.Timer(0.05, doubler.gate.set).start()
    one.close(60.0)
    assert first.done()
    assert waiting.result(0)["y"].tolist() == [2]
    with pytest.raises(ServingError, match="shutting down"):
        one.submit(doubler, "s", row(1), soon())


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.integers(-2, 50), max_size=9), max_size=30), st.integers(1, 5))
def test_everyone_gets_their_own_answer(requests, max_batch_size):
    doubler, seen = Doubler(), []
    one = Batcher(max_batch_size, 100, threads=3, observe=lambda rows, _: seen.append(rows))
    futures = [one.submit(doubler, "s", row(*values), soon()) for values in requests]
    for values, future in zip(requests, futures, strict=True):
        if min(values, default=0) < 0:
            with pytest.raises(ServingError, match="negative"):
                future.result(60)
        else:
            assert future.result(60)["y"].tolist() == [2 * value for value in values]
    one.close(60.0)
    assert max(seen + doubler.sizes, default=0) <= max_batch_size


class Turns(Doubler):
    """Waits at rows of 100 and more alone; remembers which request each run of them was for."""

    def __init__(self):
        super().__init__()
        self.turns: list[int] = []

    def run(self, signature, inputs):
        if inputs["x"][0] < 100:
            return {"y": inputs["x"] * 2}
        self.turns.append(int(inputs["x"][0]))
        return super().run(signature, inputs)


@pytest.mark.parametrize("slow", [False, True])
def test_long_requests_take_turns_and_short_ones_do_not_wait_for_them(batcher, slow):
    turns = Turns()
    turns.gate.clear()
    one = batcher(threads=2)
    rows = 3 if slow else 12
    long = [one.submit(turns, "s", row(*[value] * rows), soon(), slow) for value in (100, 200, 300)]
    assert turns.started.wait(60)
    for value in range(20):
        assert one.submit(turns, "s", row(value), soon()).result(60)["y"].tolist() == [2 * value]
    turns.gate.set()
    assert [future.result(60)["y"].tolist() for future in long] == [[v] * rows for v in (200, 400, 600)]
    assert turns.turns == [100, 200, 300] * (1 if slow else 3)


def test_a_long_request_is_given_up_at_its_deadline(batcher):
    turns = Turns()
    turns.gate.clear()
    future = batcher(threads=2).submit(turns, "s", row(*[100] * 12), time.monotonic() + 0.2)
    assert turns.started.wait(60)
    time.sleep(0.3)
    turns.gate.set()
    with pytest.raises(ServingError, match="Timed out"):
        future.result(60)
    assert turns.sizes == [4]
