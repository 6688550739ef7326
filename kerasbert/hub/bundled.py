"""The encoder that comes with the package; an entry point of `kerasbert.backbones` names it."""

from pathlib import Path

TINY_ZH = Path(__file__).parents[1] / "presets" / "kerasbert-tiny-zh"
