"""Is a message spam, however it is disguised."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from kerasbert.tasks import Classification, SampleData, TaskOptions

if TYPE_CHECKING:
    import tensorflow as tf

_DATA = Path(__file__).parent / "data"
_SPAM = 1


class SpamOptions(TaskOptions):
    """Settings of `Spam`."""

    precision: float = Field(
        0.95, gt=0, le=1, description="Wanted share of real spam among what is called spam."
    )
    threshold: float = Field(
        0.5, ge=0, le=1, description="Spam from this probability on. Training chooses it."
    )


class Spam(Classification):
    """Calls a message spam from a threshold on, chosen for a wanted precision on validation data."""

    name = "spam"
    summary = "spam or ham in messages, disguised letters undone, at a wanted precision"
    fixed_labels = ("ham", "spam")
    Options = SpamOptions
    sample_data = SampleData(_DATA / "train.tsv", _DATA / "validation.tsv")
    sample_texts = (
        "妈，我到宿舍了，晚上给你打电话。",
        "【菜鸟驿站】您的包裹已到东门店，凭取件码3-2-108领取。",
        "低息贷款，无抵押当天放款，加ＶＸ：dk\u200b888详谈",
        "足不出户日赚三百，手机就能做，名额有限速加微.信",
        "明天上午十点开会，记得带上季度报表。",
    )

    def clean(self, text: "tf.Tensor") -> "tf.Tensor":
        """Undoes disguises."""
        from kerasbert_spam.disguise import undisguise

        return undisguise(text)

    def calibrate(self, probabilities: np.ndarray, targets: np.ndarray) -> SpamOptions:
        """Chooses the threshold with the highest F1 among those of the wanted precision.

        Where none reaches it, the one with the highest precision. Precision is Laplace's estimate from the
        hits among the called, (hits + 1) / (called + 2): a few lucky rows do not make a threshold precise.
        """
        truth, scores = targets[:, _SPAM], probabilities[:, _SPAM]
        if not truth.any():
            return self.options
        thresholds = np.unique(scores)
        # Rows from each threshold on.
        called = len(scores) - np.searchsorted(np.sort(scores), thresholds)
        hits = truth.sum() - np.searchsorted(np.sort(scores[truth > 0]), thresholds)
        precision, f1 = (hits + 1) / (called + 2), 2 * hits / (called + truth.sum())
        rank = np.where(precision >= self.options.precision, 1.0 + f1, precision)
        chosen = thresholds[np.argmax(rank)]
        # Between two scores, so that rounding moves no row across.
        below = np.max(scores[scores < chosen], initial=0.0)
        return self.options.model_copy(update={"threshold": float(chosen + below) / 2})

    def decide(self, logits: "tf.Tensor") -> "dict[str, tf.Tensor]":
        """Spam if its probability reaches the threshold."""
        import tensorflow as tf

        probabilities = tf.nn.softmax(logits)
        is_spam = probabilities[:, _SPAM] >= self.options.threshold
        return self.outputs(tf.cast(is_spam, tf.int64), probabilities)
