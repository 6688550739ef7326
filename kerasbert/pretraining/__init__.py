"""Pre-training: masked language model and next sentence prediction."""

from kerasbert.pretraining.describe import describe
from kerasbert.pretraining.prepare import PreparedPretraining, prepare_pretraining
from kerasbert.pretraining.pretrain import PretrainingResult, pretrain

__all__ = ["PreparedPretraining", "PretrainingResult", "describe", "prepare_pretraining", "pretrain"]
