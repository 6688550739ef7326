"""MODEL_CARD.md of a pre-training: the backbone, its corpora and its metrics."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerasbert.corpus.corpus import SETUP, Corpus
from kerasbert.engine.model_card import markdown_text, write_card
from kerasbert.pretraining.prepare import PreparedPretraining

_CARD = """\
# Pre-trained BERT encoder

Pre-trained by kerasbert {version} (TensorFlow {tensorflow}, Keras {keras}, Python {python}) on the masked
language model{and_pairs}, {from_source}.

| | |
| --- | --- |
| encoder | {num_layers} layers, hidden size {hidden_dim}, {num_heads} heads, {activation} |
| parameters | {parameters:,} without the heads |
| vocabulary | {vocabulary:,} tokens, SHA-256 {digest} |
| positions | {max_positions} |
| steps | {steps:,}, seed {seed} |
| training time | {seconds:,.0f} s |

## On held-out documents

{metrics}

## Corpus

Files, some of them perhaps several times: {files}.

{corpora}

The sources of the texts, their licences and the intended use must be stated here by the publisher of this
model. All settings: pretrain.yaml in this directory.
"""
_NAMES = {
    "mlm_loss": "masked LM, loss (nats)",
    "mlm_accuracy": "masked LM, accuracy",
    "perplexity": "masked LM, perplexity",
    "nsp_loss": "sentence pairs, loss (nats)",
    "nsp_accuracy": "sentence pairs, accuracy",
}


def write_model_card(
    path: Path, prepared: PreparedPretraining, parameters: int, metrics: Mapping[str, Any]
) -> None:
    """Writes the card of a finished pre-training of a backbone with `parameters` parameters."""
    config = prepared.config
    source = config.backbone.source
    pairs = {"nsp": "next sentence prediction", "sop": "sentence order prediction"}
    facts = {
        **config.backbone.model_dump(),
        **metrics,
        "and_pairs": f" and {pairs[prepared.corpora[0].settings.pairs]}" if config.nsp else "",
        "from_source": "from scratch" if source == "scratch" else f"continued from {markdown_text(source)}",
        "parameters": parameters,
        "vocabulary": len(prepared.vocabulary),
        "digest": prepared.vocabulary.digest[:12],
        "seed": config.training.seed,
        "metrics": _metrics_table(metrics["held_out"]),
        "files": ", ".join(
            sorted({markdown_text(name) for corpus in prepared.corpora for name in _files(corpus)})
        ),
        "corpora": "\n".join(
            f"- {_corpus(corpus)}; {phase.steps:,} steps of {phase.batch_size}"
            for corpus, phase in zip(prepared.corpora, config.phases, strict=True)
        ),
    }
    write_card(path, _CARD, facts)


def _metrics_table(held_out: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        "| | " + " | ".join(f"up to {of_phase['max_length']} tokens" for of_phase in held_out) + " |",
        "| --- |" + " --- |" * len(held_out),
    ]
    lines += [
        f"| {name} | " + " | ".join(f"{of_phase[key]:.4f}" for of_phase in held_out) + " |"
        for key, name in _NAMES.items()
        if all(key in of_phase for of_phase in held_out)
    ]
    return "\n".join(lines) if len(lines) > 2 else "Nothing was held out."


def _corpus(corpus: Corpus) -> str:
    counts = corpus.counts["train"]
    return (
        f"up to {corpus.settings.max_length} tokens: {counts.documents:,} documents, {counts.sentences:,} "
        f"sentences, {counts.tokens:,} tokens ({counts.unknown / max(counts.tokens, 1):.2%} [UNK]), "
        f"{counts.examples:,} examples"
    )


def _files(corpus: Corpus) -> list[str]:
    setup = json.loads((corpus.path / SETUP).read_text(encoding="utf-8"))
    return [Path(file["path"]).name for file in setup["files"]]
