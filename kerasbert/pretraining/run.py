"""The run directory of a pre-training, which becomes a Hugging Face folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerasbert.config import ResolvedPretrainingConfig, dump_yaml, parse_config, read_yaml
from kerasbert.corpus import Corpus
from kerasbert.errors import CheckpointError, UserError
from kerasbert.files import make_directory, require_new_directory, write_json, write_text


class PretrainingRun:
    """`pretrain.yaml`, `history.jsonl`, `checkpoints/`; when finished the backbone and `metrics.json`."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "pretrain.yaml"
        self.corpora = self.path / "corpora.json"
        self.history = self.path / "history.jsonl"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self.metrics = self.path / "metrics.json"
        self.model_card = self.path / "MODEL_CARD.md"

    def create(self) -> None:
        """Makes the directory, which must be new or empty."""
        require_new_directory(self.path)
        make_directory(self.path)

    def save_setup(self, config: ResolvedPretrainingConfig, corpora: Sequence[Corpus]) -> None:
        """Writes the files that are known before the training."""
        write_text(self.config, dump_yaml(config.model_dump()))
        write_json(self.corpora, [corpus.digest() for corpus in corpora])

    def require_same(self, corpora: Sequence[Corpus]) -> None:
        """Raises `UserError` if a corpus has changed since the start of the run."""
        if not self.corpora.is_file():  # runs from before there were digests
            return
        recorded = json.loads(self.corpora.read_text(encoding="utf-8"))
        for place, (before, corpus) in enumerate(zip(recorded, corpora, strict=True)):
            if corpus.digest() != before:
                raise UserError(
                    f"phases.{place}.corpus: {corpus.path} was rebuilt with other examples since "
                    f"{self.path} was started. Resume with the corpus it was started with, or start a new "
                    "run with another --output."
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
