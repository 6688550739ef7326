"""Describes a training, for the dry run."""

from kerasbert.checkpoints import why_no_export
from kerasbert.config import Config, dump_yaml
from kerasbert.data import Rows
from kerasbert.language import tr
from kerasbert.models import build_backbone, build_model
from kerasbert.training.prepare import Prepared
from kerasbert.training.training_rows import TrainingRows


def describe(prepared: Prepared) -> str:
    """Returns the resolved configuration, the data, the steps, the size and the output paths."""
    config = prepared.config
    settings = config.training
    backbone = build_backbone(config.backbone, len(prepared.vocabulary), settings.precision)
    parameters = build_model(backbone, prepared.task, config.head).count_params()
    rows = TrainingRows(prepared)
    steps = rows.steps
    refused = why_no_export(config, prepared.task)
    return "\n".join(
        [
            dump_yaml(config.model_dump()),
            _rows("train", prepared.train),
            *([_rows("augmented", prepared.augmented)] if len(prepared.augmented) else []),
            *([_rows("with soft labels", prepared.soft)] if len(prepared.soft) else []),
            *([_rows("unlabelled", prepared.unlabelled)] if len(prepared.unlabelled) else []),
            _rows("validation", prepared.validation),
            f"vocabulary: {len(prepared.vocabulary):,} tokens",
            f"steps: {steps:,} an epoch, {steps * settings.epochs:,} in all",
            f"parameters: {parameters:,}",
            f"memory: about {estimate_memory(prepared, parameters) / 2**20:,.0f} MiB for a batch of "
            f"{_largest_batch(config)} rows of {_longest(config)} tokens, TensorFlow itself aside",
            f"checkpoint export: {refused or 'Transformers can load this model'}",
            f"output: {config.run_dir}",
            *(tr("warning: {warning}", warning=warning) for warning in (*prepared.warnings, *rows.warnings)),
        ]
    )


def estimate_memory(prepared: Prepared, parameters: int) -> int:
    """Returns the bytes of weights, gradients, AdamW's two moments and the activations of one batch.

    Activations by Korthikanti et al. 2022, equation 2, which counts 16-bit numbers
    (https://arxiv.org/abs/2205.05198).
    """
    config = prepared.config
    backbone, settings = config.backbone, config.training
    layers, hidden, heads = backbone.num_layers, backbone.hidden_dim, backbone.num_heads
    tokens = _longest(config) * _largest_batch(config)
    per_layer = tokens * hidden * (34 + 5 * heads * settings.max_length / hidden)
    width = 1 if settings.precision.startswith("mixed") else 2
    return int(16 * parameters + layers * per_layer * width)


def _longest(config: Config) -> int:
    """Returns the most tokens of a row."""
    return config.text.windows * config.training.max_length


def _largest_batch(config: Config) -> int:
    """Returns the number of rows that are computed at once in a batch of the longest rows."""
    settings = config.training
    rows = settings.batch_size // settings.accumulation_steps
    return min(rows, settings.batch_tokens // _longest(config)) if settings.batch_tokens else rows


def _rows(name: str, rows: Rows) -> str:
    counts = ", ".join(f"{label} {count:,}" for label, count in rows.label_counts.items())
    by_label = f" ({counts})" if counts else ""
    left_out = f"; {len(rows.left_out)} left out" if rows.left_out else ""
    return f"{name}: {len(rows):,} rows{by_label}{left_out}"
