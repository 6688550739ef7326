import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kerasbert.checkpoints import open_source
from kerasbert.config import TeacherConfig
from kerasbert.engine.progress_reporter import ProgressReporter
from kerasbert.engine.signals import PreemptedError
from kerasbert.errors import ConfigError, UserError
from kerasbert.pretraining import pretrain
from kerasbert.pretraining.run import PretrainingRun
from kerasbert.pretraining.teacher import Teacher
from kerasbert.pretraining.teacher_states import compute_states, open_states, states_directory

from .conftest import pretrain_on_two_workers
from .test_pretrain import assert_same_weights, history

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def texts_file(tmp_path_factory) -> Path:
    """300 texts of words that follow each other in a fixed way."""
    random = np.random.default_rng(0)
    words = [*"天气好去了。", "公园", "hello", "world", "电影", "不错", "股票", "大跌", "1234"]
    lines = ["".join(random.choice(words, random.integers(2, 9))) for _ in range(300)]
    path = tmp_path_factory.mktemp("texts") / "texts.txt"
    path.write_text("\n".join([*lines, "", lines[0], "\u200b", "一个很长的句子" * 30]), encoding="utf-8")
    return path


@pytest.fixture
def taught(make_config, texts_file, tmp_path):
    """Returns a function that makes a configuration with a teacher, with nested overrides."""

    def make(run: str = "run", steps: int = 20, phases: list[dict] | None = None, **overrides):
        phase = {"texts": [str(texts_file)], "steps": steps, "batch_size": 16, "max_length": 32}
        vocabulary = overrides.pop("vocabulary", "kerasbert-tiny-zh" if phases is None else None)
        base = {"source": "kerasbert-tiny-zh", "max_length": 64, "cache": str(tmp_path / "cache")}
        return make_config(
            run_dir=str(tmp_path / run),
            vocabulary=vocabulary,
            phases=phases or [phase],
            teacher={**base, **overrides.pop("teacher", {})},
            **overrides,
        )

    return make


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    config = TeacherConfig(source="kerasbert-tiny-zh", prefix="问：", max_length=32)
    return Teacher(open_source("kerasbert-tiny-zh"), config, "float32")


def test_states_are_those_of_the_encoder(teacher, tmp_path):
    texts = ["今天天气很好", "", "unbelievable！", "长" * 100]
    compute_states(tmp_path, teacher, texts, "texts")
    states = open_states(tmp_path, teacher, texts)
    source = open_source("kerasbert-tiny-zh")
    graph = teacher._graph
    for number, text in enumerate(texts):
        inputs = graph(tf.constant([f"问：{text}"]))
        output = source.backbone(inputs)["sequence_output"][0].numpy()
        length = int(inputs["padding_mask"].numpy().sum())
        begin, count = states.starts[number], np.diff(states.bounds)[number]
        assert count == length - 2
        np.testing.assert_allclose(states.tokens[begin : begin + count], output[1 : length - 1], atol=5e-3)
        np.testing.assert_allclose(states.texts[number], output[:length].mean(axis=0), atol=5e-3)


def test_the_prefix_has_no_characters(teacher):
    ids, _ = teacher.tokenize(["今天"])
    assert teacher.token_characters(ids) == ["", "", "今天"]


