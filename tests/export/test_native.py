import shutil

import pytest

from kerasbert.errors import ExportError
from kerasbert.export import NativeModel, native


def test_a_process_that_hangs_is_given_up(exported, strings, monkeypatch):
    monkeypatch.setattr(native, "_TIME_LIMIT", 0.01)
    with pytest.raises(ExportError, match="no answer in"):
        NativeModel(exported.path).run([("serving_default", {"text": strings(["a"])})])


@pytest.mark.process
def test_inputs_that_the_graph_refuses_are_one_clear_line(exported, strings):
    with pytest.raises(ExportError, match=r"the native loader refused the model: .*[Pp]arse") as caught:
        NativeModel(exported.path).run([("classify", {"inputs": strings([b"\xff not an Example"])})])
    assert "\n" not in str(caught.value)


def test_a_damaged_variables_file_is_one_clear_line(exported, strings, tmp_path):
    path = tmp_path / "1"
    shutil.copytree(exported.path, path)
    data = path / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(ExportError, match=r"the native loader refused the model: .*less bytes") as caught:
        NativeModel(path).run([("serving_default", {"text": strings(["a"])})])
    assert "\n" not in str(caught.value)
