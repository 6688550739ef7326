"""The one table of encoders: which compute what BERT computes and are read as one, and which are refused.

Published encoders differ from BERT in the names of their tensors and in what they add to a token's embedding.
The latter is folded into BERT's tables, so that the same model computes the same hidden states.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerasbert.errors import CheckpointError

_TASK_HEADS = ("classifier.", "qa_outputs.")
# Of the masked LM of XLM-R and of DistilBERT, to that of BERT.
_LM_HEAD = {
    r"lm_head\.dense\.": "cls.predictions.transform.dense.",
    r"lm_head\.layer_norm\.": "cls.predictions.transform.LayerNorm.",
    r"lm_head\.decoder\.": "cls.predictions.decoder.",
    r"lm_head\.bias$": "cls.predictions.bias",
}
_DISTILBERT = {
    r"transformer\.layer\.": "bert.encoder.layer.",
    r"(layer\.\d+)\.attention\.q_lin\.": r"\1.attention.self.query.",
    r"(layer\.\d+)\.attention\.k_lin\.": r"\1.attention.self.key.",
    r"(layer\.\d+)\.attention\.v_lin\.": r"\1.attention.self.value.",
    r"(layer\.\d+)\.attention\.out_lin\.": r"\1.attention.output.dense.",
    r"(layer\.\d+)\.sa_layer_norm\.": r"\1.attention.output.LayerNorm.",
    r"(layer\.\d+)\.ffn\.lin1\.": r"\1.intermediate.dense.",
    r"(layer\.\d+)\.ffn\.lin2\.": r"\1.output.dense.",
    r"(layer\.\d+)\.output_layer_norm\.": r"\1.output.LayerNorm.",
    r"vocab_transform\.": "cls.predictions.transform.dense.",
    r"vocab_layer_norm\.": "cls.predictions.transform.LayerNorm.",
    r"vocab_projector\.bias$": "cls.predictions.bias",
    r"vocab_projector\.weight$": "cls.predictions.decoder.weight",
}


@dataclass(frozen=True)
class Family:
    """How an encoder that computes what BERT computes is written down.

    Attributes:
        name: for people.
        prefix: of the names of its tensors, where BERT has `bert`.
        names: beginnings of parts of its other names, as regular expressions, and what BERT has there.
        task_heads: beginnings of the names of heads that stay behind.
        keys: of BERT's configuration, where its own has other names.
        defaults: of keys that its configuration may lack, by BERT's names.
        skips_positions: whether the first token has the position after `pad_token_id`, not 0.
    """

    name: str
    prefix: str
    names: Mapping[str, str] = field(default_factory=dict)
    task_heads: tuple[str, ...] = _TASK_HEADS
    keys: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    skips_positions: bool = False

    def usual_name(self, name: str) -> str:
        """Returns BERT's name of a tensor."""
        name = re.sub(rf"^{self.prefix}\.", "", name)
        if name.startswith(("embeddings.", "encoder.", "pooler.")):
            name = f"bert.{name}"
        for theirs, usual in self.names.items():
            name = re.sub(rf"(?:^|(?<=\.)){theirs}", usual, name)
        return name


def _roberta(name: str) -> Family:
    return Family(
        name,
        "roberta",
        _LM_HEAD,
        defaults={"pad_token_id": 1, "max_position_embeddings": 514, "type_vocab_size": 1},
        skips_positions=True,
    )


FAMILIES = {
    "bert": Family("BERT", "bert"),
    "xlm-roberta": _roberta("XLM-RoBERTa"),
    "roberta": _roberta("RoBERTa"),
    "camembert": _roberta("CamemBERT"),
    "ernie": Family("ERNIE", "ernie"),
    "distilbert": Family(
        "DistilBERT",
        "distilbert",
        _DISTILBERT,
        (*_TASK_HEADS, "pre_classifier."),
        keys={
            "num_hidden_layers": "n_layers",
            "hidden_size": "dim",
            "num_attention_heads": "n_heads",
            "intermediate_size": "hidden_dim",
            "hidden_act": "activation",
            "hidden_dropout_prob": "dropout",
        },
        defaults={"type_vocab_size": 0},
    ),
    "electra": Family(
        "ELECTRA",
        "electra",
        task_heads=(
            *_TASK_HEADS,
            "discriminator_predictions.",
            "generator_predictions.",
            "generator_lm_head.",
        ),
    ),
}

