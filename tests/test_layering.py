"""Imports follow the layers, files stay small, and the core names no concrete task."""

import ast
from pathlib import Path

import kerasbert

ROOT = Path(kerasbert.__file__).parent
# A layer may import from the layers before it, never from those after it.
ORDER = [
    "errors", "extras", "listing", "language", "plugins", "progress", "interrupts", "startup", "encoding",
    "files", "layout", "native", "deployment", "config", "text", "data", "corpus", "tasks", "models",
    "inference", "hub", "checkpoints", "engine", "client", "explanation", "predictors", "augmentation",
    "pretraining", "training", "tuning", "evaluation", "curation", "export", "api", "serving", "testing",
    "plugin_template", "quickstart", "doctor", "cli",
]  # fmt: skip
LONGEST_FILE = 400


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name for name in names if name.startswith("kerasbert.")]


def test_imports_flow_one_way():
    against = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        if path not in (ROOT / "__init__.py", ROOT / "__main__.py")
        for name in imports(path)
        if ORDER.index(name.split(".")[1]) > ORDER.index(layer(path))
    ]
    assert not against


def test_files_stay_small():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert {path: count for path, count in lines.items() if count > LONGEST_FILE} == {}


def test_the_core_knows_no_concrete_task():
    for path in modules():
        # Names of columns are the users', not a task's.
        if path.name not in ("quickstart.py", "columns.py"):
            source = path.read_text(encoding="utf-8")
            assert "sentiment" not in source.lower(), path
            assert "spam" not in source.lower(), path
