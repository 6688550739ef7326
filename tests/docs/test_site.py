"""The pages hang together: links, navigation, the API reference, the order of the layers."""

import re
import runpy
from pathlib import Path

import pytest
import yaml

import kerasbert

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FILES = [*PAGES, *(ROOT / name for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in FILES]


def without_code(text: str) -> str:
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`|^    .*$", "", text, flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_links_lead_somewhere(path: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        page = (path.parent / file).resolve() if file else path
        assert page.exists(), target
        if path.is_relative_to(DOCS):
            assert page.is_relative_to(DOCS), f"{target} is not part of the site"
        if anchor:
            assert anchor in anchors(page), target


def test_each_page_is_in_the_navigation():
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
    listed = [
        page
        for part in config["nav"]
        for pages in part.values()
        for entry in pages
        for page in entry.values()
    ]
    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in PAGES)


def test_each_public_name_is_in_the_reference():
    page = (DOCS / "reference.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^::: [\w.]+?(\w+)$", page, re.MULTILINE))
    assert set(kerasbert.__all__) - {"__version__"} <= listed


def test_the_layers_are_listed_in_the_order_that_is_enforced():
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    order = runpy.run_path(str(ROOT / "tests" / "test_layering.py"))["ORDER"]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == order
