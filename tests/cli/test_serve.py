import json
import signal
import socket

import httpx2
import pytest


@pytest.fixture
def taken():
    """A port that somebody else listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield str(listener.getsockname()[1])


def test_a_missing_or_empty_directory_is_refused(refused, tmp_path):
    ports = ("--rest-port", 0, "--grpc-port", 0)
    line = refused("serve", tmp_path / "none", *ports)
    assert "none: must be a directory with versions of a model" in line
    (tmp_path / "empty").mkdir()
    assert "empty: holds no version. Export one" in refused("serve", tmp_path / "empty", *ports)
    line = refused("serve", tmp_path / "empty", "--model-config-file", tmp_path / "none.config", *ports)
    assert "none.config: cannot be read" in line
    config = tmp_path / "models.config"
    config.write_text("", encoding="utf-8")
    line = refused("serve", tmp_path / "empty", "--model-config-file", config, *ports)
    assert "must have an entry for the model 'empty'" in line


def test_a_run_is_to_be_exported_first(refused, trained):
    line = refused("serve", trained.run.path, "--rest-port", 0, "--grpc-port", 0)
    assert (
        f"is a run, not an export. Export it, then serve MODEL_DIR: kerasbert export {trained.run.path}"
        in line
    )


def test_a_damaged_models_config_is_refused(refused, tmp_path):
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving" / "models.config").write_text("{")
    assert "models.config: is not a model configuration" in refused("serve", tmp_path, "--rest-port", 0)


def test_a_taken_port_is_refused(refused, tmp_path, taken):
    line = refused("serve", tmp_path, "--rest-port", taken, "--grpc-port", 0)
    assert f"127.0.0.1:{taken}: cannot be listened on" in line
    assert "--rest-port" in line
    line = refused("serve", tmp_path, "--rest-port", 0, "--grpc-port", taken)
    assert f"127.0.0.1:{taken}: cannot be listened on" in line
    assert "--grpc-port" in line


def test_a_host_that_is_not_here_is_refused(refused, tmp_path):
    assert "cannot be listened on" in refused("serve", tmp_path, "--host", "192.0.2.1", "--rest-port", 0)


@pytest.mark.parametrize(
    "option", ["--rest-port=70000", "--max-batch-size=0", "--queue-size=0", "--timeout=0"]
)
def test_options_out_of_range_are_refused(kerasbert, tmp_path, option):
    result = kerasbert("serve", tmp_path, option)
    assert result.exit_code == 2
    assert option.partition("=")[0] in result.stderr


@pytest.mark.process
def test_an_exported_model_answers_over_http_as_predict_does(kerasbert, process, trained, tmp_path):
    model, texts = tmp_path / "a model", ["手机很好", "", "酒店太差"]
    assert kerasbert("export", trained.run.path, model).exit_code == 0
    answers, complaints = process("predict", model, *texts, text=True).communicate(timeout=300)
    progress = ("loading ", "predicting")  # on a slow machine
    assert [line for line in complaints.splitlines() if not line.startswith(progress)] == []
    wanted = [json.loads(line) for line in answers.splitlines()]
    server = process("serve", model, "--rest-port", 0, "--grpc-port", 0, text=True)
    try:
        url = next(word for word in server.stdout.readline().split() if word.startswith("http://"))
        assert url.endswith("/v1/models/a-model")  # the name in models.config
        got = httpx2.post(f"{url}:predict", json={"instances": texts}, timeout=60.0).json()["predictions"]
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
        assert "Traceback" not in server.stderr.read()
    finally:
        server.kill()
        server.communicate()
    assert [row["label"] for row in got] == [row["label"] for row in wanted]
    assert [row["score"] for row in got] == pytest.approx([row["score"] for row in wanted], abs=1e-5)
