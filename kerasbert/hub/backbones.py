"""Installed encoders: entry points of the group `kerasbert.backbones`, each of a Hugging Face folder."""

import json
import math
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import yaml
from safetensors import safe_open

from kerasbert.errors import PluginError
from kerasbert.hub.snapshot import CONFIG, is_complete
from kerasbert.plugins import Plugin, find_plugin, list_plugins

GROUP = "kerasbert.backbones"
_CARDS = ("MODEL_CARD.md", "README.md")
_NO_PART = ("cls.", "classifier.", "qa_outputs.", "lm_head.", "vocab_", "discriminator_predictions.")


@dataclass(frozen=True)
class Backbone:
    """An installed encoder.

    Args:
        directory: a Hugging Face folder.
        parameters: of the encoder alone.
        language: as in the front matter of its model card, such as `zh`; empty: not said there.
        license: likewise, such as `apache-2.0`.
    """

    directory: Path
    parameters: int
    language: str
    license: str


def list_backbones() -> list[Plugin[Backbone]]:
    """Returns all installed encoders by name. A broken one has an `error` and does not affect the others."""
    return list_plugins(GROUP, _checked)


def find_backbone(name: str) -> Backbone | None:
    """Returns the installed encoder called `name`; None: there is none.

    Raises:
        PluginError: several are called so, or it is broken.
    """
    plugin = find_plugin(GROUP, name, _checked)
    if plugin and plugin.value is None:
        raise PluginError(f"the encoder {name!r} of {plugin.distribution} is broken: {plugin.error}")
    return plugin.value if plugin else None


def _checked(point: EntryPoint, loaded: object) -> Backbone:
    if not isinstance(loaded, str | Path):
        raise TypeError(f"{point.value} must be the path of a folder (a pathlib.Path). Received: {loaded!r}")
    directory = Path(loaded)
    if not is_complete(directory):
        raise FileNotFoundError(f"{directory} lacks {CONFIG}, a vocabulary or model.safetensors")
    json.loads((directory / CONFIG).read_text(encoding="utf-8"))
    facts = _front_matter(directory)
    return Backbone(directory, _parameters(directory), facts.get("language", ""), facts.get("license", ""))


def _parameters(directory: Path) -> int:
    count = 0
    for path in directory.glob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            count += sum(
                math.prod(file.get_slice(name).get_shape())
                for name in file.keys()  # noqa: SIM118 (no mapping)
                if not name.startswith(_NO_PART) and not name.endswith("position_ids")
            )
    return count


def _front_matter(directory: Path) -> dict[str, str]:
    """Returns the YAML between two lines `---` at the top of a model card, as the hubs have it."""
    for name in _CARDS:
        path = directory / name
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text.startswith("---\n"):
            values = yaml.safe_load(text[4:].partition("\n---")[0])
            if not isinstance(values, dict):
                raise ValueError(f"{path}: its front matter is no YAML mapping")
            return {
                str(key): ", ".join(map(str, value)) if isinstance(value, list) else str(value)
                for key, value in values.items()
            }
    return {}
