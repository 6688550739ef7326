"""The topic of a headline, with the next best ones."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from kerasbert.tasks import Classification, ClassificationOptions, SampleData

if TYPE_CHECKING:
    import tensorflow as tf

_DATA = Path(__file__).parent / "data"


class NewsTopicOptions(ClassificationOptions):
    """Settings of `NewsTopic`."""

    top_k: int = Field(3, ge=1, description="How many topics are given, the most probable first.")


class NewsTopic(Classification):
    """Adds `top_labels` string and `top_scores` float32, both [batch, k]. Topics come from the data."""

    name = "news_topic"
    summary = "topic of headlines, with the k most probable ones; topics from the data"
    Options = NewsTopicOptions
    sample_data = SampleData(_DATA / "train.tsv", _DATA / "validation.tsv")
    sample_texts = (
        "主队点球大战惊险过关 时隔十年重返决赛",
        "多地上调公积金贷款额度 首套房利率再降",
        "大学英语四六级考试今日开考 考生须带口罩入场",
        "午后券商股拉升 大盘收复三千点",
        "新款折叠屏手机发布 屏幕寿命提升一倍",
    )

    def decide(self, logits: "tf.Tensor") -> "dict[str, tf.Tensor]":
        """The most probable topic, and the top k."""
        import tensorflow as tf

        outputs = super().decide(logits)
        k = min(self.options.top_k, len(self.labels))
        scores, ids = tf.math.top_k(outputs["probabilities"], k)
        return {
            **outputs,
            "top_labels": tf.gather(tf.constant(self.labels), ids),
            "top_scores": scores,
        }
