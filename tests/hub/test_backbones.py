"""Encoders of other distributions."""

import json
import shutil
from pathlib import Path

import pytest

from kerasbert.errors import PluginError
from kerasbert.hub import LANGUAGES, find_backbone, is_address, list_backbones, list_encoders, parse_address

GROUP = "kerasbert.backbones"


def entry(name: str):
    (found,) = [plugin for plugin in list_backbones() if plugin.name == name]
    return found


def test_the_bundled_encoder_is_found_like_those_of_plugins():
    plugin = entry("kerasbert-tiny-zh")
    assert plugin.distribution == "kerasbert"
    assert (plugin.value.language, plugin.value.license) == ("zh", "apache-2.0")
    assert find_backbone("kerasbert-tiny-zh") == plugin.value


def test_an_installed_encoder_is_found(install, folder: Path):
    (folder / "README.md").write_text("---\nlanguage:\n- zh\n- en\nlicense: mit\n---\n# Card\n")
    install("encoder_ok", f"from pathlib import Path\nF = Path({str(folder)!r})", GROUP, mine="encoder_ok:F")
    plugin = entry("mine")
    assert (plugin.distribution, plugin.version, plugin.error) == ("encoder_ok", "1.0", None)
    assert plugin.value.directory == folder
    assert (plugin.value.parameters, plugin.value.language, plugin.value.license) == (60_000, "zh, en", "mit")


def test_a_name_that_is_not_installed_is_none():
    assert find_backbone("bert_base_zh") is None


def broken(folder: Path, case: str) -> None:
    match case:
        case "weights":
            (folder / "model.safetensors").write_bytes(b"no")
        case "cut":
            weights = folder / "model.safetensors"
            weights.write_bytes(weights.read_bytes()[:999])
        case "config":
            (folder / "config.json").write_text("{")
        case "vocabulary":
            (folder / "vocab.txt").unlink()
        case "card":
            (folder / "README.md").write_text("---\na: [\n---\n")
        case "list":
            (folder / "README.md").write_text("---\n- a\n---\n")
        case "folder":
            shutil.rmtree(folder)


CASES = {
    "weights": "SafetensorError",
    "cut": "SafetensorError",
    "config": "JSONDecodeError",
    "vocabulary": "FileNotFoundError: .* lacks config.json, a vocabulary or model.safetensors",
    "card": "ParserError",
    "list": "its front matter is no YAML mapping",
    "folder": "FileNotFoundError",
}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_encoder_is_listed_with_its_error_and_harms_no_other(install, folder: Path, case: str):
    install(f"encoder_{case}", f"F = {str(folder)!r}", GROUP, mine=f"encoder_{case}:F")
    broken(folder, case)
    with pytest.raises(
        PluginError, match=rf"the encoder 'mine' of encoder_{case} is broken: .*{CASES[case]}"
    ):
        find_backbone("mine")
    plugin = entry("mine")
    assert plugin.value is None
    assert "\n" not in plugin.error
    assert entry("kerasbert-tiny-zh").error is None
    assert "mine" not in [encoder.source for encoder in list_encoders()]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("F = 3", "TypeError: .*must be the path of a folder"),
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("exit()", "SystemExit"),
        ("", "AttributeError"),
        ("F = 'no/such/folder'", "FileNotFoundError"),
    ],
)
def test_an_entry_point_that_names_no_folder_is_broken(install, source: str, error: str):
    install("encoder_odd", source, GROUP, mine="encoder_odd:F")
    with pytest.raises(PluginError, match=f"is broken: {error}"):
        find_backbone("mine")


def test_an_encoder_provided_twice_is_refused(install, folder: Path):
    point = {"kerasbert-tiny-zh": "encoder_thief:F"}
    install("encoder_thief", f"F = {str(folder)!r}", GROUP, **point)
    with pytest.raises(PluginError, match=r"more than once, by .*kerasbert.*Uninstall one"):
        find_backbone("kerasbert-tiny-zh")


def test_published_encoders_can_be_pasted():
    encoders = list_encoders()
    assert encoders[0].source == "kerasbert-tiny-zh"
    assert len({encoder.source for encoder in encoders}) == len(encoders)
    for encoder in encoders:
        if is_address(encoder.source):
            assert str(parse_address(encoder.source)) == encoder.source
        assert encoder.language in LANGUAGES
        assert encoder.license == encoder.license.lower()


def published_sizes():
    vocabularies = {
        "ernie": 40_000,
        "zh": 21_128,
        "multilingual-e5": 250_037,
        "paraphrase-multilingual": 250_037,
        "xlm-roberta": 250_002,
        "multilingual-cased": 119_547,
        "": 30_522,  # English
    }
    for encoder in list_encoders():
        if encoder.note.startswith("installed"):
            continue
        key = next(key for key in vocabularies if key in encoder.source.replace("chinese", "zh"))
        yield encoder, vocabularies[key]


def test_the_parameters_agree_with_the_sizes():
    for encoder, vocabulary in published_sizes():
        width, positions = encoder.hidden_dim, 2048 if "ernie" in encoder.source else 512
        layer = 12 * width**2 + 13 * width  # feed-forward: four times the width
        computed = (vocabulary + positions) * width + encoder.layers * layer + width**2
        assert computed == pytest.approx(encoder.parameters, rel=0.01), encoder.source


def test_the_page_has_the_same_table():
    page = (Path(__file__).parents[2] / "docs" / "checkpoints.md").read_text(encoding="utf-8")
    for encoder in list_encoders():
        if encoder.note.startswith("installed") and encoder.source != "kerasbert-tiny-zh":
            continue
        size, layers = f"{encoder.parameters / 1e6:.1f} M", f"{encoder.layers} x {encoder.hidden_dim}"
        facts = (f"`{encoder.source}`", encoder.language, size, layers, encoder.license or "not stated")
        assert f"| {' | '.join(facts)} | " in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_can_be_chosen(language: str):
    encoders = list_encoders(language)
    assert len(encoders) >= 4
    assert {encoder.language for encoder in encoders} == {language}
    sizes = [encoder.parameters for encoder in encoders]
    assert sizes == sorted(sizes)


def test_facts_come_from_the_folder(install, folder: Path):
    config = {"model_type": "bert", "num_hidden_layers": 5, "hidden_size": 64}
    (folder / "config.json").write_text(json.dumps(config))
    install("encoder_facts", f"F = {str(folder)!r}", GROUP, mine="encoder_facts:F")
    (found,) = [encoder for encoder in list_encoders() if encoder.source == "mine"]
    assert (found.layers, found.hidden_dim, found.note) == (5, 64, "installed: encoder_facts 1.0")
