"""MODEL_CARD.md of a pre-training: the backbone, its corpora and its metrics."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerasbert.corpus.corpus import SETUP, Corpus
from kerasbert.engine.model_card import filled_in, markdown_text, write_card
from kerasbert.language import tr
from kerasbert.pretraining.prepare import PreparedPretraining
from kerasbert.pretraining.texts import Texts

_CARD = """\
# Pre-trained BERT encoder

Pre-trained by kerasbert {version} (TensorFlow {tensorflow}, Keras {keras}, Python {python}).
Trained on {tasks}, {from_source}.

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

It has learned from {name} ({layers} layers, hidden size {hidden_dim}): {learned}.
No weight of the teacher is in this model, whose parameters were computed from the teacher's outputs.
{licence}

"""
METRICS = {
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
        "tasks": _tasks(prepared),
        "teacher": _teacher(prepared),
        "from_source": tr("from scratch")
        if source == "scratch"
        else tr("continued from {source}", source=markdown_text(source)),
        "parameters": parameters,
        "vocabulary": len(prepared.vocabulary),
        "digest": prepared.vocabulary.digest[:12],
        "seed": config.training.seed,
        "metrics": _metrics_table(metrics["held_out"]),
        "files": tr(", ").join(
            sorted({markdown_text(name) for phase in prepared.phases for name in _files(phase)})
        ),
        "corpora": "\n".join(
            tr(
                "- {examples}; {steps:,} steps of {batch}",
                examples=_examples(examples),
                steps=phase.steps,
                batch=phase.batch_size,
            )
            for examples, phase in zip(prepared.phases, config.phases, strict=True)
        ),
    }
    write_card(path, _CARD, facts)


def _metrics_table(held_out: Sequence[Mapping[str, Any]]) -> str:
    lengths = (tr("up to {length} tokens", length=of_phase["max_length"]) for of_phase in held_out)
    lines = [
        "| | " + " | ".join(lengths) + " |",
        "| --- |" + " --- |" * len(held_out),
    ]
    lines += [
        f"| {tr(name)} | " + " | ".join(f"{of_phase[key]:.4f}" for of_phase in held_out) + " |"
        for key, name in METRICS.items()
        if all(key in of_phase for of_phase in held_out)
    ]
    return "\n".join(lines) if len(lines) > 2 else tr("Nothing was held out.")


def _tasks(prepared: PreparedPretraining) -> str:
    """Returns what was trained."""
    config = prepared.config
    pairs = {"nsp": "next sentence prediction", "sop": "sentence order prediction"}
    tasks = ["the masked language model"] * config.masked_lm
    if config.pairs:
        tasks.append(pairs[prepared.corpora[0].settings.pairs])
    if prepared.teacher:
        tasks.append("the states of a teacher")
    return tr(" and ").join(map(tr, tasks))


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
        "learned": tr(", ").join(tr(name) for name, weight in learned.items() if weight),
        "licence": tr("The teacher's licence: {licence}.", licence=markdown_text(licence))
        if licence
        else tr("The teacher's licence must be stated here by the publisher of this model."),
    }
    return filled_in(_TEACHER, facts)


def _examples(examples: Corpus | Texts) -> str:
    if isinstance(examples, Texts):
        return tr("up to {length} tokens: {texts:,} texts", length=examples.max_length, texts=examples.count)
    counts = examples.counts["train"]
    return tr(
        "up to {length} tokens: {documents:,} documents, {sentences:,} sentences, {tokens:,} tokens "
        "({unknown:.2%} [UNK]), {examples:,} examples",
        length=examples.settings.max_length,
        documents=counts.documents,
        sentences=counts.sentences,
        tokens=counts.tokens,
        unknown=counts.unknown / max(counts.tokens, 1),
        examples=counts.examples,
    )


def _files(examples: Corpus | Texts) -> list[str]:
    if isinstance(examples, Texts):
        return [file.path.name for file in examples.files]
    setup = json.loads((examples.path / SETUP).read_text(encoding="utf-8"))
    return [Path(file["path"]).name for file in setup["files"]]
