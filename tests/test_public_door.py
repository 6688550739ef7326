"""What `import kerasbert` offers."""

import importlib
import pkgutil

import pytest

import kerasbert


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
