"""Token embeddings to start from: what a teacher makes of each token on its own."""

import numpy as np

from kerasbert.models.encoder import Encoder
from kerasbert.pretraining.alignment import characters, token_text
from kerasbert.pretraining.teacher_states import TeacherStates
from kerasbert.text import Vocabulary

_SCALE = 0.05  # standard deviation; BERT's initial embeddings have 0.02


def ordinary_tokens(vocabulary: Vocabulary) -> dict[int, str]:
    """Returns the tokens that are parts of texts, as texts, by their ids."""
    texts = {int(token): token_text(vocabulary, token) for token in vocabulary.ordinary}
    return {token: text for token, text in texts.items() if characters(text)}


def set_starting_vectors(backbone: Encoder, vocabulary: Vocabulary, states: TeacherStates) -> float:
    """Sets the embeddings of all tokens but special ones to their principal components in the teacher.

    As Model2Vec does (https://github.com/MinishLab/model2vec).

    Args:
        backbone: of the student.
        vocabulary: of the student.
        states: of `ordinary_tokens`.

    Returns:
        The share of the variance that the components keep.
    """
    vectors = states.texts.astype(np.float64)
    vectors -= vectors.mean(axis=0)
    table = backbone.token_embedding.embeddings
    _, values, axes = np.linalg.svd(vectors, full_matrices=False)
    kept = min(table.shape[1], len(axes))
    components = vectors @ axes[:kept].T
    components *= _SCALE / max(components.std(), 1e-12)
    started = table.numpy()
    started[list(ordinary_tokens(vocabulary)), :kept] = components
    table.assign(started)
    return float((values[:kept] ** 2).sum() / max((values**2).sum(), 1e-12))
