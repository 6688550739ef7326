"""Every message has a Chinese translation with the same values in it, and there is none without a message."""

import ast
import json
import string
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

import kerasbert

ROOT = Path(kerasbert.__file__).parent
CHINESE = json.loads((ROOT / "language" / "zh.json").read_text(encoding="utf-8"))


def python_nodes() -> Iterator[ast.AST]:
    for path in ROOT.rglob("*.py"):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def calls_in_templates() -> Iterator[nodes.Call]:
    for path in (ROOT / "evaluation" / "templates").glob("*.html"):
        yield from jinja2.Environment().parse(path.read_text(encoding="utf-8")).find_all(nodes.Call)


def messages() -> set[str]:
    """Returns the messages that are written out where they are translated."""
    found = set()
    for node in python_nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
            given = node.args[0]
            either = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
            found |= {of.value for of in either if isinstance(of, ast.Constant)}
    for call in calls_in_templates():
        if isinstance(call.node, nodes.Name) and call.node.name == "tr":
            found |= {of.value for of in call.args if isinstance(of, nodes.Const)}
    return found


def constants() -> set[str]:
    """Returns all texts in the code and their lines, with `{}` for the values of an f-string."""
    found: set[str] = set()
    for node in python_nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value, *node.value.split("\n")}
        elif isinstance(node, ast.JoinedStr):
            found.add("".join(of.value if isinstance(of, ast.Constant) else "{}" for of in node.values))
    return found


def fields(message: str) -> list[tuple[str, str]]:
    parts = string.Formatter().parse(message)
    return sorted((name, form or "") for _, name, form, _ in parts if name is not None)


def test_every_message_has_a_translation():
    assert len(messages()) > 100
    assert not messages() - set(CHINESE)


def test_every_translation_has_a_message():
    assert not set(CHINESE) - messages() - constants()


@pytest.mark.parametrize("message", CHINESE)
def test_a_translation_has_the_values_of_its_message(message):
    assert fields(CHINESE[message]) == fields(message)
