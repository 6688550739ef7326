"""What `import kerasbert` offers: quickly, quietly, typed and documented."""

import ast
import importlib
import inspect
import os
import pkgutil
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import kerasbert

SOURCE = Path(kerasbert.__file__)
FUNCTIONS = [name for name in kerasbert.__all__ if inspect.isfunction(getattr(kerasbert, name))]
CLASSES = [name for name in kerasbert.__all__ if inspect.isclass(getattr(kerasbert, name))]


def members() -> dict[str, object]:
    """The public functions, and the methods and properties that our public classes define."""
    found = {name: getattr(kerasbert, name) for name in FUNCTIONS}
    for name in CLASSES:
        kinds = [kind for kind in getattr(kerasbert, name).__mro__ if kind.__module__.startswith("kerasbert")]
        for kind in kinds:
            for attribute, value in vars(kind).items():
                value = getattr(value, "fget", None) or getattr(value, "func", value)
                if not attribute.startswith("_") and inspect.isfunction(value):
                    found[f"{name}.{attribute}"] = value
    return found


MEMBERS = members()


def test_each_public_name_is_there_also_after_every_module_is_imported():
    for module in pkgutil.walk_packages(kerasbert.__path__, "kerasbert."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in kerasbert.__all__:
        value = getattr(kerasbert, name)
        assert name == "__version__" or callable(value), f"{name} is {value!r}"


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no_such_name"):
        kerasbert.no_such_name  # noqa: B018


def test_each_name_is_listed_for_tab_completion():
    assert set(kerasbert.__all__) <= set(dir(kerasbert))
    assert kerasbert.__all__ == sorted(kerasbert.__all__)


def test_editors_see_what_is_looked_up_late():
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    block, late = (node for node in tree.body if isinstance(node, ast.If))
    assert (ast.unparse(block.test), ast.unparse(late.test)) == ("TYPE_CHECKING", "not TYPE_CHECKING")
    # Seen by a type checker, it would make any misspelt name of the module a good one.
    assert "__getattr__" not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    imported = {alias.name: statement.module for statement in block.body for alias in statement.names}
    assert {*imported, "__version__"} == set(kerasbert.__all__)
    for name, module in imported.items():
        assert getattr(importlib.import_module(module), name) is getattr(kerasbert, name)


@pytest.mark.parametrize(
    "package", ["kerasbert", "kerasbert_sentiment", "kerasbert_spam", "kerasbert_news_topic"]
)
def test_types_are_announced(package):
    assert (Path(importlib.import_module(package).__file__).parent / "py.typed").is_file()


def test_help_shows_every_function_and_class():
    text = pydoc.render_doc(kerasbert, renderer=pydoc.plaintext)
    for name in FUNCTIONS:
        assert f"    {name}(" in text
    for name in CLASSES:
        assert f"class {name}" in text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_say_what_they_take_and_what_they_raise(name):
    text = inspect.getdoc(getattr(kerasbert, name))
    assert "Raises:" in text
    missing = [p for p in inspect.signature(getattr(kerasbert, name)).parameters if f"{p}: " not in text]
    assert not missing


@pytest.mark.parametrize("name", CLASSES)
def test_classes_say_what_they_are(name):
    assert vars(getattr(kerasbert, name))["__doc__"].strip().endswith((".", ">"))


@pytest.mark.parametrize("name", MEMBERS)
def test_every_argument_and_result_is_typed(name):
    signature = inspect.signature(MEMBERS[name])
    untyped = [p.name for p in signature.parameters.values() if p.name != "self" and p.annotation is p.empty]
    assert not untyped
    assert signature.return_annotation is not signature.empty
    assert inspect.getdoc(MEMBERS[name])


@pytest.mark.process
def test_importing_is_quick_and_quiet_and_the_first_use_quiet_too(exported):
    code = (
        "import sys, time; start = time.perf_counter(); import kerasbert; dir(kerasbert)\n"
        "assert not {'tensorflow', 'keras', 'numpy', 'pydantic'} & set(sys.modules), 'import'\n"
        "assert time.perf_counter() - start < 1, 'slow'\n"
        f"model = kerasbert.open_model({str(exported)!r})\n"
        "print(model.predict('手机很好')['label'])\n"
        "kerasbert.train, kerasbert.export_model, help(kerasbert.UserError)\n"
    )
    # As a user has it: none of the switches that the tests set.
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=clean_environment()
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.splitlines()[0] == "positive"


def clean_environment() -> dict[str, str]:

    ours = ("TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES")
    return {name: value for name, value in os.environ.items() if name not in ours}
