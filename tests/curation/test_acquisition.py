import numpy as np
import pytest

from kerasbert.curation.acquisition import badge, doubt


def test_doubt_is_one_less_the_margin_or_the_distance_from_one_half():
    assert doubt(np.array([[0.5, 0.4, 0.1], [1.0, 0.0, 0.0]])) == pytest.approx([0.9, 0.0])
    assert doubt(np.array([[0.5, 0.9], [0.1, 0.9]]), several=True) == pytest.approx([1.0, 0.2])


def test_distances_are_those_of_the_gradients():
    """Against k-means++ over the products themselves."""
    random = np.random.default_rng(0)
    probabilities, vectors = random.dirichlet(np.ones(3), 30), random.normal(size=[30, 4])
    errors = probabilities - np.eye(3)[probabilities.argmax(axis=1)]
    gradients = (errors[:, :, None] * vectors[:, None, :]).reshape(30, 12)
    draw = np.random.default_rng(7)
    expected = [int(np.square(gradients).sum(axis=1).argmax())]
    while len(expected) < 10:
        squares = np.square(gradients[:, None] - gradients[expected]).sum(axis=2).min(axis=1)
        squares[expected] = 0
        expected.append(int(draw.choice(30, p=squares / squares.sum())))
    assert badge(probabilities, vectors, 10, seed=7).tolist() == expected


def test_of_equal_texts_each_is_drawn_once():
    drawn = badge(np.full([5, 2], 0.5), np.ones([5, 3]), 5, seed=0)
    assert sorted(drawn.tolist()) == [0, 1, 2, 3, 4]


def test_several_labels():
    drawn = badge(np.array([[0.9, 0.9], [0.5, 0.45]]), np.ones([2, 3]), 1, seed=0, several=True)
    assert drawn.tolist() == [1]
