"""Data augmentation: changed copies of training rows."""

from kerasbert.augmentation.augment import augment_rows

__all__ = ["augment_rows"]
