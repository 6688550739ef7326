"""Fetches a checkpoint from a hub: its configuration, its tokenizer and safetensors, and nothing else."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from kerasbert.errors import CheckpointError, KerasBertError
from kerasbert.hub.address import Address, parse_address
from kerasbert.listing import join_first

CONFIG = "config.json"
TOKENIZER_FILES = (
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "sentencepiece.model",
    "sentencepiece.bpe.model",
    "spiece.model",
)
VECTOR_FILES = ("modules.json", "1_Pooling/config.json", "sentence_bert_config.json")  # Sentence Transformers
_VOCABULARIES = {"vocab.txt", "tokenizer.json", *(name for name in TOKENIZER_FILES if ".model" in name)}
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_PICKLE = re.compile(r"pytorch_model.*\.bin")
_KERAS = ("model.weights.h5", "metadata.json")


@dataclass(frozen=True)
class Snapshot:
    """A repository at one commit, on this machine.

    Args:
        address: with the commit as its revision, so that it always means these files.
        directory: the files, as a Hugging Face folder.
        notes: sentences for the user.
    """

    address: Address
    directory: Path
    notes: tuple[str, ...] = ()

    def instead_of(self, failure: KerasBertError) -> "Snapshot":
        """Returns it with a note that the hub could not be asked."""
        return replace(self, notes=(f"{failure} Until then the copy in the cache is used: {self.address}",))


def fetch(source: str) -> Snapshot:
    """Fetches a checkpoint, or finds it in the cache.

    Args:
        source: an address, see `kerasbert.hub.address`.

    Raises:
        CheckpointError: the address is malformed, there is no such repository or revision, it may not be
            read, or it holds no safetensors.
        ServerError: the hub cannot be reached or fails.
    """
    address = parse_address(source)
    if address.scheme == "hf":
        from kerasbert.hub.hugging_face import fetch_hugging_face

        return fetch_hugging_face(address)
    from kerasbert.hub.modelscope import fetch_modelscope

    return fetch_modelscope(address)


def choose_files(names: Iterable[str], address: Address) -> list[str]:
    """Returns which files of a repository to fetch, the small ones first.

    Raises:
        CheckpointError: it has no configuration, or no weights that kerasbert reads.
    """
    present = set(names)
    if CONFIG not in present:
        raise CheckpointError(f"{address}: has no {CONFIG}, so it is no encoder that kerasbert knows.")
    small = [name for name in (CONFIG, *TOKENIZER_FILES, *VECTOR_FILES) if name in present]
    if WEIGHTS in present:
        return [*small, WEIGHTS]
    shards = sorted(name for name in present if _SHARD.fullmatch(name))
    if INDEX in present and shards:
        return [*small, INDEX, *shards]
    pickles = sorted(name for name in present if _PICKLE.fullmatch(name))
    if pickles:
        raise CheckpointError(
            f"{address}: has its weights in {join_first(pickles)} only, and kerasbert never opens a pickle. "
            f"{_INSTEAD[address.scheme].format(repository=address.repository, name=address.name)}"
        )
    if all(name in present for name in _KERAS):
        raise CheckpointError(
            f"{address}: is a preset of keras-hub, which kerasbert reads by its name alone, such as "
            "bert_base_zh, or from a folder."
        )
    others = sorted(name for name in present if name.endswith((".bin", ".h5", ".msgpack", ".onnx", ".gguf")))
    seen = f" It has {join_first(others)}, which kerasbert does not read." if others else ""
    raise CheckpointError(f"{address}: has no {WEIGHTS}.{seen}")


def is_complete(directory: Path) -> bool:
    """Whether a folder of the cache has all that `choose_files` would choose."""
    names = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    shards = sorted(name for name in names if _SHARD.fullmatch(name))
    has_weights = WEIGHTS in names or (
        INDEX in names and any(shard.endswith(f"-of-{len(shards):05}.safetensors") for shard in shards)
    )
    return has_weights and CONFIG in names and bool(names & _VOCABULARIES)


_INSTEAD = {
    "hf": (
        "Often a pull request of the repository, 'Adding safetensors variant of this model', has them: take "
        "it with @refs/pr/NUMBER. Or download the folder (hf download {repository} --local-dir {name}) and "
        "name it as the source: the message then has a command that converts it."
    ),
    "modelscope": (
        "Download the folder (modelscope download {repository} --local_dir {name}) and name it as the "
        "source: the message then has a command that converts it."
    ),
}
