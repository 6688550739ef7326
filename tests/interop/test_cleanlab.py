"""Label errors are those that cleanlab finds with the same probabilities."""

import numpy as np
import pytest

from kerasbert.curation.confident_learning import confident_joint, label_errors, thresholds


@pytest.fixture(scope="session")
def cleanlab():
    pytest.importorskip("cleanlab", reason="cleanlab is not installed")
    import cleanlab.count
    import cleanlab.filter

    return cleanlab


@pytest.mark.parametrize("labels", [2, 3, 10, 40])
@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
def test_label_errors_agree(cleanlab, labels, noise):
    random = np.random.default_rng(labels)
    rows = 200 * labels
    truth = random.choice(labels, rows, p=random.dirichlet(np.full(labels, 5)))
    probabilities = random.dirichlet(np.full(labels, 0.5), rows)
    probabilities[np.arange(rows), truth] += random.exponential(1.5, rows)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    given = np.where(random.random(rows) < noise, random.integers(0, labels, rows), truth)
    np.testing.assert_allclose(
        thresholds(given, probabilities), cleanlab.count.get_confident_thresholds(given, probabilities)
    )
    theirs = cleanlab.count.compute_confident_joint(given, probabilities, calibrate=False)
    joint = confident_joint(given, probabilities)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    assert np.array_equal(joint, theirs)
    ours = label_errors(given, probabilities)
    theirs = cleanlab.filter.find_label_issues(given, probabilities, n_jobs=1)
    assert abs(ours.sum() - theirs.sum()) <= 0.02 * theirs.sum()
    # Of equal remainders, which many labels bring, others are rounded up.
    most = {2: 0, 3: 0, 10: 0.07, 40: 0.15}[labels]
    assert np.count_nonzero(ours != theirs) <= most * theirs.sum()
