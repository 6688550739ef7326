"""Is a review positive or negative, and how much so."""

from pathlib import Path
from typing import TYPE_CHECKING

from kerasbert.tasks import Classification, SampleData

if TYPE_CHECKING:
    import tensorflow as tf

_DATA = Path(__file__).parent / "data"


class Sentiment(Classification):
    """Adds `polarity`, float32 [batch]: from -1, surely negative, to 1, surely positive."""

    name = "sentiment"
    summary = "polarity of reviews: negative or positive, and polarity from -1 to 1"
    fixed_labels = ("negative", "positive")
    sample_data = SampleData(_DATA / "train.tsv", _DATA / "validation.tsv")
    sample_texts = (
        "房间干净明亮，前台也很热情，下次还住这里。",
        "等了一个半小时才送到，面全坨了，再也不点了。",
        "没有想象中那么难用，上手很快。",
        "说好的防水，下了点小雨就进水了。",
        "剧情一般，但是演员的表演让我看到了最后。",
    )

    def decide(self, logits: "tf.Tensor") -> "dict[str, tf.Tensor]":
        """The more probable label, and the polarity."""
        outputs = super().decide(logits)
        probabilities = outputs["probabilities"]
        return {**outputs, "polarity": probabilities[:, 1] - probabilities[:, 0]}
