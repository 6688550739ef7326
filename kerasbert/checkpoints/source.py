"""`backbone.source`: an encoder that exists already, with its vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras_nlp

from kerasbert.checkpoints.run_directory import RunDirectory
from kerasbert.errors import CheckpointError
from kerasbert.text import Vocabulary


@dataclass(frozen=True)
class BackboneSource:
    """A trained encoder and what must stay as it is when it is trained further."""

    backbone: keras_nlp.models.BertBackbone
    vocabulary: Vocabulary
    text: Mapping[str, Any]  # settings of the text section

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes for the backbone section of the configuration."""
        config = self.backbone.get_config()
        names = ("num_layers", "hidden_dim", "num_heads", "intermediate_dim")
        return {
            **{name: config[name] for name in names},
            "max_positions": config["max_sequence_length"],
        }

    def copy_to(self, backbone: keras_nlp.models.BertBackbone) -> None:
        """Copies the weights into a backbone of the same sizes."""
        for new, old in zip(backbone.weights, self.backbone.weights, strict=True):
            new.assign(old)


def open_source(source: str) -> BackboneSource:
    """Opens a finished run directory, or a keras-hub preset by name, handle or local folder.

    Raises:
        CheckpointError: there is no such source, or it is no BERT.
    """
    if RunDirectory.is_run(source):
        classifier = RunDirectory(source).load()
        text = classifier.config.text.model_dump(include={"lowercase", "ascii_punctuation"})
        return BackboneSource(classifier.model.get_layer("backbone"), classifier.text_graph.vocabulary, text)
    if Path(source).exists() and not (Path(source) / "config.json").is_file():
        raise CheckpointError(
            f"backbone.source: {source} is neither a run directory (config.yaml) nor a keras-hub "
            "preset (config.json)."
        )
    try:
        backbone = keras_nlp.models.BertBackbone.from_preset(source)
        tokenizer = keras_nlp.models.BertTokenizer.from_preset(source)
    except Exception as error:  # keras-hub and its download clients raise many kinds
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(
            f"backbone.source: {source!r} cannot be loaded as a BERT preset ({reason}). "
            "Expected scratch, a run directory or a keras-hub preset."
        ) from error
    vocabulary = Vocabulary(tokenizer.get_vocabulary())
    if len(vocabulary) != backbone.vocabulary_size:
        raise CheckpointError(
            f"backbone.source: {source!r} has a vocabulary of {len(vocabulary)} tokens, but embeddings "
            f"of {backbone.vocabulary_size}."
        )
    return BackboneSource(backbone, vocabulary, {"lowercase": bool(tokenizer.lowercase)})
