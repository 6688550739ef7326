"""Encoders to start from: the installed ones and a selection of published ones.

What is said of the published ones stands on the pages of their repositories. All have a `model.safetensors`,
some in a pull request only (`@refs/pr/NUMBER`).
"""

import json
from dataclasses import dataclass

from kerasbert.hub.backbones import Backbone, list_backbones
from kerasbert.hub.snapshot import CONFIG

LANGUAGES = ("zh", "en", "multilingual")


@dataclass(frozen=True)
class Encoder:
    """An encoder to start from.

    Args:
        source: what to write into `backbone.source`.
        language: one of `LANGUAGES`.
        parameters: of the encoder without heads; of a published one in round numbers.
        layers: number of transformer layers. None: not known.
        hidden_dim: width of the layers. None: not known.
        license: such as `apache-2.0`; empty: its page states none.
        note: what it is.
    """

    source: str
    language: str
    parameters: int
    layers: int | None
    hidden_dim: int | None
    license: str
    note: str


_APACHE = "apache-2.0"
_VECTORS = "trained further for sentence vectors"
_PUBLISHED = (
    ("hf://nghuyong/ernie-3.0-nano-zh@refs/pr/1", "zh", 17_900_000, 4, 312, "", "ERNIE 3.0"),
    ("hf://BAAI/bge-small-zh-v1.5", "zh", 24_000_000, 4, 512, "mit", f"BERT, {_VECTORS}"),
    ("hf://google-bert/bert-base-chinese", "zh", 102_300_000, 12, 768, _APACHE, "Google's Chinese BERT"),
    ("bert_base_zh", "zh", 102_300_000, 12, 768, _APACHE, "the same by keras-hub, with approximate GELU"),
    ("hf://BAAI/bge-base-zh-v1.5@refs/pr/1", "zh", 102_300_000, 12, 768, "mit", f"BERT, {_VECTORS}"),
    ("hf://nghuyong/ernie-3.0-base-zh@refs/pr/7", "zh", 117_900_000, 12, 768, "", "ERNIE 3.0"),
    ("hf://sentence-transformers/all-MiniLM-L6-v2", "en", 22_700_000, 6, 384, _APACHE, f"MiniLM, {_VECTORS}"),
    ("hf://BAAI/bge-small-en-v1.5", "en", 33_400_000, 12, 384, "mit", f"BERT, {_VECTORS}"),
    ("hf://distilbert/distilbert-base-uncased", "en", 66_400_000, 6, 768, _APACHE, "DistilBERT"),
    ("hf://google/electra-base-discriminator@refs/pr/4", "en", 108_900_000, 12, 768, _APACHE, "ELECTRA"),
    ("hf://google-bert/bert-base-uncased", "en", 109_500_000, 12, 768, _APACHE, "Google's English BERT"),
    (
        "hf://intfloat/multilingual-e5-small",
        *("multilingual", 117_700_000, 12, 384, "mit"),
        f"MiniLM of about 100 languages, {_VECTORS}",
    ),
    (
        "hf://sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        *("multilingual", 117_700_000, 12, 384, _APACHE),
        f"MiniLM of about 50 languages, {_VECTORS}",
    ),
    (
        "hf://distilbert/distilbert-base-multilingual-cased",
        *("multilingual", 134_700_000, 6, 768, _APACHE),
        "DistilBERT of 104 languages",
    ),
    (
        "hf://google-bert/bert-base-multilingual-cased",
        *("multilingual", 177_900_000, 12, 768, _APACHE),
        "Google's BERT of 104 languages",
    ),
    (
        "hf://FacebookAI/xlm-roberta-base",
        *("multilingual", 278_000_000, 12, 768, "mit"),
        "XLM-RoBERTa, about 100 languages",
    ),
)


def list_encoders(language: str | None = None) -> list[Encoder]:
    """Returns encoders of a language (None: of all), by language and size."""
    installed = [
        _described(plugin.name, plugin.value, f"installed: {plugin.distribution} {plugin.version}")
        for plugin in list_backbones()
        if plugin.value
    ]
    order = sorted(
        [*installed, *(Encoder(*row) for row in _PUBLISHED)],
        key=lambda encoder: (_rank(encoder.language), encoder.parameters),
    )
    return [encoder for encoder in order if language in (None, encoder.language)]


def _rank(language: str) -> int:
    return LANGUAGES.index(language) if language in LANGUAGES else len(LANGUAGES)


def _described(name: str, backbone: Backbone, note: str) -> Encoder:
    config = json.loads((backbone.directory / CONFIG).read_text(encoding="utf-8"))
    layers, hidden_dim = config.get("num_hidden_layers"), config.get("hidden_size")
    return Encoder(name, backbone.language, backbone.parameters, layers, hidden_dim, backbone.license, note)