_PROJECTED = "it widens its embeddings by a matrix after they are normalised, which no table of BERT can hold"
_RELATIVE = "its attention adds or multiplies by where tokens stand to each other, which BERT's does not"
_ROTARY = "it turns queries and keys by their positions (rotary embeddings), which BERT does not"
_NORM_FIRST = "it normalises before attention and feed-forward, BERT after them"
REFUSED = {
    "albert": f"{_PROJECTED}, and its layers share one set of weights",
    "big_bird": "its attention is sparse",
    "convbert": "it computes with convolutions beside attention",
    "deberta": _RELATIVE,
    "deberta-v2": _RELATIVE,
    "ernie_m": "its tensors have another layout and its own kind of SentencePiece vocabulary",
    "eurobert": _ROTARY,
    "funnel": "it shortens the sequence between its layers",
    "longformer": "its attention is sparse",
    "megatron-bert": _NORM_FIRST,
    "mobilebert": "its layers have bottlenecks",
    "modernbert": f"{_ROTARY}, and {_NORM_FIRST}",
    "mpnet": _RELATIVE,
    "new": _ROTARY,  # gte of Alibaba-NLP
    "nezha": _RELATIVE,
    "nomic_bert": _ROTARY,
    "rembert": _PROJECTED,
    "roberta-prelayernorm": _NORM_FIRST,
    "roformer": _ROTARY,
    "roformer_v2": _ROTARY,
    "squeezebert": "its layers are grouped convolutions",
    "xlm": "it has language embeddings and its own kind of vocabulary",
    "xlm-roberta-xl": _NORM_FIRST,
    "xlnet": _RELATIVE,
}


def find_family(path: Path, values: Mapping[str, Any]) -> Family:
    """Returns the family of a configuration.

    Args:
        path: of the configuration, for messages.
        values: what it holds.

    Raises:
        CheckpointError: it is of none.
    """
    model_type = values.get("model_type", "bert")
    family = FAMILIES.get(model_type) if isinstance(model_type, str) else None
    if family is None:
        reason = REFUSED.get(model_type) if isinstance(model_type, str) else None
        why = f" It is not computed as BERT is: {reason}." if reason else ""
        raise CheckpointError(
            f"{path}: model_type must be one of {', '.join(FAMILIES)}. Received: {model_type!r}.{why}"
        )
    code = values.get("auto_map")
    if isinstance(code, dict) and "AutoModel" in code:
        raise CheckpointError(
            f"{path}: auto_map names code of its own for the model ({code['AutoModel']!r}), which kerasbert "
            "does not run. Take a model that is computed as model_type says."
        )
    if family is FAMILIES["electra"] and values.get("embedding_size", 128) != values.get("hidden_size", 256):
        raise CheckpointError(
            f"{path}: embedding_size must be hidden_size, {values.get('hidden_size', 256)}. Received: "
            f"{values.get('embedding_size', 128)}. It is not computed as BERT is: {_PROJECTED}. Take ELECTRA "
            "base or large."
        )
    return family


def in_bert_keys(family: Family, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a configuration under BERT's keys, `max_position_embeddings` being those that tokens have."""
    renamed = {usual: values[theirs] for usual, theirs in family.keys.items() if theirs in values}
    found = {**family.defaults, **values, **renamed}
    if family.skips_positions and type(found["max_position_embeddings"]) is int:
        found["max_position_embeddings"] -= first_position(family, found)
    return found


def first_position(family: Family, values: Mapping[str, Any]) -> int:
    """Returns the row of the position table that the first token of a text has."""
    pad = values.get("pad_token_id", family.defaults.get("pad_token_id"))
    return pad + 1 if family.skips_positions and type(pad) is int else 0
