import functools
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import tensorflow as tf
from rich.console import Console

from kerasbert.checkpoints import open_source
from kerasbert.config import dump_yaml
from kerasbert.corpus import CorpusSettings, build_corpus
from kerasbert.engine.checkpoints import Checkpoints
from kerasbert.engine.progress_reporter import ProgressReporter
from kerasbert.engine.signals import PreemptedError
from kerasbert.engine.state import state_files
from kerasbert.engine.trainer import Trainer
from kerasbert.errors import CheckpointError, ConfigError, KerasBertError, UserError
from kerasbert.pretraining import describe, prepare_pretraining, pretrain
from kerasbert.pretraining.run import PretrainingRun
from kerasbert.text import WordPieceVocabulary
from kerasbert.training import train

from .conftest import pretrain_on_two_workers

pytestmark = pytest.mark.process


def history(run: PretrainingRun) -> list[dict]:
    return [json.loads(line) for line in run.history.read_text(encoding="utf-8").splitlines()]


def tensors(run: PretrainingRun) -> dict[str, np.ndarray]:
    return safetensors.numpy.load_file(run.path / "model.safetensors")


def assert_same_weights(a: PretrainingRun, b: PretrainingRun, tolerance: float = 0.0) -> None:
    first, second = tensors(a), tensors(b)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        np.testing.assert_allclose(tensor, second[name], rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.slow
def test_a_small_corpus_is_learned_by_heart(make_config):
    training = {"checkpoint_every_steps": 250, "schedule": "cosine"}
    backbone = {"hidden_dim": 64, "intermediate_dim": 128}
    result = pretrain(make_config(steps=2000, training=training, backbone=backbone))
    first, *_, last = history(result.run)
    assert first["mlm_loss"] > 3.0
    assert last["mlm_loss"] < 0.2
    assert last["mlm_accuracy"] > 0.95
    assert last["nsp_accuracy"] == pytest.approx(1.0, abs=0.01)
    assert last["nsp_loss"] < 0.05


@pytest.mark.slow
def test_pairs_with_shuffled_labels_stay_at_chance(stories, make_config, monkeypatch):
    """Nothing but the text tells the next sentence from another: held-out pairs cannot be guessed."""
    monkeypatch.setattr("kerasbert.corpus.shards.make_examples", _shuffled_labels)
    files = [file["path"] for file in json.loads((stories.path / "setup.json").read_text())["files"]]
    settings = stories.settings.model_copy(update={"held_out": 0.4})
    directory = Path(make_config().run_dir).parent / "shuffled"
    corpus = build_corpus(files, directory, stories.vocabulary, settings)
    phase = {"corpus": str(corpus.path), "steps": 150, "batch_size": 8}
    result = pretrain(make_config(phases=[phase], training={"checkpoint_every_steps": 150}))
    pairs = corpus.counts["validation"].pairs_next + corpus.counts["validation"].pairs_not_next
    assert abs(result.metrics["held_out"][-1]["nsp_accuracy"] - 0.5) < 4 * 0.5 / math.sqrt(pairs)


def _shuffled_labels(documents, vocabulary, settings, random):
    import dataclasses

    from kerasbert.corpus.examples import NO_PAIR, make_examples

    for example in make_examples(documents, vocabulary, settings, random):
        if example.label != NO_PAIR:
            example = dataclasses.replace(example, label=int(random.integers(2)))
        yield example


def test_a_run_tells_how_it_went(finished, stories):
    lines = history(finished.run)
    assert [line["step"] for line in lines] == [10, 20]
    expected = {"loss", "mlm_loss", "mlm_accuracy", "nsp_loss", "nsp_accuracy", "learning_rate"}
    expected |= {"val_mlm_loss", "val_mlm_accuracy", "val_nsp_accuracy", "val_perplexity"}
    assert expected <= lines[-1].keys()
    assert finished.metrics["held_out"][0]["perplexity"] == pytest.approx(
        math.exp(finished.metrics["held_out"][0]["mlm_loss"])
    )
    assert lines[-1]["loss"] == pytest.approx(lines[-1]["mlm_loss"] + lines[-1]["nsp_loss"], rel=1e-4)
    card = finished.run.model_card.read_text(encoding="utf-8")
    assert f"{finished.metrics['held_out'][0]['perplexity']:.4f}" in card
    assert "stories.txt" in card
    assert not finished.run.checkpoints.exists()


def test_perplexity_is_that_of_the_masked_tokens(finished, stories, make_config):
    """Against a plain computation from the saved weights."""
    from kerasbert.models import build_pretraining_model
    from kerasbert.pretraining.batches import validation_batches

    source = open_source(str(finished.run.path))
    model = build_pretraining_model(source.backbone, source.config, next_sentence=True)
    assert source.copy_heads_to(model) == ["mlm_head", "nsp_head"]
    losses = []
    for inputs, targets, weights in validation_batches(stories, make_config(), 8):
        logits = model(inputs)["mlm"].numpy().astype(np.float64)
        real = weights["mlm"].numpy() > 0
        logits, wanted = logits[real], targets["mlm"].numpy()[real]
        normalizer = np.log(np.exp(logits).sum(-1))
        losses += list(normalizer - logits[np.arange(len(wanted)), wanted])
    assert finished.metrics["held_out"][0]["mlm_loss"] == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.slow
def test_a_run_is_a_source(finished, stories, tiny_config):
    source = open_source(str(finished.run.path))
    assert source.vocabulary.tokens == stories.vocabulary.tokens
    config = tiny_config()
    config.backbone = type(config.backbone)(source=str(finished.run.path))
    config.training.epochs = 1
    result = train(config)
    assert result.prepared.vocabulary.tokens == stories.vocabulary.tokens
    assert result.metrics["accuracy"] > 0


@pytest.fixture
def on_move(monkeypatch):
    """Returns a function that has another one called at a step, counted from 1."""

    def arrange(step: int, call) -> None:
        moves = iter(range(1, 10_000))
        monkeypatch.setattr(ProgressReporter, "move", lambda self, done: next(moves) == step and call())

    return arrange


class KilledError(Exception):
    """Stands for the end of the process: nothing after it runs."""


def _kill() -> None:
    raise KilledError


@pytest.mark.slow
def test_killed_interrupted_and_terminated_it_goes_on_as_if_never_stopped(finished, make_config, on_move):
    config = make_config()
    on_move(5, _kill)
    with pytest.raises(KilledError):
        pretrain(config)
    with pytest.raises(CheckpointError, match="did not finish"):
        open_source(config.run_dir)
    (Path(config.run_dir) / ".0badcafe-history.jsonl").touch()  # as a kill while it is written leaves it
    # After the last step before a validation: the resumed training begins with that.
    on_move(10, lambda: os.kill(os.getpid(), signal.SIGINT))
    interrupted = pretrain(config, resume=True)
    assert interrupted.interrupted
    assert interrupted.kept == 10
    assert not interrupted.run.history.exists()
    on_move(3, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(PreemptedError, match=r"step 13 and saved a checkpoint\. Continue with --resume"):
        pretrain(config, resume=True)
    assert [path.name for path in state_files(interrupted.run.checkpoints)] == [
        "step-000000013.state", "step-000000010.state",
    ]  # fmt: skip
    assert_same_run(finished.run, pretrain(config, resume=True).run)
    assert not list(Path(config.run_dir).glob(".*"))


@pytest.mark.slow
def test_a_killed_process_goes_on_as_if_never_killed(make_config, tmp_path):
    whole = pretrain(make_config(steps=60, run_dir=str(tmp_path / "whole"), training={"deterministic": True}))
    config = make_config(steps=60, run_dir=str(tmp_path / "killed"), training={"deterministic": True})
    (tmp_path / "config.yaml").write_text(dump_yaml(config.model_dump()), encoding="utf-8")
    command = [sys.executable, "-c", "from kerasbert.cli import main; main()", "pretrain"]
    command += [str(tmp_path / "config.yaml")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 300
    while not (tmp_path / "killed" / "checkpoints" / "step-000000020.state").exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert_same_run(whole.run, pretrain(config, resume=True).run)


def assert_same_run(a: PretrainingRun, b: PretrainingRun) -> None:
    assert_same_weights(a, b)
    times = ("seconds", "examples_per_second")
    for line, other in zip(history(a), history(b), strict=True):
        assert {k: v for k, v in line.items() if k not in times} == pytest.approx(
            {k: v for k, v in other.items() if k not in times}
        )


@pytest.mark.slow
def test_checkpoints_by_minutes(make_config, on_move, monkeypatch):
    saved = []
    original = Checkpoints.save
    monkeypatch.setattr(
        Checkpoints,
        "save",
        lambda self, at, variables: saved.append(at.step) or original(self, at, variables),
    )
    on_move(3, lambda: monkeypatch.setattr(time, "monotonic", lambda now=time.monotonic: now() + 61))
    pretrain(make_config(steps=10, training={"checkpoint_every_minutes": 1.0}))
    assert saved == [0, 3, 10]


@pytest.mark.slow
def test_divergence_rolls_back_to_the_last_checkpoint(make_config, monkeypatch):
    original, count = Trainer.step, iter(range(1, 10_000))

    def step(self, iterator):
        metrics = original(self, iterator)
        return {**metrics, "loss": tf.constant([np.nan, 1.0])} if next(count) == 15 else metrics

    monkeypatch.setattr(Trainer, "step", step)
    shown = io.StringIO()
    result = pretrain(make_config(training={"on_divergence": "rollback"}), Console(file=shown, width=200))
    assert "step 15: the loss is nan: back to step 10 with 0.5 of the learning rate" in shown.getvalue()
    assert [line["step"] for line in history(result.run)] == [10, 20]


def test_tensorboard_has_the_losses(finished):
    (file,) = finished.run.tensorboard.glob("events.*")
    tags = {
        (value.tag, event.step)
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    }
    assert {("mlm_loss", 10), ("val_mlm_loss", 20), ("learning_rate", 20)} <= tags


@pytest.mark.slow
def test_a_run_cannot_go_on_as_another(make_config, monkeypatch):
    monkeypatch.setattr("kerasbert.engine.progress_reporter.ProgressReporter.line", _interrupt)
    result = pretrain(make_config())
    assert result.interrupted
    with pytest.raises(UserError, match="exists already"):
        pretrain(make_config())
    with pytest.raises(ConfigError, match=r"masking: differs|masking.fraction: differs"):
        pretrain(make_config(masking={"fraction": 0.3}), resume=True)
    run, begun = PretrainingRun(make_config().run_dir), result.run.corpora.read_text()
    run.corpora.write_text(json.dumps(["of another corpus"]))
    with pytest.raises(UserError, match=r"phases\.0\.corpus: .*stories was rebuilt"):
        pretrain(make_config(), resume=True)
    run.corpora.write_text(begun)
    monkeypatch.undo()
    shutil.rmtree(run.checkpoints)  # as if it had been interrupted before the first
    done = pretrain(make_config(), resume=True)
    with pytest.raises(UserError, match="is finished"):
        pretrain(make_config(), resume=True)
    assert [line["step"] for line in history(done.run)] == [10, 20]


def _interrupt(self, figures):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_two_phases_follow_one_another(stories, story_file, make_config, tmp_path):
    settings = CorpusSettings(max_length=32, shards=1, held_out=0.1)
    longer = build_corpus([story_file], tmp_path / "longer", stories.vocabulary, settings)
    phases = [
        {"corpus": str(stories.path), "steps": 15, "batch_size": 8},
        {"corpus": str(longer.path), "steps": 5, "batch_size": 4},
    ]
    result = pretrain(make_config(phases=phases))
    assert [(line["step"], line["phase"]) for line in history(result.run)] == [(10, 0), (15, 0), (20, 1)]
    assert open_source(str(result.run.path)).config.max_positions == 32


@pytest.mark.slow
@pytest.mark.parametrize("pairs", ["none", "sop"])
def test_other_second_segments(stories, story_file, make_config, tmp_path, pairs):
    settings = stories.settings.model_copy(update={"pairs": pairs})
    corpus = build_corpus([story_file], tmp_path / pairs, stories.vocabulary, settings)
    phase = {"corpus": str(corpus.path), "steps": 5, "batch_size": 8}
    if pairs == "none":
        with pytest.raises(ConfigError, match=r"has no sentence pairs\. Set nsp: false"):
            prepare_pretraining(make_config(phases=[phase]))
    result = pretrain(make_config(phases=[phase], nsp=pairs == "sop"))
    assert ("nsp_accuracy" in result.metrics["held_out"][0]) == (pairs == "sop")
    assert any(name.startswith("cls.seq_relationship") for name in tensors(result.run)) == (pairs == "sop")


@pytest.mark.slow
def test_continuing_from_a_source_starts_with_its_weights_and_heads(finished, make_config, tmp_path):
    """One step of a vanishing rate changes nothing."""
    source = str(finished.run.path)
    training = {"learning_rate": 1e-30, "weight_decay": 0.0}
    config = make_config(steps=1, run_dir=str(tmp_path / "more"), training=training)
    config.backbone = type(config.backbone)(source=source)
    assert_same_weights(finished.run, pretrain(config).run)


@pytest.mark.slow
def test_heads_that_a_source_lacks_are_named(finished, make_config, tmp_path):
    from kerasbert.checkpoints import save_hugging_face
    from kerasbert.config import TextConfig

    source = open_source(str(finished.run.path))
    bare = tmp_path / "bare"

    save_hugging_face(bare, source.backbone, source.config, TextConfig(), source.vocabulary)
    config = make_config(steps=1, run_dir=str(tmp_path / "more"))
    config.backbone = type(config.backbone)(source=str(bare))
    shown = io.StringIO()
    pretrain(config, Console(file=shown, width=200))
    assert "has no weights for mlm_head and nsp_head" in shown.getvalue()


def test_a_corpus_of_another_vocabulary_is_refused(finished, story_file, make_config, tmp_path):
    tokens = open_source(str(finished.run.path)).vocabulary.tokens
    other = WordPieceVocabulary([*tokens[:-2], tokens[-1], tokens[-2]])
    corpus = build_corpus([story_file], tmp_path / "other", other, CorpusSettings(max_length=16, shards=1))
    phase = {"corpus": str(corpus.path), "steps": 5, "batch_size": 8}
    config = make_config(phases=[phase])
    config.backbone = type(config.backbone)(source=str(finished.run.path))
    with pytest.raises(ConfigError, match="is not of the vocabulary of"):
        prepare_pretraining(config)
    both = make_config(phases=[make_config().phases[0].model_dump(), phase])
    with pytest.raises(ConfigError, match=r"phases.1.corpus: .* has another vocabulary"):
        prepare_pretraining(both)


def test_too_few_examples_or_positions_are_refused(stories, make_config):
    phase = {"corpus": str(stories.path), "steps": 5, "batch_size": 4000}
    with pytest.raises(ConfigError, match=r"phases.0.batch_size: must be at most"):
        prepare_pretraining(make_config(phases=[phase]))
    with pytest.raises(ConfigError, match=r"backbone.max_positions: must be at least 16"):
        prepare_pretraining(make_config(backbone={"max_positions": 8}))


def test_a_batch_that_does_not_divide_among_the_replicas_is_named(stories, make_config):
    phases = [{"corpus": str(stories.path), "steps": 5, "batch_size": size} for size in (8, 9)]
    config = make_config(phases=phases, training={"strategy": "mirrored"})
    with pytest.raises(ConfigError, match=r"^phases\.1\.batch_size: must be a multiple .* Received: 9$"):
        pretrain(config)


def test_a_loss_that_is_no_number_ends_the_run(make_config):
    config = make_config(training={"learning_rate": 1e30, "clip_norm": None, "warmup_fraction": 0.0})
    with pytest.raises(KerasBertError, match=r"the loss is (nan|inf). Lower"):
        pretrain(config)


@pytest.mark.slow
def test_two_workers_equal_one_device(make_config, tmp_path):
    alone = pretrain(make_config(run_dir=str(tmp_path / "alone"))).run
    config = make_config(run_dir=str(tmp_path / "together"), training={"strategy": "multi_worker"})
    pretrain_on_two_workers(config, tmp_path)
    assert_same_weights(alone, PretrainingRun(tmp_path / "together"), tolerance=2e-5)


@pytest.mark.slow
def test_mirrored_equals_one_device(make_config, tmp_path, monkeypatch):
    """The same global batch on one device and on two: masks, pairs and losses count alike."""
    # Collectives of two models of different shapes cannot live in one process, and other tests have one.
    reduce = tf.distribute.ReductionToOneDevice()
    mirrored = functools.partial(tf.distribute.MirroredStrategy, cross_device_ops=reduce)
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", mirrored)
    runs = []
    for strategy in ("one_device", "mirrored"):
        config = make_config(run_dir=str(tmp_path / strategy), training={"strategy": strategy})
        runs.append(pretrain(config).run)
    assert len(tf.config.list_logical_devices("CPU")) == 2
    assert_same_weights(*runs, tolerance=2e-5)


@pytest.mark.slow
def test_mixed_precision_keeps_float32_weights(make_config):
    result = pretrain(make_config(training={"precision": "mixed_bfloat16"}))
    assert {tensor.dtype for tensor in tensors(result.run).values()} == {np.dtype(np.float32)}
    assert math.isfinite(result.metrics["held_out"][0]["mlm_loss"])


def test_the_dry_run_tells_epochs_and_sizes(make_config, stories):
    text = describe(prepare_pretraining(make_config(steps=100)))
    epochs = 100 * 8 / stories.counts["train"].examples
    assert f"100 steps are {epochs:.2f} epochs" in text
