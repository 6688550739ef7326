"""More training rows, made from those there are."""

from kerasbert.augmentation.augment import augment_rows

__all__ = ["augment_rows"]
