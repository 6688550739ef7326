"""Describes a pre-training, for the dry run."""

from kerasbert.config import dump_yaml
from kerasbert.models import build_backbone, build_pretraining_model
from kerasbert.pretraining.prepare import PreparedPretraining


def describe(prepared: PreparedPretraining) -> str:
    """Returns the resolved configuration, the corpora, the epochs, the size and the output path."""
    config = prepared.config
    backbone = build_backbone(config.backbone, len(prepared.vocabulary))
    model = build_pretraining_model(backbone, config.backbone, config.nsp)
    lines = [dump_yaml(config.model_dump())]
    for phase, corpus in zip(config.phases, prepared.corpora, strict=True):
        counts = corpus.counts["train"]
        lines.append(
            f"{corpus.path}: {counts.examples:,} examples of up to {corpus.settings.max_length} tokens; "
            f"{phase.steps:,} steps are {phase.steps * phase.batch_size / counts.examples:.2f} epochs"
        )
    lines += [
        f"vocabulary: {len(prepared.vocabulary):,} tokens",
        f"parameters: {model.count_params():,}, of these {backbone.count_params():,} of the backbone",
        f"output: {config.run_dir}",
    ]
    return "\n".join(lines)