def test_states_are_continued_where_they_were_interrupted(teacher, tmp_path, monkeypatch):
    """Whatever the interruption left of the batch that it was in."""
    monkeypatch.setattr("kerasbert.pretraining.teacher_states._TOKENS", 64)
    texts = [f"第{number}句" + "话" * (number % 20) for number in range(60)]
    compute_states(tmp_path / "whole", teacher, texts, "texts")
    whole = open_states(tmp_path / "whole", teacher, texts)
    computed, original = [], teacher.states

    def interrupted(ids, lengths):
        computed.append(len(lengths))
        if len(computed) == 7:
            raise KeyboardInterrupt
        return original(ids, lengths)

    monkeypatch.setattr(teacher, "states", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compute_states(tmp_path / "cut", teacher, texts, "texts")
    directory = states_directory(tmp_path / "cut", teacher, texts)
    with (directory / "texts.f16").open("ab") as file:
        file.write(b"half a row")
    compute_states(tmp_path / "cut", teacher, texts, "texts")
    assert sum(computed) == len(texts) + computed[6]  # the interrupted batch twice, all others once
    again = open_states(tmp_path / "cut", teacher, texts)
    np.testing.assert_array_equal(again.tokens, whole.tokens)
    np.testing.assert_array_equal(again.texts, whole.texts)
    compute_states(tmp_path / "cut", teacher, texts, "texts")
    assert sum(computed) == len(texts) + computed[6]  # nothing was left to compute


@pytest.mark.slow
def test_a_student_comes_closer_to_its_teacher(taught):
    result = pretrain(taught(steps=120, training={"checkpoint_every_steps": 60}))
    first, last = history(result.run)
    assert last["tokens_cosine"] > first["tokens_cosine"] + 0.1
    assert last["texts_cosine"] > first["texts_cosine"] + 0.1
    assert last["relations"] < first["relations"]
    held_out = result.metrics["held_out"][0]
    assert held_out["tokens_cosine"] > 0.3
    source = open_source(str(result.run.path))
    assert source.head_names == []  # masked LM was not trained
    assert source.vocabulary.tokens == open_source("kerasbert-tiny-zh").vocabulary.tokens
    card = result.run.model_card.read_text(encoding="utf-8")
    assert "learned from kerasbert-tiny-zh" in card
    assert "MIT" in card or "licence" in card
    assert not list(result.run.path.glob("teacher/*"))


def test_the_teacher_itself_has_nothing_to_learn(taught):
    """With its own weights the student's states are the teacher's, so the best projection is the identity."""
    from kerasbert.pretraining.learning import Learning
    from kerasbert.pretraining.prepare import prepare_pretraining
    from kerasbert.pretraining.pretrain import _initial_model
    from kerasbert.pretraining.teaching import compute_all_states, open_batches, states_cache

    config = taught(vocabulary=None, masking={"fraction": 0.0})
    # The teacher's other sizes would be refused.
    config.backbone = type(config.backbone)(source="kerasbert-tiny-zh", dropout=0.0)
    prepared = prepare_pretraining(config)
    compute_all_states(prepared, states_cache(prepared))
    (batches,) = open_batches(prepared, states_cache(prepared))
    learning = Learning(_initial_model(prepared), prepared.teacher.width, config.teacher)
    for layer, mean in zip((learning._tokens, learning._texts), batches._means, strict=True):
        layer.kernel.assign(np.eye(prepared.teacher.width))
        layer.bias.assign(-mean)
    batch = next(iter(batches.training(16, 0, 0, None, 0)))
    # The long text is cut at different lengths, which the rows of this batch are not.
    loss, metrics = learning(*batch)
    assert float(loss) == pytest.approx(0.0, abs=2e-3)
    assert float(metrics["tokens_cosine"][0] / metrics["tokens_cosine"][1]) > 0.999


@pytest.mark.slow
def test_sigterm_in_a_phase_of_texts_and_resuming_changes_nothing(taught, texts_file, monkeypatch):
    masked = {"teacher": {"masked_lm_weight": 0.5, "starting_vectors": True}}
    whole = pretrain(taught("whole", **masked)).run
    moves = iter(range(1, 10_000))
    move = lambda self, done: next(moves) == 13 and os.kill(os.getpid(), signal.SIGTERM)  # noqa: E731
    monkeypatch.setattr(ProgressReporter, "move", move)
    with pytest.raises(PreemptedError, match="step 13"):
        pretrain(taught(**masked))
    content = texts_file.read_text(encoding="utf-8")
    texts_file.write_text(f"{content}\n又一句", encoding="utf-8")
    with pytest.raises(UserError, match=r"phases.0.texts: have other examples"):
        pretrain(taught(**masked), resume=True)
    texts_file.write_text(content, encoding="utf-8")
    resumed = pretrain(taught(**masked), resume=True).run
    assert_same_weights(whole, resumed)
    assert "mlm_loss" in history(resumed)[-1]


@pytest.mark.slow
def test_phases_of_corpora_and_texts_follow_each_other(taught, stories, texts_file):
    phases = [
        {"corpus": str(stories.path), "steps": 10, "batch_size": 8},
        {"texts": str(texts_file), "steps": 10, "batch_size": 8, "max_length": 16},
    ]
    result = pretrain(taught(phases=phases))
    first, second = history(result.run)
    assert "mlm_loss" in first
    assert "tokens_cosine" not in first
    assert "tokens_cosine" in second
    assert open_source(str(result.run.path)).head_names == ["mlm_head", "nsp_head"]
    assert [part["max_length"] for part in result.metrics["held_out"]] == [16, 16]


@pytest.mark.slow
def test_sentencepiece_learns_from_wordpiece_and_teaches_it(taught, unigram, tmp_path):
    unigram.save(tmp_path / "unigram.model")
    first = pretrain(
        taught("first", vocabulary=str(tmp_path / "unigram.model"), teacher={"starting_vectors": True})
    ).run
    assert open_source(str(first.path)).vocabulary.digest == unigram.digest
    second = pretrain(taught("second", teacher={"source": str(first.path), "max_length": 16})).run
    for run in (first, second):
        (line, *_) = history(run)
        assert line["tokens_cosine"] != 0.0
        assert np.isfinite(line["texts_cosine"])


def test_starting_vectors_are_as_far_apart_as_the_teachers(taught):
    from kerasbert.pretraining.prepare import prepare_pretraining
    from kerasbert.pretraining.pretrain import _initial_model
    from kerasbert.pretraining.starting_vectors import ordinary_tokens
    from kerasbert.pretraining.teaching import compute_all_states, states_cache

    config = taught(teacher={"starting_vectors": True}, backbone={"hidden_dim": 192})
    prepared = prepare_pretraining(config)
    compute_all_states(prepared, states_cache(prepared))
    table = _initial_model(prepared).get_layer("backbone").token_embedding.embeddings.numpy()
    tokens = ordinary_tokens(prepared.vocabulary)
    states = open_states(states_cache(prepared), prepared.teacher, list(tokens.values())).texts
    chosen, vectors = table[list(tokens)][:200], states[:200].astype(np.float64)
    apart = np.linalg.norm(chosen[:, None] - chosen, axis=-1)
    expected = np.linalg.norm(vectors[:, None] - vectors, axis=-1)
    assert np.corrcoef(apart.ravel(), expected.ravel())[0, 1] > 0.9999
    assert 0.01 < table[list(tokens)].std() < 0.1


@pytest.mark.slow
def test_what_does_not_fit_is_refused(taught, make_config, texts_file, tmp_path):
    def refused(match: str, **overrides) -> None:
        with pytest.raises(UserError, match=match):
            pretrain(taught(**overrides))

    refused(r"teacher.source: 'nowhere' cannot be loaded", teacher={"source": "nowhere"})
    refused(r"teacher.layers: must be at most 2", teacher={"layers": 3})
    refused(r"teacher.max_length: must be at most 512", teacher={"max_length": 1000})
    refused(r"teacher.source: name a teacher", teacher={"source": None})
    (tmp_path / "x.csv").write_text("review,stars\n好,1\n", encoding="utf-8")
    phase = {"texts": [str(tmp_path / "x.csv")], "steps": 1, "batch_size": 1}
    refused(
        r"has no column 'text'\. It has: review, stars\. Did you mean 'review'\? Rename a column\.$",
        phases=[phase],
        vocabulary="kerasbert-tiny-zh",
    )
    refused(r"masking.fraction: must be above 0", masking={"fraction": 0}, teacher={"masked_lm_weight": 1})
    refused(
        r"all weights are 0", teacher=dict.fromkeys(["token_weight", "text_weight", "relation_weight"], 0)
    )
    refused(r"teacher.max_length: must be at least \d+, for", teacher={"prefix": "很" * 600})
    invisible = tmp_path / "invisible.txt"
    invisible.write_text("\n".join("\u200b" * count for count in range(1, 60)), encoding="utf-8")
    no_tokens = [{"texts": str(invisible), "steps": 1, "batch_size": 4}]
    with pytest.raises(UserError, match=r"phases.0.batch_size: must be at most 0, the texts that have"):
        pretrain(taught("invisible", phases=no_tokens, vocabulary="kerasbert-tiny-zh"))
    missing = [{"texts": str(tmp_path / "missing.txt"), "steps": 1}]
    with pytest.raises(UserError, match=r"missing.txt"):
        pretrain(taught(phases=missing, vocabulary="kerasbert-tiny-zh"))
    with pytest.raises(ConfigError, match=r"phases.0.corpus: name a corpus or texts"):
        make_config(phases=[{"steps": 5}])


@pytest.mark.slow
def test_mirrored_equals_one_device(taught, monkeypatch):
    """Relations are those of the global batch."""
    import functools

    reduce = tf.distribute.ReductionToOneDevice()
    mirrored = functools.partial(tf.distribute.MirroredStrategy, cross_device_ops=reduce)
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", mirrored)
    runs = []
    for strategy in ("one_device", "mirrored"):
        runs.append(pretrain(taught(strategy, steps=10, training={"strategy": strategy})))
    assert_same_weights(runs[0].run, runs[1].run, tolerance=2e-5)
    metrics = [json.loads(run.run.metrics.read_text())["held_out"] for run in runs]
    assert metrics[0][0]["texts_cosine"] == pytest.approx(metrics[1][0]["texts_cosine"], abs=1e-4)


@pytest.mark.slow
def test_two_workers_equal_one_device(taught, tmp_path):
    """The chief computes the states, the other worker waits for them."""
    alone = pretrain(taught("alone", steps=10)).run
    config = taught("together", steps=10, training={"strategy": "multi_worker"}, teacher={"cache": None})
    pretrain_on_two_workers(config, tmp_path)
    assert_same_weights(alone, PretrainingRun(tmp_path / "together"), tolerance=2e-5)
