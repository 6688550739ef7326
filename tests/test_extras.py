"""What extras bring is needed where it is used, and nowhere else."""

import ast
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from click.testing import CliRunner

import kerasbert
from kerasbert.cli import main
from kerasbert.doctor import checks
from kerasbert.errors import UserError
from kerasbert.extras import needs_extra

ROOT = Path(kerasbert.__file__).parent
SERVE = {"grpc_health", "grpc_reflection", "h11", "prometheus_client", "starlette", "uvicorn"}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def test_only_serving_imports_what_the_extra_serve_brings():
    for path in ROOT.rglob("*.py"):
        if "serving" not in path.relative_to(ROOT).parts:
            assert not {name.partition(".")[0] for name in imported(path)} & SERVE, path
            if path != ROOT / "cli" / "serve.py":
                assert not any(name.startswith("kerasbert.serving") for name in imported(path)), path


def test_serve_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "kerasbert.serving.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = CliRunner().invoke(main, ["serve", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: kerasbert serve needs uvicorn, which is not installed. Install it with: "
        "pip install 'kerasbert[serve]'.\n"
    )


def test_doctor_names_what_serve_lacks(monkeypatch):
    def look(name):
        if name in ("starlette", "uvicorn"):
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(checks, "version", look)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0
    assert "serve lacks starlette, uvicorn: pip install 'kerasbert[serve]'" in result.stdout


def test_another_way_is_named_where_there_is_one():
    message = r"a\.xlsx needs nowhere, .*'kerasbert\[excel\]', or save it as CSV\."
    with pytest.raises(UserError, match=message), needs_extra("excel", "a.xlsx", "save it as CSV"):
        import nowhere  # noqa: F401
