"""docs/plugins.md says of a task what the code says."""

import inspect
import re
from pathlib import Path

import pytest

from kerasbert.tasks import Task

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
METHODS = dict(re.findall(r"\| `(\w+)\(([^)]*)\)` \|", PAGE))
PUBLIC = {name for name, member in vars(Task).items() if inspect.isfunction(member) and name[0] != "_"}


def test_each_method_of_a_task_is_on_the_page():
    assert set(METHODS) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_it_stands_there_with_its_arguments(name: str):
    assert METHODS[name].split(", ") == list(inspect.signature(getattr(Task, name)).parameters)[1:]


def test_each_attribute_of_a_task_is_on_the_page():
    attributes = [name for name in Task.__annotations__ if name[0] != "_"]
    assert [name for name in attributes if f"`{name}`" not in PAGE] == []
