"""Writes MODEL_CARD.md, for fine-tuning and pre-training."""

import html
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import kerasbert
from kerasbert.files import write_text
from kerasbert.language import translation


def write_card(path: Path, template: str, facts: Mapping[str, Any]) -> None:
    """Writes `template`, filled in with `facts` and the versions of the software; each line is a message."""
    versions = {
        "version": kerasbert.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "python": platform.python_version(),
    }
    write_text(path, filled_in(template, {**versions, **facts}))


def filled_in(template: str, facts: Mapping[str, Any]) -> str:
    """Returns a part of a card; each line is a message."""
    return "\n".join(map(translation, template.split("\n"))).format_map(facts)


def markdown_text(text: str) -> str:
    """Returns `text` on one line and escaped, so that Markdown shows it literally, also in a table."""
    escaped = re.sub(r"([\\`*_\[\]|~])", r"\\\1", " ".join(text.split()))
    return html.escape(escaped, quote=False)
