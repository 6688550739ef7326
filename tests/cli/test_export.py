import pytest


@pytest.fixture(scope="module")
def exported(kerasbert, trained, tmp_path_factory):
    """The model directory and the result of the command."""
    model = tmp_path_factory.mktemp("served") / "model"
    return model, kerasbert("export", trained.run.path, model, "--version", "20240101")


@pytest.mark.process
def test_it_names_the_version_it_wrote(exported):
    model, result = exported
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(str(model / "20240101"))
    assert len(result.stdout.splitlines()) == 1
    assert (model / "20240101" / "saved_model.pb").is_file()
    assert sorted(path.name for path in model.iterdir()) == ["20240101", "serving"]
    assert "served as stable" in result.stderr


def test_a_canary_says_how_it_is_promoted(kerasbert, trained, tmp_path, monkeypatch):
    from kerasbert.deployment import Memory
    from kerasbert.export import compatibility, publish

    for number in (1, 2):
        (tmp_path / "model" / str(number)).mkdir(parents=True)
    monkeypatch.setattr(publish, "verify", lambda *arguments: Memory(10**8, 3 * 10**8))
    monkeypatch.setattr(publish, "_write", lambda *arguments: arguments[-1].mkdir())
    monkeypatch.setattr(compatibility, "breaking_changes", lambda old, new: [])
    result = kerasbert("export", trained.run.path, tmp_path / "model", "--keep", 2)
    assert "3 (0.0 MB, verified by the native loader in 300 MB of memory)" in result.stdout
    assert result.stderr.splitlines() == [
        "Removed version 1.",
        "It is served as canary. To make it the stable version:",
        f"  kerasbert versions label {tmp_path / 'model'} stable 3",
    ]


@pytest.mark.process
def test_predict_answers_with_the_exported_model_as_with_the_run(exported, kerasbert, opened_once):
    texts = ["手机很好", "", "酒店太差"]
    served, run = (kerasbert("predict", path, *texts) for path in (exported[0], opened_once))
    assert (served.exit_code, served.stderr) == (0, "")
    assert served.stdout == run.stdout


@pytest.mark.process
def test_a_taken_version_is_refused(exported, refused, trained):
    line = refused("export", trained.run.path, exported[0], "--version", "20240101")
    assert "20240101: exists already" in line


@pytest.mark.parametrize("value", ["-1", "x", "1.5"])
def test_a_version_must_be_a_number(kerasbert, trained, tmp_path, value):
    result = kerasbert("export", trained.run.path, tmp_path / "model", "--version", value)
    assert result.exit_code == 2
    assert "--version" in result.stderr
    assert not (tmp_path / "model").exists()


def test_a_missing_or_unfinished_run_is_refused(refused, run_copy, tmp_path):
    assert "is not a run directory" in refused("export", tmp_path / "nothing", tmp_path / "model")
    (run_copy / "metrics.json").unlink()
    assert "did not finish" in refused("export", run_copy, tmp_path / "model")


def test_a_place_below_a_file_is_refused(refused, trained, tmp_path):
    (tmp_path / "file").touch()
    assert "cannot be written" in refused("export", trained.run.path, tmp_path / "file" / "model")


def test_a_failed_verification_ends_with_status_one(kerasbert, trained, tmp_path, monkeypatch):
    from kerasbert.errors import ExportError
    from kerasbert.export import publish

    def differ(*arguments):
        raise ExportError("signature classify, batch 1: scores differs")

    monkeypatch.setattr(publish, "verify", differ)
    monkeypatch.setattr(publish, "_write", lambda *arguments: arguments[-1].mkdir())
    result = kerasbert("export", trained.run.path, tmp_path / "model")
    assert result.exit_code == 1
    assert result.stderr == "Error: not published: signature classify, batch 1: scores differs\n"
    assert list((tmp_path / "model").iterdir()) == []


@pytest.mark.process
def test_less_precision_says_how_many_labels_it_changes(kerasbert, trained, tmp_path, reviews_file):
    settings = ("--precision", "bfloat16", "--signature", "embed")
    result = kerasbert("export", trained.run.path, tmp_path / "model", *settings)
    assert result.exit_code == 0, result.output
    assert f"of 80 rows of {reviews_file} (" in result.stdout
    assert result.stdout.splitlines()[1].startswith("bfloat16 changes the label of ")
    assert result.stdout.splitlines()[2].startswith(
        "The vectors of these rows have a cosine of at least 0.99"
    )


@pytest.mark.process
def test_rows_that_cannot_be_read_stop_no_export(kerasbert, run_copy, tmp_path):
    settings = (run_copy / "config.yaml").read_text(encoding="utf-8")
    (tmp_path / "dev.csv").write_text("body\n好\n", encoding="utf-8")
    named = settings.replace("validation: []", f"validation: [{tmp_path / 'dev.csv'}]")
    (run_copy / "config.yaml").write_text(named, encoding="utf-8")
    result = kerasbert("export", run_copy, tmp_path / "model", "--precision", "bfloat16")
    assert result.exit_code == 0, result.output
    assert "labels were not compared with float32: " in result.stderr
    assert f"{tmp_path / 'dev.csv'}:1: has no columns 'text' and 'label'" in result.stderr
    assert (tmp_path / "model" / "1" / "saved_model.pb").is_file()
