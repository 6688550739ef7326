import optuna
import pytest
import yaml

from kerasbert.errors import ConfigError
from kerasbert.tuning import read_space

SPACE = """
training.learning_rate: {low: 1.0e-4, high: 1.0e-2, log: true}
training.batch_size: {low: 8, high: 64}
head.pooling: [cls, mean]
training.clip_norm: [null, 1.0]
"""


@pytest.fixture
def space(tmp_path):
    def write(text: str):
        path = tmp_path / "space.yaml"
        path.write_text(text, encoding="utf-8")
        return read_space(path)

    return write


def test_choices_are_overrides_inside_their_ranges(space):
    choices = space(SPACE)
    study, seen = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)), []
    for _ in range(60):
        pairs = [text.split("=") for text in choices.suggest(study.ask())]
        seen.append({key: yaml.safe_load(value) for key, value in pairs})
    assert all(1e-4 <= one["training.learning_rate"] <= 1e-2 for one in seen)
    assert sum(one["training.learning_rate"] < 1e-3 for one in seen) == pytest.approx(30, abs=12)
    assert all(isinstance(one["training.batch_size"], int) for one in seen)
    assert {one["head.pooling"] for one in seen} == {"cls", "mean"}
    assert {one["training.clip_norm"] for one in seen} == {None, 1.0}


def test_extremes_are_all_that_could_be_wrong(space):
    found = {text for overrides in space(SPACE).extremes() for text in overrides}
    assert found == {
        "training.learning_rate=0.0001", "training.learning_rate=0.01", "training.batch_size=8",
        "training.batch_size=64", 'head.pooling="cls"', 'head.pooling="mean"', "training.clip_norm=null",
        "training.clip_norm=1.0",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "a: []", "a: [1]", "a: {low: 1}", "a: {low: 2, high: 1}", "a: {low: 0, high: 1, log: true}", "a: 3"],
)
def test_what_leaves_nothing_to_choose_is_refused(space, text: str):
    with pytest.raises(ConfigError, match=r"space\.yaml: "):
        space(text)


def test_errors_are_about_what_was_meant(space):
    with pytest.raises(ConfigError, match=r"a\.range\.low: must be less than high"):
        space("a: {low: 2, high: 1}")
    with pytest.raises(ConfigError, match=r"a: must be a range \{low, high\} or a list of values\."):
        space("a: 3")
