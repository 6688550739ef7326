import numpy as np
import pytest

from kerasbert.pretraining.batches import training_batches, validation_batches

BATCH = 4


def take(dataset, count):
    return [
        ({name: value.numpy() for name, value in inputs.items()}, targets, weights)
        for inputs, targets, weights in dataset.take(count)
    ]


def originals(batch) -> list[tuple]:
    """The rows as they were before masking."""
    inputs, targets, weights = batch
    rows = inputs["token_ids"].copy()
    for row in range(len(rows)):
        real = weights["mlm"][row].numpy() > 0
        rows[row, inputs["mask_positions"][row][real]] = targets["mlm"][row].numpy()[real]
    return [tuple(row[row > 0]) for row in rows]


@pytest.mark.process
def test_an_epoch_holds_every_example_once(stories, make_config):
    config = make_config()
    count = stories.counts["train"].examples
    batches = take(training_batches(stories, config, 1, 0, 0), 2 * count)
    epochs = [
        sorted(row for batch in part for row in originals(batch))
        for part in (batches[:count], batches[count:])
    ]
    assert epochs[0] == epochs[1]
    assert len(epochs[0]) == count
    order = [
        [row for batch in part for row in originals(batch)] for part in (batches[:count], batches[count:])
    ]
    assert order[0] != order[1]


def test_masks_differ_between_epochs(stories, make_config):
    count = stories.counts["train"].examples
    batches = take(training_batches(stories, make_config(), 1, 0, 0), 2 * count)
    masked = {}
    for batch in batches:
        masked.setdefault(originals(batch)[0], []).append(batch[0]["mask_positions"].tolist())
    assert any(len({str(m) for m in masks}) > 1 for masks in masked.values())


@pytest.mark.process
@pytest.mark.parametrize("first", [1, 7, 30])
def test_starting_late_gives_the_same_batches(stories, make_config, first):
    config = make_config()
    whole = take(training_batches(stories, config, BATCH, 0, 100), first + 5)
    late = take(training_batches(stories, config, BATCH, first, 100 + first), 5)
    for a, b in zip(whole[first:], late, strict=True):
        for name in a[0]:
            np.testing.assert_array_equal(a[0][name], b[0][name])
        np.testing.assert_array_equal(a[1]["mlm"], b[1]["mlm"])


def test_weights_make_the_mean_over_all_places_the_mean_over_the_masked_ones(stories, make_config):
    for _, _, weights in take(training_batches(stories, make_config(), BATCH, 0, 0), 5):
        for of_task in weights.values():
            values = of_task.numpy()
            assert values.mean() == pytest.approx(1.0)
            assert len(set(values[values > 0].tolist())) == 1


def test_held_out_masks_stay_the_same(stories, make_config):
    first, second = (list(validation_batches(stories, make_config(), 8)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a[0]["token_ids"], b[0]["token_ids"])


def test_without_nsp_there_are_no_pair_labels(stories, make_config):
    ((_, targets, weights),) = take(training_batches(stories, make_config(nsp=False), BATCH, 0, 0), 1)
    assert targets.keys() == weights.keys() == {"mlm"}
