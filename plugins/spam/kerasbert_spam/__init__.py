"""Is a message spam, however it is disguised."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from kerasbert.tasks import Classification, SampleData, TaskOptions, choose_threshold

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
        """Chooses the threshold; see `choose_threshold`."""
        threshold = choose_threshold(probabilities[:, _SPAM], targets[:, _SPAM], self.options.precision)
        return self.options if threshold is None else self.options.model_copy(update={"threshold": threshold})

    def decide(self, logits: "tf.Tensor") -> "dict[str, tf.Tensor]":
        """Spam if its probability reaches the threshold."""
        import tensorflow as tf

        probabilities = tf.nn.softmax(logits)
        is_spam = probabilities[:, _SPAM] >= self.options.threshold
        return self.outputs(tf.cast(is_spam, tf.int64), probabilities)
