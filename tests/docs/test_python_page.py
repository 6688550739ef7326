"""The Python of README and of docs/python.md runs as it stands, and prints what stands there."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.process
CONFIG = """
backbone: {num_layers: 1, hidden_dim: 32, num_heads: 2, intermediate_dim: 64}
head: {pooling: mean}
training: {epochs: 8, batch_size: 8, max_length: 32, learning_rate: 0.005}
"""
GOOD = ("干净", "也好", "很好", "满意", "热情")
BAD = ("太差", "没睡", "失望", "太吵", "难吃")
THINGS = ("房间", "服务", "早餐", "空调", "隔音", "前台", "一夜", "位置")


def blocks(page: str) -> list[tuple[str, str]]:
    """Returns the blocks of Python and what each prints."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(
        r"^```python\n(.*?)^```\n(?:[^`]*?^```text\n(.*?)^```)?", text, re.DOTALL | re.MULTILINE
    )
    assert found
    return found


def run(code: str, names: dict, directory: Path) -> str:
    """Runs a block in a directory and returns what it prints."""
    with contextlib.chdir(directory), contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "page", "exec"), names)
    return printed.getvalue()


@pytest.fixture(scope="module")
def after_readme(tmp_path_factory) -> tuple[Path, str]:
    """A directory with rows in which README's example was run, and what it printed."""
    directory = tmp_path_factory.mktemp("readme")
    config = directory / "configs" / "train" / "classification.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(CONFIG)
    rows = [
        f"{thing}{word}。,{label}\n"
        for label, words in (("negative", BAD), ("positive", GOOD))
        for thing in THINGS
        for word in words
    ]
    (directory / "rows.csv").write_text("text,label\n" + "".join(rows), encoding="utf-8")
    return directory, run(blocks("README.md")[0][0], {}, directory)


def test_the_example_of_readme_prints_what_it_says(after_readme):
    assert after_readme[1] == blocks("README.md")[0][1]


@pytest.mark.parametrize("page", ["README.zh-CN.md", "docs/index.md", "docs/zh/index.md"])
def test_the_example_is_the_same_elsewhere_but_for_its_comments(page: str):
    readme, other = ([re.sub(r" *#.*", "", text) for text in blocks(name)[0]] for name in ("README.md", page))
    assert other == readme


@pytest.mark.filterwarnings(
    "ignore:Gradients do not exist"
)  # of the pooler of [CLS], where the mean is taken
def test_the_page_prints_what_it_says(after_readme):
    names: dict = {}
    for code, expected in blocks("docs/python.md"):
        assert run(code, names, after_readme[0]) == expected
