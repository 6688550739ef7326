"""train --seeds and --folds, distill and tune, as a user runs them."""

import json
import re

import pytest

from kerasbert.predictors import open_model

pytestmark = pytest.mark.process


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "names"), [("--seeds", ["seed-0", "seed-1"]), ("--folds", ["fold-0", "fold-1"])]
)
def test_a_training_several_times_shows_mean_and_deviation(kerasbert, config_file, tmp_path, option, names):
    run_dir = tmp_path / "runs"
    done = kerasbert("train", config_file(), option, 2, "--output", run_dir)
    assert done.exit_code == 0
    shown = re.search(r"accuracy ([\d.]+) ± ([\d.]+), macro F1 .* over 2 (seeds|folds)", done.stderr)
    summary = json.loads((run_dir / "summary.json").read_text(encoding="utf-8"))
    assert float(shown[1]) == pytest.approx(summary["accuracy"]["mean"], abs=1e-4)
    assert float(shown[2]) == pytest.approx(summary["accuracy"]["sd"], abs=1e-4)
    for name in names:
        assert (run_dir / name / "report" / "index.html").is_file()
        open_model(run_dir / name)


def test_seeds_and_folds_are_not_for_one_command(kerasbert, config_file):
    result = kerasbert("train", config_file(), "--seeds", 2, "--folds", 2)
    assert result.exit_code == 2
    assert "--seeds and --folds: give one of them" in result.stderr


@pytest.mark.slow
def test_a_student_is_distilled(kerasbert, config_file, tmp_path, trained, write):
    texts = write("texts.jsonl", [json.dumps({"text": f"手机很好{n}"}) for n in range(20)])
    student = tmp_path / "student"
    options = ["--unlabelled", texts, "--output", student, "--set", "backbone.hidden_dim=8"]
    dry = kerasbert("distill", trained.run.path, config_file(), *options, "--dry-run")
    assert "unlabelled: 20 rows\n" in dry.stdout
    assert f"teacher: {trained.run.path}" in dry.stdout
    assert kerasbert("distill", trained.run.path, config_file(), *options).exit_code == 0
    model = open_model(student)
    assert model.config.backbone.hidden_dim == 8
    assert model.config.distillation.teacher == str(trained.run.path)


def test_a_teacher_that_is_none_is_refused(refused, config_file, tmp_path):
    config = config_file()
    assert "is not a run directory" in refused("distill", tmp_path / "nowhere", config)


@pytest.mark.slow
def test_the_best_settings_are_searched_for(kerasbert, config_file, tmp_path, write):
    space = write("space.yaml", ["training.learning_rate: {low: 1.0e-4, high: 1.0e-2, log: true}"])
    done = kerasbert("tune", config_file(), "--space", space, "--trials", 2, "--output", tmp_path / "study")
    assert done.exit_code == 0, done.stderr
    assert re.search(
        r"best of 2 trials: number \d, macro_f1 0\.\d+\n  training\.learning_rate: ", done.stderr
    )
    best = tmp_path / "study" / "best"
    open_model(best)
    page = best / "report" / "index.html"
    assert page.is_file()
    assert str(page) in done.stderr


def test_a_dry_run_of_a_search_names_its_own_directory(kerasbert, config_file, tmp_path, write):
    space = write("space.yaml", ["training.batch_size: [8, 16]"])
    study = tmp_path / "study"
    done = kerasbert("tune", config_file(), "--space", space, "--output", study, "--dry-run")
    assert done.exit_code == 0
    assert f"output: {study}\n" in done.stdout
    assert not study.exists()


def test_a_space_that_does_not_fit_is_refused(refused, config_file, write):
    config, space = config_file(), write("space.yaml", ["training.epoch: [1, 2]"])
    for more in ([], ["--dry-run"]):
        assert "Did you mean training.epochs?" in refused("tune", config, "--space", space, *more)


def test_a_teacher_is_checked_as_in_a_configuration(refused, config_file, trained):
    config = config_file()
    line = refused("distill", trained.run.path, config, "--set", "training.r_drop=1")
    assert "does not go with training.r_drop" in line


def test_a_student_needs_a_teacher_or_soft_labels(kerasbert, refused, config_file, tmp_path, write):
    config = config_file()
    for arguments, message in (
        ((), "give TEACHER and CONFIG, or CONFIG and --soft-labels"),
        ((config,), "give TEACHER, the run directory to learn from, or --soft-labels"),
        ((config, "--soft-labels", "x", "--unlabelled", "y"), "--unlabelled: needs TEACHER"),
    ):
        result = kerasbert("distill", *arguments)
        assert result.exit_code == 2
        assert message in result.stderr
    soft = write("soft.jsonl", ['{"text": "新", "probabilities": {"positive": 0.5, "negative": 0.6}}'])
    assert "soft.jsonl:1: the probabilities must sum up to 1" in refused(
        "distill", config, "--soft-labels", soft, "--dry-run"
    )
    soft.write_text('{"text": "新", "probabilities": {"positive": 0.5, "negative": 0.5}}', encoding="utf-8")
    done = kerasbert("distill", config, "--soft-labels", soft, "--dry-run")
    assert done.exit_code == 0, done.output
    assert "with soft labels: 1 rows" in done.stdout
