"""The encoder where nothing is learned: the trainer's weights, laid out and computed for speed."""

from kerasbert.inference.packed_encoder import PackedEncoder

__all__ = ["PackedEncoder"]
