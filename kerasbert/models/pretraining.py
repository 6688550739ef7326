"""The pre-training model: the encoder under BERT's two pre-training heads."""

import keras
import keras_nlp

from kerasbert.config import EncoderConfig
from kerasbert.models.backbone import activation


def build_pretraining_model(
    backbone: keras_nlp.models.BertBackbone,
    config: EncoderConfig,
    next_sentence: bool,
    masked_lm: bool = True,
) -> keras.Model:
    """Returns a model from packed and masked rows to the logits of both tasks.

    Masked language model and next sentence prediction (Devlin et al. 2019, section 3.1,
    https://arxiv.org/abs/1810.04805). The layers are named `backbone`, `mlm_head` and `nsp_head`.

    Args:
        backbone: the encoder; its token embedding is also the output matrix of `mlm_head`.
        config: of the encoder; the masked LM head uses its activation and epsilon.
        next_sentence: whether there is an `nsp_head`.
        masked_lm: whether there is an `mlm_head`. Without either head the model is the encoder alone.

    Returns:
        From a dict of `token_ids`, `segment_ids`, `padding_mask`, int32 [batch, length], and
        `mask_positions`, int32 [batch, masks], to a dict of float32 logits: `mlm` [batch, masks,
        vocabulary] and `nsp` [batch, 2], where 0 is "the next sentence".
    """
    inputs = {
        name: keras.Input((None,), dtype="int32", name=name)
        for name in ("token_ids", "segment_ids", "padding_mask", "mask_positions")
    }
    positions = inputs["mask_positions"]
    rows = {name: inputs[name] for name in ("token_ids", "segment_ids", "padding_mask")}
    encoded = backbone(rows)
    if not masked_lm and not next_sentence:
        return keras.Model(rows, encoded, name="pretraining")
    kernel = keras.initializers.TruncatedNormal(stddev=0.02)
    mlm_head = keras_nlp.layers.MaskedLMHead(
        token_embedding=backbone.token_embedding,
        intermediate_activation=activation(config),
        layer_norm_epsilon=config.layer_norm_epsilon,
        kernel_initializer=kernel,
        dtype=backbone.dtype_policy,
        name="mlm_head",
    )
    logits = mlm_head(encoded["sequence_output"], mask_positions=positions)
    outputs = {"mlm": _float32(logits, "mlm")}
    if next_sentence:
        nsp_head = keras.layers.Dense(
            2, kernel_initializer=kernel, dtype=backbone.dtype_policy, name="nsp_head"
        )
        outputs["nsp"] = _float32(nsp_head(encoded["pooled_output"]), "nsp")
    return keras.Model(inputs, outputs, name="pretraining")


def _float32(logits: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.Activation("linear", dtype="float32", name=name)(logits)
