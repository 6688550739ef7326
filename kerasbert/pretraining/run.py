"""The run directory of a pre-training, which becomes a Hugging Face folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerasbert.config import ResolvedPretrainingConfig, dump_yaml, parse_config, read_yaml
from kerasbert.errors import CheckpointError, UserError
from kerasbert.files import make_directory, require_new_directory, write_json, write_text
from kerasbert.pretraining.prepare import PreparedPretraining


class PretrainingRun:
    """`pretrain.yaml`, `history.jsonl`, `checkpoints/`; when finished the backbone and `metrics.json`."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "pretrain.yaml"
        self.corpora = self.path / "corpora.json"
        self.teacher = self.path / "teacher.json"
        self.history = self.path / "history.jsonl"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self.metrics = self.path / "metrics.json"
        self.model_card = self.path / "MODEL_CARD.md"

    def create(self) -> None:
        """Makes the directory, which must be new or empty."""
        require_new_directory(self.path)
        make_directory(self.path)

    def save_setup(self, prepared: PreparedPretraining) -> None:
        """Writes the files that are known before the training."""
        write_text(self.config, dump_yaml(prepared.config.model_dump()))
        write_json(self.corpora, [phase.digest() for phase in prepared.phases])
        if prepared.teacher:
            write_json(self.teacher, {"digest": prepared.teacher.digest})

    def require_same(self, prepared: PreparedPretraining) -> None:
        """Raises `UserError` if a corpus, a text or the teacher has changed since the start of the run."""
        if not self.corpora.is_file():  # runs from before there were digests
            return
        recorded = json.loads(self.corpora.read_text(encoding="utf-8"))
        phases = zip(recorded, prepared.config.phases, prepared.phases, strict=True)
        for place, (before, phase, examples) in enumerate(phases):
            if examples.digest() != before:
                what = f"corpus: {phase.corpus} was rebuilt with" if phase.corpus else "texts: have"
                raise UserError(
                    f"phases.{place}.{what} other examples since {self.path} was started. Resume with those "
                    "that it was started with, or start a new run with another --output."
                )
        if prepared.teacher:
            before = json.loads(self.teacher.read_text(encoding="utf-8"))["digest"]
            if prepared.teacher.digest != before:
                raise UserError(
                    f"teacher.source: {prepared.config.teacher.source} has other weights since {self.path} "
                    "was started. Resume with those that it was started with, or start a new run with "
                    "another --output."
                )

    def load_config(self) -> ResolvedPretrainingConfig:
        """Returns the resolved configuration."""
        if not self.config.is_file():
            raise CheckpointError(f"{self.path}: is not a pre-training run (it has no pretrain.yaml).")
        return parse_config(ResolvedPretrainingConfig, read_yaml(self.config), where=str(self.config))

    def seconds(self) -> float:
        """Returns the time spent on all steps, those before an interruption included."""
        lines = self.history.read_text(encoding="utf-8").splitlines()
        return sum(json.loads(line)["seconds"] for line in lines)

    def save_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Marks the run as finished."""
        write_json(self.metrics, metrics)
