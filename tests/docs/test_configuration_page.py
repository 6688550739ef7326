"""The page of the configuration is what the schema says."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_page_is_made_from_the_schema():
    spec = importlib.util.spec_from_file_location("make_configuration", DOCS / "make_configuration.py")
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert page == maker.render(), "run: python docs/make_configuration.py"
