"""MODEL_CARD.md of a pre-training: the backbone, its corpora and its metrics."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerasbert.corpus.corpus import SETUP, Corpus
from kerasbert.engine.model_card import markdown_text, write_card
from kerasbert.pretraining.prepare import PreparedPretraining
from kerasbert.pretraining.texts import Texts

_CARD = """\
# Pre-trained BERT encoder

Pre-trained by kerasbert {version} (TensorFlow {tensorflow}, Keras {keras}, Python {python}) on {tasks},
{from_source}.

| | |
| --- | --- |
| encoder | {num_layers} layers, hidden size {hidden_dim}, {num_heads} heads, {activation} |
| parameters | {parameters:,} without the heads |
| vocabulary | {vocabulary:,} tokens, SHA-256 {digest} |
| positions | {max_positions} |
| steps | {steps:,}, seed {seed} |
| training time | {seconds:,.0f} s |

{teacher}## On held-out documents

{metrics}

## Corpus

Files, some of them perhaps several times: {files}.

{corpora}

The sources of the texts, their licences and the intended use must be stated here by the publisher of this
model. All settings: pretrain.yaml in this directory.
"""
_TEACHER = """\
## Teacher

It has learned from {name} ({layers} layers, hidden size {hidden_dim}): {learned}. No weight of the teacher is
in this model, whose parameters were computed from the teacher's outputs. {licence}

"""
_NAMES = {
    "tokens_cosine": "teacher, cosine of tokens, centred",
    "texts_cosine": "teacher, cosine of texts, centred",
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
    facts = {
        **config.backbone.model_dump(),
        **metrics,
        "tasks": " and ".join(_tasks(prepared)),
        "teacher": _teacher(prepared),
        "from_source": "from scratch" if source == "scratch" else f"continued from {markdown_text(source)}",
        "parameters": parameters,
        "vocabulary": len(prepared.vocabulary),
        "digest": prepared.vocabulary.digest[:12],
        "seed": config.training.seed,
        "metrics": _metrics_table(metrics["held_out"]),
        "files": ", ".join(
            sorted({markdown_text(name) for phase in prepared.phases for name in _files(phase)})
        ),
        "corpora": "\n".join(
            f"- {_examples(examples)}; {phase.steps:,} steps of {phase.batch_size}"
            for examples, phase in zip(prepared.phases, config.phases, strict=True)
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


def _tasks(prepared: PreparedPretraining) -> list[str]:
    """Returns what was trained."""
    config = prepared.config
    pairs = {"nsp": "next sentence prediction", "sop": "sentence order prediction"}
    tasks = ["the masked language model"] * config.masked_lm
    if config.pairs:
        tasks.append(pairs[prepared.corpora[0].settings.pairs])
    return [*tasks, "the states of a teacher"] if prepared.teacher else tasks


def _teacher(prepared: PreparedPretraining) -> str:
    if prepared.teacher is None:
        return ""
    settings, encoder = prepared.config.teacher, prepared.teacher.encoder
    learned = {
        "its states of the same characters": settings.token_weight,
        "the means of its states over a text": settings.text_weight,
        "how similar texts are to it": settings.relation_weight,
        "the initial token embeddings": settings.starting_vectors,
    }
    licence = prepared.teacher.licence
    facts = {
        "name": markdown_text(str(settings.source)),
        "layers": encoder.num_layers,
        "hidden_dim": encoder.hidden_dim,
        "learned": ", ".join(name for name, weight in learned.items() if weight),
        "licence": f"The teacher's licence: {markdown_text(licence)}."
        if licence
        else "The teacher's licence must be stated here by the publisher of this model.",
    }
    return _TEACHER.format_map(facts)


def _examples(examples: Corpus | Texts) -> str:
    if isinstance(examples, Texts):
        return f"up to {examples.max_length} tokens: {examples.count:,} texts"
    counts, corpus = examples.counts["train"], examples
    return (
        f"up to {corpus.settings.max_length} tokens: {counts.documents:,} documents, {counts.sentences:,} "
        f"sentences, {counts.tokens:,} tokens ({counts.unknown / max(counts.tokens, 1):.2%} [UNK]), "
        f"{counts.examples:,} examples"
    )


def _files(examples: Corpus | Texts) -> list[str]:
    if isinstance(examples, Texts):
        return [file.path.name for file in examples.files]
    setup = json.loads((examples.path / SETUP).read_text(encoding="utf-8"))
    return [Path(file["path"]).name for file in setup["files"]]
