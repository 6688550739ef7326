import json
import shutil
import sys

import pytest
import tensorflow as tf

TEXTS = ["手机很好", "酒店太差，再也不来", ""]


@pytest.mark.process
def test_json_is_one_document(kerasbert, opened_once):
    result = kerasbert("explain", opened_once, *TEXTS, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    explanations = json.loads(result.stdout)
    assert [each["text"] for each in explanations] == TEXTS
    for each in explanations:
        assert set(each) == {"text", "label", "score", "baseline_score", "error", "words"}
        moved = sum(word["attribution"] for word in each["words"])
        assert moved == pytest.approx(each["score"] - each["baseline_score"], abs=each["error"] + 1e-4)
    assert [word["word"] for word in explanations[0]["words"]] == ["手机", "很", "好"]
    assert explanations[2]["words"] == []


def test_characters_are_shown_where_asked_for_or_without_jieba(kerasbert, refused, opened_once, monkeypatch):
    words, characters = (
        json.loads(kerasbert("explain", opened_once, TEXTS[0], "--json", "--by", by).stdout)[0]["words"]
        for by in ("words", "characters")
    )
    assert [of["word"] for of in characters] == list("手机很好")
    total = sum(of["attribution"] for of in characters[:2])
    assert words[0] == {"word": "手机", "attribution": pytest.approx(total, abs=1e-6)}
    monkeypatch.setitem(sys.modules, "jieba", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = json.loads(kerasbert("explain", opened_once, TEXTS[0], "--json").stdout)
    assert found[0]["words"] == characters
    message = refused("explain", opened_once, TEXTS[0], "--by", "words")
    assert "jieba, which is not installed" in message
    assert message.endswith("or use --by characters.\n")


@pytest.mark.process
def test_a_file_is_explained_like_arguments(kerasbert, opened_once):
    lines = "\n".join(TEXTS).encode() + b"\n"
    from_stdin = kerasbert("explain", opened_once, "--input", "-", "--json", stdin=lines)
    assert from_stdin.exit_code == 0
    assert from_stdin.stdout == kerasbert("explain", opened_once, *TEXTS, "--json").stdout


@pytest.mark.process
def test_a_label_can_be_named(kerasbert, opened_once):
    for label in ("negative", "positive"):
        (answer,) = json.loads(kerasbert("explain", opened_once, TEXTS[0], "--label", label, "--json").stdout)
        assert answer["label"] == label


@pytest.mark.process
def test_people_see_the_text_and_the_words_that_mattered_most(kerasbert, opened_once):
    result = kerasbert("explain", opened_once, "手机[bold]很好", "The Battery is good, really")
    assert result.exit_code == 0
    (answer, _) = json.loads(
        kerasbert("explain", opened_once, "手机[bold]很好", "The Battery is good, really", "--json").stdout
    )
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{answer['label']}  probability 0.")
    assert "手机" in lines[1]
    assert "[bold]" in lines[1].replace(" ", "")  # no markup of ours
    assert "the battery is good, really" in lines
    top = max(answer["words"], key=lambda word: abs(word["attribution"]))
    assert lines[2].split()[:2] == [top["word"], f"{top['attribution']:+.2f}"]


def test_an_unknown_label_is_refused(refused, opened_once):
    message = refused("explain", opened_once, "好", "--label", "neutral")
    assert message == "Error: --label: must be one of negative, positive. Received: 'neutral'\n"


def test_an_export_without_the_signature_is_refused(refused, tmp_path, trained):
    module = tf.Module()
    strings = tf.TensorSpec([None], tf.string, name="text")

    @tf.function(input_signature=[strings])
    def answer(text):
        return {"classes": tf.fill([1, 1], "a"), "label": text}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(inputs):
        return {"classes": tf.fill([1, 1], "a"), "scores": tf.ones([1, 1])}

    tf.saved_model.save(module, str(tmp_path / "1"), {"serving_default": answer, "classify": classify})
    (tmp_path / "1" / "assets.extra").mkdir()
    shutil.copy(trained.run.path / "config.yaml", tmp_path / "1" / "assets.extra" / "kerasbert.yaml")
    message = refused("explain", tmp_path, "好")
    assert "was exported without the signature `explain`" in message


@pytest.mark.parametrize("arguments", [(), ("text", "--input", "-")])
def test_either_text_or_input_is_wanted(kerasbert, tmp_path, arguments):
    result = kerasbert("explain", tmp_path, *arguments)
    assert result.exit_code == 2
    assert "either TEXT or --input" in result.stderr
