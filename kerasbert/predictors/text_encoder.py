"""The interface of whatever turns texts into vectors."""

import abc
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

import numpy as np

from kerasbert.config import DataConfig
from kerasbert.errors import UserError, require_count
from kerasbert.predictors.predict import WINDOW, AnyRow, Arrays, in_batches
from kerasbert.predictors.texts import Batch, Texts, read_texts, require_text

POOLINGS = ("mean", "cls", "max")
PRECISIONS = ("float32", "bfloat16")
_LARGEST_BATCH = 1_000_000
VECTOR = "vector"


class TextEncoder(abc.ABC):
    """What `kerasbert.open_encoder` returns: texts in, vectors out.

    Attributes:
        source: where it was opened: a path, a name or a URL.
        data: the columns of data files, as far as they are known.
    """

    batch_size: ClassVar[int | None] = 64  # texts computed at once. None: it splits them itself

    def __init__(self, source: str, data: DataConfig):
        self.source, self.data = source, data

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.source!r})"

    @property
    def pooling(self) -> str:
        """The pooling unless another is asked for."""
        return "mean"

    @property
    def takes_pairs(self) -> bool:
        """Whether a row is two texts."""
        return self.data.pair_column is not None

    def embed(
        self,
        texts: Texts,
        pairs: Texts | None = None,
        *,
        pooling: str | None = None,
        normalize: bool = False,
        prefix: str = "",
        batch_size: int | None = None,
    ) -> np.ndarray:
        """Returns a vector for each text: float32 [n, hidden], [1, hidden] for one text.

        It is made of the last layer's outputs, whichever pooling the head of a classifier has. Two vectors
        are compared by their cosine.

        Args:
            texts: one text, or any number of them.
            pairs: the second texts, for a model of pairs.
            pooling: `mean` or `max` over the real tokens, [CLS] and [SEP] among them, or `cls`: the output
                at [CLS], without BERT's pooler. None: what the folder of an encoder says, if Sentence
                Transformers saved it, else the mean. Exports and servers have the mean alone.
            normalize: whether to divide each vector by its L2 norm, so that dot products are cosines.
            prefix: put before each text, such as "query: " for E5.
            batch_size: maximum number of texts computed at once. None: 64, or what a client sends at once.

        Raises:
            UserError: an argument is wrong, an item is not a text, or the model was exported without the
                signature `embed`.
            ServerError: a server does not answer.

        Examples:
            >>> vectors = model.embed(["手机很好", "酒店太差", ""], normalize=True)
            >>> vectors.shape, vectors.dtype.name
            ((3, 16), 'float32')
        """
        rows, _ = read_texts(self, texts, pairs)
        vectors = embed_rows(self, rows, pooling, normalize, prefix, batch_size)
        result = np.empty([len(rows), vector_size(self, pooling)], np.float32)
        for place, (_, vector) in enumerate(vectors):
            result[place] = vector
        return result

    @abc.abstractmethod
    def embed_batch(self, texts: Batch, pairs: Batch | None = None, pooling: str = "mean") -> Arrays:
        """Returns `vector`, float32 [batch, hidden]."""


def vector_size(encoder: TextEncoder, pooling: str | None = None) -> int:
    """Returns the size of a vector.

    Raises:
        UserError: the encoder gives none, or not with this pooling.
    """
    nothing = encoder.embed_batch([], [] if encoder.takes_pairs else None, pooling or encoder.pooling)
    return int(nothing[VECTOR].shape[1])


def require_mean(source: str, pooling: str) -> None:
    """Raises `UserError` unless `pooling` is that of the signature `embed`."""
    if pooling != "mean":
        raise UserError(
            f"{source}: its signature `embed` gives the mean of the tokens, not {pooling}. Leave out the "
            "pooling, or open the run directory that it was exported from."
        )


def embed_rows(
    encoder: TextEncoder,
    rows: Iterable[AnyRow],
    pooling: str | None = None,
    normalize: bool = False,
    prefix: str = "",
    batch_size: int | None = None,
) -> Iterator[tuple[AnyRow, np.ndarray]]:
    """Returns an iterator over each row with its vector, float32 [hidden], in the order of `rows`.

    Args:
        encoder: what computes the vectors.
        rows: may be infinite.
        pooling: see `TextEncoder.embed`, as for the others.
        normalize: whether vectors have the length 1.
        prefix: put before each text.
        batch_size: maximum number of texts computed at once.

    Raises:
        UserError: an argument is wrong.
    """
    if pooling is None:
        pooling = encoder.pooling
    if pooling not in POOLINGS:
        raise UserError(f"pooling: must be one of {', '.join(POOLINGS)}. Received: {pooling!r}")
    if batch_size is not None:
        batch_size = require_count(batch_size, "batch_size", _LARGEST_BATCH)
    require_text(prefix, "prefix")

    def ask(texts: Sequence[str], pairs: Sequence[str] | None) -> Arrays:
        vectors = encoder.embed_batch([prefix + text for text in texts], pairs, pooling)[VECTOR]
        if normalize:
            norms = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
        return {VECTOR: vectors}

    size = batch_size or encoder.batch_size
    answers = in_batches(ask, rows, max(WINDOW, size or 0), size)
    return ((row, answer[VECTOR]) for row, answer in answers)
