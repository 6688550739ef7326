"""A corpus of 200 sentences that a tiny encoder can learn by heart."""

import functools
import sys
from pathlib import Path

import pytest

from kerasbert.config import PretrainingConfig, dump_yaml, merge, parse_config
from kerasbert.corpus import Corpus, CorpusSettings, build_corpus, train_vocabulary
from kerasbert.pretraining import PretrainingResult, pretrain

from ..support import worker_logs, workers

TINY = {
    "backbone": {"num_layers": 1, "hidden_dim": 32, "num_heads": 2, "intermediate_dim": 64, "dropout": 0.0},
    "training": {"learning_rate": 3e-3, "checkpoint_every_steps": 10},
}


@pytest.fixture(scope="session")
def story_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 documents of 4 sentences; a character of the document alternates with one of the sentence."""
    documents = [
        "\n".join(f"{chr(0x5000 + n)}{chr(0x6000 + 4 * n + s)}" * 3 + "。" for s in range(4))
        for n in range(50)
    ]
    path = tmp_path_factory.mktemp("stories") / "stories.txt"
    path.write_text("\n\n".join(documents), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def stories(story_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Their corpus. Do not change its files."""
    vocabulary, _ = train_vocabulary([story_file], size=500, min_count=1)
    settings = CorpusSettings(max_length=16, shards=2, held_out=0.1)
    return build_corpus([story_file], tmp_path_factory.mktemp("corpus") / "stories", vocabulary, settings)


@pytest.fixture(scope="session")
def finished(stories: Corpus, shared) -> PretrainingResult:
    """A short run. Do not change its files."""
    return shared("pretrained", lambda to: pretrain(_config(stories, to / "run")))


@pytest.fixture
def make_config(stories: Corpus, tmp_path: Path):
    """Returns a function that makes a tiny configuration, with nested overrides."""

    return functools.partial(_config, stories, tmp_path / "run")


def _config(stories: Corpus, run: Path, steps: int = 20, **overrides) -> PretrainingConfig:
    phase = {"corpus": str(stories.path), "steps": steps, "batch_size": 8}
    base = {"run_dir": str(run), "phases": [phase]}
    return parse_config(PretrainingConfig, merge(merge(TINY, base), overrides), where="test")


def pretrain_on_two_workers(config: PretrainingConfig, directory: Path) -> None:
    """Runs the command in two processes that are one cluster, which log to `directory`."""
    path = directory / "pretrain.yaml"
    path.write_text(dump_yaml(config.model_dump()), encoding="utf-8")
    command = [sys.executable, "-c", "from kerasbert.cli import main; main()", "pretrain", path]
    with workers(2, command, directory) as started:
        codes = [worker.wait(240) for worker in started]
    assert codes == [0, 0], worker_logs(directory)
