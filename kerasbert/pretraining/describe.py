"""Describes a pre-training, for the dry run."""

from kerasbert.config import dump_yaml
from kerasbert.models import build_backbone, build_pretraining_model
from kerasbert.pretraining.prepare import PreparedPretraining
from kerasbert.pretraining.teaching import states_cache


def describe(prepared: PreparedPretraining) -> str:
    """Returns the resolved configuration, the corpora, the epochs, the size and the output path."""
    config = prepared.config
    backbone = build_backbone(config.backbone, len(prepared.vocabulary))
    model = build_pretraining_model(backbone, config.backbone, config.pairs, config.masked_lm)
    lines = [dump_yaml(config.model_dump())]
    for phase, examples in zip(config.phases, prepared.phases, strict=True):
        count = examples.count
        epochs = phase.steps * phase.batch_size / count
        lines.append(f"{examples}; {phase.steps:,} steps are {epochs:.2f} epochs")
    if teacher := prepared.teacher:
        size = f"{teacher.encoder.num_layers} layers of {teacher.width}"
        lines.append(f"teacher: {config.teacher.source}, {size}; its states: {states_cache(prepared)}")
    lines += [
        f"vocabulary: {len(prepared.vocabulary):,} tokens",
        f"parameters: {model.count_params():,}, of these {backbone.count_params():,} of the backbone",
        f"output: {config.run_dir}",
    ]
    return "\n".join(lines)
